//! The one file that holds this user's license and the app's PIN: `keywriter/license.json`, 0600, replaced atomically.

use super::{
    gate::{self, GateRefusal, HardwarePermit},
    pin::{HashError, PinRecord, PinRefusal},
    portal::{Portal, PortalError},
};
use crate::{
    file,
    settings::{Format, Wrong, as_text},
    text::shown_path,
};
use license_token::{
    Anchor, Anchors, Claims, Day, Installation, LicenseNumber, LicenseToken, Malformed, Pin,
    RequestCode, ResponseCode,
};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

/// The file with a user's license and PIN.
#[derive(Clone, Debug)]
pub struct LicenseFile(PathBuf);

/// A stored license. It proves nothing about the PIN: see [`Launched`].
#[derive(Clone, Debug)]
pub struct Registration {
    installation: Installation,
    token: String,
    revoked: bool,
    seen: u64,
}

/// Proof that the app was launched: its PIN was right, or it was just registered.
#[derive(Debug)]
pub struct Launched(Registration);

/// Why an operation on license or PIN failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LicenseError {
    /// No license is stored.
    #[error("this app is not registered")]
    NotRegistered,
    /// The PIN was not accepted.
    #[error(transparent)]
    Pin(#[from] PinRefusal),
    /// The new PIN is the old one.
    #[error("the new PIN is the current one")]
    SamePin,
    /// The portal issued no license.
    #[error(transparent)]
    Portal(#[from] PortalError),
    /// The license in the portal's answer or the response code is not valid here.
    #[error("the license received was rejected: {0}")]
    Useless(#[source] GateRefusal),
    /// It is for another license number.
    #[error("the license received is for another number: {0}")]
    OtherNumber(LicenseNumber),
    /// The license does not allow it.
    #[error(transparent)]
    Gate(#[from] GateRefusal),
    /// The file cannot be read.
    #[error("cannot read {}", shown_path(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {}", shown_path(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file's text is wrong.
    #[error("{}: {what}", shown_path(path))]
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
    #[error("no random bytes from the operating system")]
    Random(#[source] getrandom::Error),
}

impl LicenseFile {
    /// Uses that file, which may not exist yet.
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Returns the stored license, without asking for the PIN; `None`: this app is not registered.
    pub fn registration(&self) -> Result<Option<Registration>, LicenseError> {
        Ok(self.load()?.and_then(|record| record.registration()))
    }

    /// Launches the app with its PIN. A PIN that was changed since the last launch takes effect now.
    pub fn launch(&self, pin: &Pin, now: u64) -> Result<Launched, LicenseError> {
        let _lock = self.lock()?;
        let mut record = self.load()?.ok_or(LicenseError::NotRegistered)?;
        record.pin_mut()?.promote();
        self.attempt(&mut record, pin, now)?;
        record.seen = record.seen.max(now);
        self.save(&record)?;
        let registration = record.registration();
        Ok(Launched(registration.ok_or(LicenseError::NotRegistered)?))
    }

    /// Changes the PIN; the new one takes effect at the next launch. A wrong current PIN counts as a wrong attempt.
    pub fn change_pin(
        &self,
        _session: &Launched,
        (current, new): (&Pin, &Pin),
        now: u64,
    ) -> Result<(), LicenseError> {
        let _lock = self.lock()?;
        let mut record = self.load()?.ok_or(LicenseError::NotRegistered)?;
        self.attempt(&mut record, current, now)?;
        // The attempt was right, whatever follows.
        self.save(&record)?;
        if current.expose() == new.expose() {
            return Err(LicenseError::SamePin);
        }
        record.pin_mut()?.change(new, random()?)?;
        self.save(&record)
    }

    /// Registers this app through a portal. The PIN becomes the app's; an earlier license and PIN are replaced.
    pub fn register(
        &self,
        portal: &Portal,
        (number, pin): (LicenseNumber, &Pin),
        anchors: &Anchors,
        now: u64,
    ) -> Result<Launched, LicenseError> {
        let token = portal.register(number, pin, self.installation()?, anchors)?;
        self.keep(&token, (number, Some(pin)), anchors, now)
            .map(Launched)
    }

    /// Returns the code to type into the portal's page on another computer.
    pub fn request(&self, number: LicenseNumber) -> Result<RequestCode, LicenseError> {
        Ok(RequestCode {
            number,
            installation: self.installation()?,
        })
    }

    /// Registers this app with the response code of the portal's page.
    pub fn complete(
        &self,
        (request, response): (&RequestCode, &ResponseCode),
        pin: &Pin,
        anchors: &Anchors,
        now: u64,
    ) -> Result<Launched, LicenseError> {
        // The code does not say which key signed it.
        let complete = |anchor: &Anchor| response.complete(request, anchor.id());
        let mut tokens = anchors.iter().map(complete);
        let is_signed = |token: &LicenseToken| token.clone().verify(anchors).is_ok();
        let token = tokens.find(is_signed);
        let token = token.or_else(|| anchors.iter().next().map(complete));
        let token = token.ok_or(LicenseError::NotRegistered)?;
        self.keep(&token, (request.number, Some(pin)), anchors, now)
            .map(Launched)
    }

    /// Asks the portal for a new token. If the portal refuses, the license is stored as revoked.
    /// Needs no PIN, and permits nothing that needs one.
    pub fn refresh(
        &self,
        portal: &Portal,
        anchors: &Anchors,
        now: u64,
    ) -> Result<Registration, LicenseError> {
        let registration = self.registration()?.ok_or(LicenseError::NotRegistered)?;
        let number = registration.claims()?.number;
        match portal.refresh(registration.token(), registration.installation(), anchors) {
            Ok(token) => self.keep(&token, (number, None), anchors, now),
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

    /// Stores a token after verifying it, with its PIN; without one the PIN stays.
    fn keep(
        &self,
        token: &LicenseToken,
        (number, pin): (LicenseNumber, Option<&Pin>),
        anchors: &Anchors,
        now: u64,
    ) -> Result<Registration, LicenseError> {
        let _lock = self.lock()?;
        let mut record = self.load()?.ok_or(LicenseError::NotRegistered)?;
        let installation = record.installation;
        gate::decide_token(token.clone(), installation, anchors, Day::from_unix(now))
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
        // The portal's answer is newer than any time that this clock showed before.
        record.seen = now;
        self.save(&record)?;
        let registration = record.registration();
        registration.ok_or(LicenseError::NotRegistered)
    }

    /// Counts an attempt, stores the count, and compares.
    fn attempt(&self, record: &mut Record, pin: &Pin, now: u64) -> Result<(), LicenseError> {
        let spent = record.pin_mut()?.spend(now);
        self.save(record)?;
        spent?;
        record.pin_mut()?.compare(pin, now)?;
        Ok(())
    }

    /// Returns this installation, generated the first time.
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

    /// Locks the file for one program at a time, so that no attempt is missed.
    fn lock(&self) -> Result<File, LicenseError> {
        let path = self.0.with_extension("lock");
        let write = |source| self.write_error(source);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(write)?;
        }
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        let lock = file::owners_only(&mut options).open(path).map_err(write)?;
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

    /// Returns the file.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Registration {
    /// Returns the token's text.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Returns what the token says, unverified: to show.
    pub fn claims(&self) -> Result<Claims, GateRefusal> {
        let token = LicenseToken::parse(&self.token).map_err(|Malformed| GateRefusal::Damaged)?;
        Ok(token.unverified().clone())
    }

    /// Returns the installation.
    pub const fn installation(&self) -> Installation {
        self.installation
    }

    /// Returns whether the portal revoked it.
    pub const fn is_revoked(&self) -> bool {
        self.revoked
    }

    /// Returns the latest time at which the app was launched.
    pub(super) const fn seen(&self) -> u64 {
        self.seen
    }

    /// Decides whether it allows cloning hardware modules now: to show. Only a [`Launched`] gives the permit.
    pub fn decide(&self, anchors: &Anchors, now: u64) -> Result<(), GateRefusal> {
        gate::decide(self, anchors, now).map(|_permit| ())
    }
}

impl Launched {
    /// Returns the permit to start new cloning cycles on hardware modules.
    pub fn permit(&self, anchors: &Anchors, now: u64) -> Result<HardwarePermit, GateRefusal> {
        gate::decide(&self.0, anchors, now)
    }

    /// Returns the license.
    pub const fn registration(&self) -> &Registration {
        &self.0
    }

    /// Takes over a new license of the same registration from [`LicenseFile::refresh`].
    pub fn renew(&mut self, registration: Registration) {
        self.0 = registration;
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
