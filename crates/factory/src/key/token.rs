//! Keys in a PKCS #11 token: made there, not to be taken out, and used by a person who knows the token's PIN.

use crate::{
    folder::{Folder, Name},
    key::{
        Curve,
        pin::Source,
        place::{Entry, Place},
    },
};
use anyhow::{Context, Result, anyhow, bail};
use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
    mechanism::{Mechanism, MechanismType},
    object::{Attribute, AttributeType, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    slot::{Slot, TokenInfo},
};
use secrecy::SecretString;

/// A token whose PIN was given.
pub(crate) struct Token {
    session: Session,
    context: Pkcs11,
    slot: Slot,
    label: String,
    serial: String,
}

impl Token {
    /// Opens the token with that label.
    pub(crate) fn open(place: &Place, pin: &Source) -> Result<Self> {
        Self::find(place, None, pin)
    }

    /// Opens the token of a key.
    pub(crate) fn of(entry: &Entry, pin: &Source) -> Result<Self> {
        Self::find(&entry.place(), Some(&entry.serial), pin)
    }

    fn find(place: &Place, serial: Option<&str>, pin: &Source) -> Result<Self> {
        let shown = plain_text::shown_path(&place.module);
        let context = Pkcs11::new(&place.module).with_context(|| {
            format!("cannot load {shown}, which should be the token's PKCS #11 module: install its driver")
        })?;
        context
            .initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))
            .with_context(|| format!("the PKCS #11 module {shown} does not start"))?;
        let (slot, info) = pick(&context, place, serial)?;
        let label = info.label().to_owned();
        let session = context
            .open_rw_session(slot)
            .map_err(|error| explain(&error, &label))?;
        let token = Self {
            session,
            context,
            slot,
            label,
            serial: info.serial_number().to_owned(),
        };
        token.log_in(&info, pin)?;
        Ok(token)
    }

    fn log_in(&self, info: &TokenInfo, pin: &Source) -> Result<()> {
        let explain = |error| explain(&error, &self.label);
        if info.user_pin_locked() {
            return Err(explain(Error::Pkcs11(
                RvError::PinLocked,
                cryptoki::context::Function::Login,
            )));
        }
        if info.user_pin_final_try() {
            eprintln!(
                "One attempt at the PIN of the token {} is left: a wrong one locks it.",
                plain_text::shown(&self.label)
            );
        }
        // A reader with a keypad asks by itself.
        let typed = if info.protected_authentication_path() {
            None
        } else {
            let pin = pin.ask(&plain_text::shown(&self.label))?;
            Some(SecretString::from(pin.as_str()))
        };
        let outcome = self.session.login(UserType::User, typed.as_ref());
        match outcome {
            Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
            other => other.map_err(explain),
        }
    }

    /// Returns what a file says of a key in this token that is yet to be made.
    pub(crate) fn entry(&self, place: &Place) -> Result<Entry> {
        let mut id = [0; 16];
        getrandom::fill(&mut id)?;
        Ok(Entry {
            module: place.module.clone(),
            label: self.label.clone(),
            serial: self.serial.clone(),
            id: hex::encode(id),
        })
    }

    /// Makes the key, unless it is there.
    pub(crate) fn make(&self, entry: &Entry, curve: &Curve, name: &str) -> Result<()> {
        let id = hex::decode(&entry.id)?;
        if !self.found(ObjectClass::PRIVATE_KEY, &id)?.is_empty() {
            return Ok(());
        }
        let can = self.context.get_mechanism_list(self.slot)?;
        let needed = [MechanismType::ECC_KEY_PAIR_GEN, MechanismType::ECDSA];
        if needed.iter().any(|one| !can.contains(one)) {
            bail!(self.lacks(curve));
        }
        let common = |mut more: Vec<Attribute>| {
            more.extend([
                Attribute::Token(true),
                Attribute::Id(id.clone()),
                Attribute::Label(name.as_bytes().to_vec()),
            ]);
            more
        };
        let public = common(vec![
            Attribute::Private(false),
            Attribute::Verify(true),
            Attribute::EcParams(curve.parameters.to_vec()),
        ]);
        let private = common(vec![
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
            Attribute::Decrypt(false),
            Attribute::Unwrap(false),
            Attribute::Derive(false),
        ]);
        match self
            .session
            .generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private)
        {
            Ok(_pair) => Ok(()),
            Err(Error::Pkcs11(
                RvError::CurveNotSupported
                | RvError::DomainParamsInvalid
                | RvError::MechanismInvalid
                | RvError::AttributeValueInvalid,
                _,
            )) => bail!(self.lacks(curve)),
            Err(other) => Err(explain(&other, &self.label)),
        }
    }

    fn lacks(&self, curve: &Curve) -> String {
        format!(
            "the token {} makes no keys for ECDSA on {}: take another token",
            plain_text::shown(&self.label),
            curve.name
        )
    }

    /// Takes the key out of which nothing can be taken.
    pub(crate) fn key(self, entry: &Entry, curve: &Curve) -> Result<TokenKey> {
        let missing = || {
            format!(
                "the token {} has no key {}: it was deleted there, or this is another token",
                plain_text::shown(&self.label),
                plain_text::shown(&entry.id)
            )
        };
        let id = hex::decode(&entry.id).with_context(missing)?;
        let [private] = self.found(ObjectClass::PRIVATE_KEY, &id)?[..] else {
            bail!(missing());
        };
        let [public] = self.found(ObjectClass::PUBLIC_KEY, &id)?[..] else {
            bail!(missing());
        };
        self.is_kept(private)?;
        let attributes = self
            .session
            .get_attributes(public, &[AttributeType::EcPoint])?;
        let Some(Attribute::EcPoint(value)) = attributes.first() else {
            bail!(missing());
        };
        let point = point(value, curve).with_context(|| self.lacks(curve))?;
        Ok(TokenKey {
            token: self,
            private,
            point: point.to_vec(),
        })
    }

    fn found(&self, class: ObjectClass, id: &[u8]) -> Result<Vec<ObjectHandle>> {
        let template = [
            Attribute::Token(true),
            Attribute::Class(class),
            Attribute::Id(id.to_vec()),
        ];
        self.session
            .find_objects(&template)
            .map_err(|error| explain(&error, &self.label))
    }

    /// Checks that the token made the key, and gives it to nobody.
    fn is_kept(&self, private: ObjectHandle) -> Result<()> {
        let asked = [
            AttributeType::Sensitive,
            AttributeType::Extractable,
            AttributeType::NeverExtractable,
            AttributeType::Local,
        ];
        let found = self.session.get_attributes(private, &asked)?;
        let wanted = [
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::NeverExtractable(true),
            Attribute::Local(true),
        ];
        if wanted.iter().all(|one| found.contains(one)) {
            return Ok(());
        }
        bail!(
            "the key in the token {} can be taken out, or was not made there: it must not be used",
            plain_text::shown(&self.label)
        )
    }
}

/// Makes a key in a token. Before it is made, a file in the folder says which one: so a start after a power cut finds the
/// key, and takes it. The file's name must be changed at the end.
pub(crate) fn make(
    folder: &Folder,
    name: Name,
    (curve, label): (&Curve, &str),
    (place, pin): (&Place, &Source),
) -> Result<TokenKey> {
    let begun = folder.begun(name);
    let (token, entry) = match Entry::read(&begun)? {
        None => {
            let token = Token::open(place, pin)?;
            let entry = token.entry(place)?;
            folder.add(&begun, entry.to_text()?.as_bytes())?;
            (token, entry)
        }
        Some(entry) if entry.label == place.label => (Token::of(&entry, pin)?, entry),
        Some(entry) => bail!(
            "the power was cut, or the program ended, while a key was made in the token {}: name that one again. Or delete \
             the key {} from it, and then {}",
            plain_text::shown(&entry.label),
            plain_text::shown(&entry.id),
            plain_text::shown_path(&begun)
        ),
    };
    #[cfg(test)]
    folder.cut()?;
    token.make(&entry, curve, label)?;
    token.key(&entry, curve)
}

/// A private key in a token.
pub(crate) struct TokenKey {
    token: Token,
    private: ObjectHandle,
    point: Vec<u8>,
}

impl TokenKey {
    /// Returns the public key: a point, uncompressed.
    pub(crate) fn point(&self) -> &[u8] {
        &self.point
    }

    /// Signs a hash with ECDSA; returns r ‖ s.
    pub(crate) fn sign(&self, hash: &[u8]) -> Result<Vec<u8>> {
        self.token
            .session
            .sign(&Mechanism::Ecdsa, self.private, hash)
            .map_err(|error| explain(&error, &self.token.label))
    }
}

/// Finds the one token that is meant.
fn pick(context: &Pkcs11, place: &Place, serial: Option<&str>) -> Result<(Slot, TokenInfo)> {
    let mut labels = Vec::new();
    let mut found = Vec::new();
    for slot in context.get_slots_with_initialized_token()? {
        let info = context.get_token_info(slot)?;
        labels.push(plain_text::shown(info.label()));
        let is_it = serial.is_none_or(|serial| info.serial_number() == serial);
        if info.label() == place.label && is_it {
            found.push((slot, info));
        }
    }
    let label = plain_text::shown(&place.label);
    if found.len() > 1 {
        bail!(
            "{} tokens have the label {label}: unplug all but one",
            found.len()
        );
    }
    found.pop().ok_or_else(|| {
        let there = if labels.is_empty() {
            "there is none at all".to_owned()
        } else {
            format!("there is {}", labels.join(", "))
        };
        match serial {
            Some(_) if labels.contains(&label) => anyhow!(
                "a token with the label {label} is there, but not the one that has the key: its serial number differs"
            ),
            _ => anyhow!("no token has the label {label}: {there}. Plug it in, or set it up with its own program"),
        }
    })
}

/// Says what a token's error means, and what to do.
fn explain(error: &Error, label: &str) -> anyhow::Error {
    let label = plain_text::shown(label);
    match error {
        Error::Pkcs11(RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange, _) => {
            anyhow!("wrong PIN for the token {label}. The token counts wrong ones")
        }
        Error::Pkcs11(RvError::PinLocked, _) => anyhow!(
            "the PIN of the token {label} is locked after wrong attempts: its security officer unblocks it, with the \
             token's own program"
        ),
        Error::Pkcs11(RvError::PinExpired | RvError::UserPinNotInitialized, _) => anyhow!(
            "the token {label} has no PIN that can be used, or an expired one: set one with the token's own program"
        ),
        Error::Pkcs11(RvError::TokenWriteProtected | RvError::SessionReadOnly, _) => {
            anyhow!("the token {label} is write-protected")
        }
        Error::Pkcs11(RvError::TokenNotPresent | RvError::DeviceRemoved, _) => {
            anyhow!("the token {label} was pulled out: plug it in and try again")
        }
        other => anyhow!("the token {label} failed: {other}"),
    }
}

/// Reads `CKA_EC_POINT`: a point within an octet string, as the standard says, or bare, as some tokens have it.
fn point<'a>(value: &'a [u8], curve: &Curve) -> Option<&'a [u8]> {
    let len = 1 + 2 * curve.field;
    let bare = if value.len() == len {
        value
    } else {
        let head = [0x04, u8::try_from(len).ok()?];
        value.strip_prefix(&head)?
    };
    (bare.len() == len && bare.first() == Some(&4)).then_some(bare)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::P384;
    use cryptoki::context::Function;

    impl Token {
        /// Returns how many private keys it has.
        pub(crate) fn keys(&self) -> Result<usize> {
            let template = [Attribute::Class(ObjectClass::PRIVATE_KEY)];
            Ok(self.session.find_objects(&template)?.len())
        }

        /// Makes a key that can be taken out; returns its `CKA_ID`, hexadecimal.
        pub(crate) fn make_weak(&self) -> Result<String> {
            let common = [Attribute::Token(true), Attribute::Id(vec![1; 16])];
            let public = [
                &common[..],
                &[Attribute::EcParams(P384.parameters.to_vec())],
            ]
            .concat();
            let private = [&common[..], &[Attribute::Extractable(true)]].concat();
            self.session
                .generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private)?;
            Ok(hex::encode([1; 16]))
        }
    }

    #[test]
    fn a_point_is_taken_with_and_without_its_octet_string() {
        let mut bare = vec![7; 97];
        bare[0] = 4;
        let whole = [&[0x04, 97][..], &bare].concat();
        assert_eq!(point(&bare, &P384), Some(&bare[..]));
        assert_eq!(point(&whole, &P384), Some(&bare[..]));
        bare[0] = 3;
        for bad in [&bare[..], &whole[..98], &whole[1..], &[]] {
            assert_eq!(point(bad, &P384), None);
        }
    }

    #[test]
    fn errors_say_what_to_do() {
        let say = |error| explain(&Error::Pkcs11(error, Function::Login), "T\u{1b}").to_string();
        assert!(say(RvError::PinIncorrect).starts_with("wrong PIN for the token T"));
        assert!(say(RvError::PinLocked).contains("security officer"));
        assert!(say(RvError::UserPinNotInitialized).contains("set one"));
        assert!(!say(RvError::GeneralError).contains('\u{1b}'));
    }
}
