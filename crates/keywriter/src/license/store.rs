//! The one file that holds this user's license and the app's PIN: `keywriter/license.json`, 0600, replaced atomically.

use super::{
    gate::{self, GateRefusal, HardwarePermit},
    pin::{HashError, PinRecord, PinRefusal},
    portal::{Portal, PortalError},
};
use crate::{
    file,
    settings::{Format, Wrong, as_text},
};
use license_token::{
    Anchor, Claims, Day, Installation, LicenseNumber, LicenseToken, Malformed, Pin, RequestCode,
    ResponseCode,
};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Where a user's license and PIN are.
#[derive(Clone, Debug)]
pub struct Store(PathBuf);

/// A license that is stored. It says nothing of the PIN: see [`Session`].
#[derive(Clone, Debug)]
pub struct Registration {
    installation: Installation,
    token: String,
    revoked: bool,
    seen: u64,
}

/// Proof that the app was launched: its PIN was right, or it was just registered.
#[derive(Debug)]
pub struct Session(Registration);

/// Why something could not be done with license or PIN.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LicenseError {
    /// No license is stored.
    #[error("this app is not registered")]
    NotRegistered,
    /// The PIN was not taken.
    #[error(transparent)]
    Pin(#[from] PinRefusal),
    /// The new PIN is the old one.
    #[error("the new PIN is the current one")]
    SamePin,
    /// The portal gave no license.
    #[error(transparent)]
    Portal(#[from] PortalError),
    /// What the portal or the response code gave is no license for this.
    #[error("the license that came is not taken: {0}")]
    Useless(#[source] GateRefusal),
    /// It is for another license number.
    #[error("the license that came is another: {0}")]
    OtherNumber(LicenseNumber),
    /// The portal does not vouch for the license any more.
    #[error(transparent)]
    Gate(#[from] GateRefusal),
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file's text is wrong.
    #[error("{}: {what}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        what: Wrong,
    },
    /// The PIN could not be hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The system gave no randomness.
    #[error("no randomness")]
    Random(#[source] getrandom::Error),
}

impl Store {
    /// The store in that file, which need not be there.
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// The license that is stored, without asking for the PIN; `None`: this app is not registered.
    pub fn registration(&self) -> Result<Option<Registration>, LicenseError> {
        Ok(self.load()?.and_then(|record| record.registration()))
    }

    /// Launches the app with its PIN. A PIN that was changed since the last launch counts now.
    pub fn launch(&self, pin: &Pin, now: u64) -> Result<Session, LicenseError> {
        let _lock = self.lock()?;
        let mut record = self.load()?.ok_or(LicenseError::NotRegistered)?;
        record.pin_mut()?.promote();
        self.attempt(&mut record, pin, now)?;
        record.seen = record.seen.max(now);
        self.save(&record)?;
        let registration = record.registration();
        Ok(Session(registration.ok_or(LicenseError::NotRegistered)?))
    }

    /// Changes the PIN; the new one counts from the next launch. A wrong current PIN counts as a wrong try.
    pub fn change_pin(
        &self,
        _session: &Session,
        (current, new): (&Pin, &Pin),
        now: u64,
    ) -> Result<(), LicenseError> {
        let _lock = self.lock()?;
        let mut record = self.load()?.ok_or(LicenseError::NotRegistered)?;
        self.attempt(&mut record, current, now)?;
        // Given back already, whatever follows.
        self.save(&record)?;
        if current.expose() == new.expose() {
            return Err(LicenseError::SamePin);
        }
        record.pin_mut()?.change(new, random()?)?;
        self.save(&record)
    }

    /// Registers this app through a portal. The PIN becomes the app's, and an earlier license and PIN are forgotten.
    pub fn register(
        &self,
        portal: &Portal,
        (number, pin): (LicenseNumber, &Pin),
        anchor: &Anchor,
        now: u64,
    ) -> Result<Session, LicenseError> {
        let token = portal.register(number, pin, self.installation()?)?;
        self.keep(&token, (number, Some(pin)), anchor, now)
            .map(Session)
    }

    /// What to type into the portal's page on another computer.
    pub fn request(&self, number: LicenseNumber) -> Result<RequestCode, LicenseError> {
        Ok(RequestCode {
            number,
            installation: self.installation()?,
        })
    }

    /// Registers this app with what the portal's page answered.
    pub fn complete(
        &self,
        (request, response): (&RequestCode, &ResponseCode),
        pin: &Pin,
        anchor: &Anchor,
        now: u64,
    ) -> Result<Session, LicenseError> {
        let token = response.complete(request, anchor.id());
        self.keep(&token, (request.number, Some(pin)), anchor, now)
            .map(Session)
    }

    /// Asks the portal for a fresh token. A portal that refuses has revoked the license: that is kept.
    /// Needs no PIN, and gives nothing that one would.
    pub fn refresh(
        &self,
        portal: &Portal,
        anchor: &Anchor,
        now: u64,
    ) -> Result<Registration, LicenseError> {
        let registration = self.registration()?.ok_or(LicenseError::NotRegistered)?;
        let number = registration.claims()?.number;
        match portal.refresh(registration.token(), registration.installation()) {
            Ok(token) => self.keep(&token, (number, None), anchor, now),
            Err(PortalError::Refused) => {
                let _lock = self.lock()?;
                let mut record = self.load()?.ok_or(LicenseError::NotRegistered)?;
                record.revoked = true;
                self.save(&record)?;
                Err(GateRefusal::Revoked.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps a token that proved to be what was asked for, with its PIN; without one the PIN stays.
    fn keep(
        &self,
        token: &LicenseToken,
        (number, pin): (LicenseNumber, Option<&Pin>),
        anchor: &Anchor,
        now: u64,
    ) -> Result<Registration, LicenseError> {
        let _lock = self.lock()?;
        let mut record = self.load()?.ok_or(LicenseError::NotRegistered)?;
        let installation = record.installation;
        gate::judge_token(token.clone(), installation, anchor, Day::from_unix(now))
            .map_err(LicenseError::Useless)?;
        let found = token.unverified().number;
        if found != number {
            return Err(LicenseError::OtherNumber(found));
        }
        if let Some(pin) = pin {
            record.pin = Some(PinRecord::new(pin, random()?)?);
        }
        record.license = Some(token.to_string());
        record.revoked = false;
        // The portal's word is newer than whatever this clock once showed.
        record.seen = now;
        self.save(&record)?;
        let registration = record.registration();
        registration.ok_or(LicenseError::NotRegistered)
    }

    /// Spends a try, writes that down, and compares.
    fn attempt(&self, record: &mut Record, pin: &Pin, now: u64) -> Result<(), LicenseError> {
        let spent = record.pin_mut()?.spend(now);
        self.save(record)?;
        spent?;
        record.pin_mut()?.compare(pin, now)?;
        Ok(())
    }

    /// This installation, made up the first time.
    fn installation(&self) -> Result<Installation, LicenseError> {
        let _lock = self.lock()?;
        if let Some(record) = self.load()? {
            return Ok(record.installation);
        }
        let record = Record {
            format: FORMAT.name.to_owned(),
            version: FORMAT.version,
            installation: Installation::new(random()?),
            license: None,
            revoked: false,
            pin: None,
            seen: 0,
        };
        self.save(&record)?;
        Ok(record.installation)
    }

    /// One program at a time, so that tries are counted one after the other.
    fn lock(&self) -> Result<File, LicenseError> {
        let path = self.0.with_extension("lock");
        let write = |source| self.write_error(source);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(write)?;
        }
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path)
            .map_err(write)?;
        lock.lock().map_err(write)?;
        Ok(lock)
    }

    fn load(&self) -> Result<Option<Record>, LicenseError> {
        let text = match fs::read(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|source| LicenseError::Read {
                path: self.0.clone(),
                source,
            })?,
        };
        Record::parse(&text)
            .map(Some)
            .map_err(|what| LicenseError::Wrong {
                path: self.0.clone(),
                what,
            })
    }

    fn save(&self, record: &Record) -> Result<(), LicenseError> {
        let write = |source| self.write_error(source);
        let mut text = serde_json::to_vec(record).map_err(|error| write(error.into()))?;
        text.push(b'\n');
        file::replace(&self.0, &text).map_err(write)
    }

    fn write_error(&self, source: io::Error) -> LicenseError {
        LicenseError::Write {
            path: self.0.clone(),
            source,
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Registration {
    /// The token's text.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// What the token says, unproved: to show.
    pub fn claims(&self) -> Result<Claims, GateRefusal> {
        let token = LicenseToken::parse(&self.token).map_err(|Malformed| GateRefusal::Damaged)?;
        Ok(token.unverified().clone())
    }

    /// This app.
    pub const fn installation(&self) -> Installation {
        self.installation
    }

    /// Whether the portal refused to vouch for it any longer.
    pub const fn is_revoked(&self) -> bool {
        self.revoked
    }

    /// The latest time at which the app was launched.
    pub(super) const fn seen(&self) -> u64 {
        self.seen
    }

    /// Whether it would let hardware modules be cloned now: to show. Only a [`Session`] gives the permit.
    pub fn judge(&self, anchor: &Anchor, now: u64) -> Result<(), GateRefusal> {
        gate::judge(self, anchor, now).map(|_permit| ())
    }
}

impl Session {
    /// The permit to start new cloning cycles on hardware modules.
    pub fn permit(&self, anchor: &Anchor, now: u64) -> Result<HardwarePermit, GateRefusal> {
        gate::judge(&self.0, anchor, now)
    }

    /// The license.
    pub const fn registration(&self) -> &Registration {
        &self.0
    }

    /// Takes over a fresh license of the same registration, which [`Store::refresh`] gave.
    pub fn renew(&mut self, registration: Registration) {
        self.0 = registration;
    }
}

impl LicenseError {
    /// What to do next.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::NotRegistered => GateRefusal::Unregistered.advice(),
            Self::Pin(refusal) => refusal.advice(),
            Self::SamePin => "choose another",
            Self::Portal(error) => error.advice(),
            Self::Gate(refusal) | Self::Useless(refusal) => refusal.advice(),
            Self::OtherNumber(_) => "see that the response belongs to the request",
            Self::Read { .. } | Self::Write { .. } => "see that this user may use the file",
            Self::Wrong { what, .. } => match what {
                Wrong::NewerVersion { .. } => "use a newer keywriter",
                _ => "move the file away and register again",
            },
            Self::Hash(_) | Self::Random(_) => "try again",
        }
    }

    /// Whether the file's text is wrong, rather than reading or writing it.
    pub const fn is_bad_file(&self) -> bool {
        matches!(self, Self::Wrong { .. })
    }
}

/// What the file says.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Record {
    format: String,
    version: u64,
    #[serde(with = "as_text")]
    installation: Installation,
    #[serde(deserialize_with = "Option::deserialize")]
    license: Option<String>,
    revoked: bool,
    #[serde(deserialize_with = "Option::deserialize")]
    pin: Option<PinRecord>,
    seen: u64,
}

impl Record {
    fn parse(text: &[u8]) -> Result<Self, Wrong> {
        let record: Self = FORMAT.parse(text)?;
        if record.pin.as_ref().is_some_and(|pin| !pin.is_sound()) {
            return Err(Wrong::Fields(serde::de::Error::custom(Malformed)));
        }
        Ok(record)
    }

    fn pin_mut(&mut self) -> Result<&mut PinRecord, LicenseError> {
        self.pin.as_mut().ok_or(LicenseError::NotRegistered)
    }

    fn registration(&self) -> Option<Registration> {
        Some(Registration {
            installation: self.installation,
            token: self.license.clone()?,
            revoked: self.revoked,
            seen: self.seen,
        })
    }
}

fn random<const N: usize>() -> Result<[u8; N], LicenseError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(LicenseError::Random)?;
    Ok(bytes)
}

const FORMAT: Format = Format {
    name: "keywriter-license",
    version: 1,
};
