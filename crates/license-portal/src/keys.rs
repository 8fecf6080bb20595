//! The portal key, and what is derived from it: form tokens, tickets, sealed mails and drafts.

use std::{
    fmt, fs,
    io::{self, Write as _},
    path::Path,
};

use aes_gcm::{
    Aes256Gcm, KeyInit as _,
    aead::{Aead as _, Payload},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use jiff::Timestamp;
use license_token::{Anchor, KeyId, LicenseNumber, SigningKey};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, Zeroizing};

use crate::{
    files::create_private_file,
    model::{LinkHash, MailKind},
};

/// Returns random bytes from the operating system.
pub fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// Keys that all instances of one portal share.
pub struct PortalKeys {
    mac: Zeroizing<[u8; 32]>,
    seal: Aes256Gcm,
}

/// Who may open what was typed into a form. A browser chooses its cookie freely: it must not read as a license.
#[derive(Clone, Copy)]
pub enum Typed<'a> {
    /// Whoever has a mailed link of this license.
    License(LicenseNumber),
    /// The browser with this cookie.
    Browser(&'a str),
    /// The portal, to sign what it tells the webhook with this name.
    Hook(&'a str),
}

impl fmt::Display for Typed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::License(number) => write!(f, "typed for license {number}"),
            Self::Browser(cookie) => write!(f, "typed in browser {cookie}"),
            Self::Hook(name) => write!(f, "secret of webhook {name}"),
        }
    }
}

/// A ticket that these keys made, and that has not expired.
pub struct Ticket<'t> {
    /// The license.
    pub number: LicenseNumber,
    holder: &'t str,
}

/// The text was sealed with other keys.
#[derive(Debug, thiserror::Error)]
#[error("sealed with another portal key")]
pub struct OtherKey;

impl PortalKeys {
    /// Derives the keys from the portal key.
    pub fn derive_from(secret: &[u8; 32]) -> Self {
        let kdf = Hkdf::<Sha256>::new(None, secret);
        let mut mac = Zeroizing::new([0; 32]);
        let mut seal = Zeroizing::new([0; 32]);
        for (label, key) in [
            (b"portal mac v1 ", &mut mac),
            (b"portal seal v1", &mut seal),
        ] {
            // 32 bytes are far below the limit of HKDF, so neither call fails.
            if kdf.expand(label, key.as_mut_slice()).is_err() {
                key.zeroize();
            }
        }
        Self {
            mac,
            seal: Aes256Gcm::new(&(*seal).into()),
        }
    }

    /// Returns the form token that belongs to a cookie.
    pub fn form_token(&self, cookie: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.mac(b"form", cookie.as_bytes()))
    }

    /// Compares a form token in constant time.
    pub fn is_form_token(&self, cookie: &str, token: &str) -> bool {
        self.form_token(cookie)
            .as_bytes()
            .ct_eq(token.as_bytes())
            .into()
    }

    /// Returns a name for an address or a license number that reveals nothing to a reader of the database.
    pub fn bucket(&self, kind: &str, value: &str) -> String {
        let mac = self.mac(b"bucket", format!("{kind}\0{value}").as_bytes());
        let (short, _) = mac.split_at(18);
        format!("{kind}:{}", BASE64_URL_SAFE_NO_PAD.encode(short))
    }

    /// Returns a reference to a license, for the browser that entered its number, email address and PIN.
    pub fn ticket(&self, number: LicenseNumber, email: &str, expires_at: Timestamp) -> String {
        let text = format!(
            "{number}.{}.{}",
            expires_at.as_second(),
            self.holder(number, email)
        );
        let mac = BASE64_URL_SAFE_NO_PAD.encode(self.mac(b"ticket", text.as_bytes()));
        format!("{text}.{mac}")
    }

    /// Returns a name for the address of a license, which changes with it.
    fn holder(&self, number: LicenseNumber, email: &str) -> String {
        let mac = self.mac(b"holder", format!("{number}\0{email}").as_bytes());
        let (short, _) = mac.split_at(12);
        BASE64_URL_SAFE_NO_PAD.encode(short)
    }

    /// Returns the license of a ticket, if these keys made it and it has not expired.
    pub fn open_ticket<'t>(&self, ticket: &'t str, now: Timestamp) -> Option<Ticket<'t>> {
        let (text, mac) = ticket.rsplit_once('.')?;
        let mac = BASE64_URL_SAFE_NO_PAD.decode(mac).ok()?;
        let is_ours: bool = self
            .mac(b"ticket", text.as_bytes())
            .ct_eq(mac.as_slice())
            .into();
        let (text, holder) = text.rsplit_once('.')?;
        let (number, expires_at) = text.split_once('.')?;
        let expires_at: i64 = expires_at.parse().ok()?;
        let number = LicenseNumber::parse(number).ok()?;
        (is_ours && now.as_second() < expires_at).then_some(Ticket { number, holder })
    }

    /// Returns whether a ticket is for who has the license now: it could have got another address since.
    pub fn is_for(&self, ticket: &Ticket<'_>, email: &str) -> bool {
        self.holder(ticket.number, email) == ticket.holder
    }

    /// Seals the text of a mail for the outbox.
    pub fn seal(
        &self,
        number: LicenseNumber,
        kind: MailKind,
        text: &str,
    ) -> Result<Vec<u8>, getrandom::Error> {
        let (nonce, sealed) = self.encrypt(&format!("{number} {}", kind.as_str()), text)?;
        Ok([
            nonce.as_slice(),
            kind.as_str().as_bytes().get(..1).unwrap_or_default(),
            &sealed,
        ]
        .concat())
    }

    /// Opens a sealed mail.
    pub fn open(&self, number: &str, sealed: &[u8]) -> Result<Zeroizing<String>, OtherKey> {
        let (nonce, rest) = sealed.split_first_chunk::<12>().ok_or(OtherKey)?;
        let (kind, text) = rest.split_first().ok_or(OtherKey)?;
        let kind = [MailKind::License, MailKind::Verification, MailKind::Notice]
            .into_iter()
            .find(|known| known.as_str().as_bytes().first() == Some(kind))
            .ok_or(OtherKey)?;
        self.decrypt(&format!("{number} {}", kind.as_str()), *nonce, text)
    }

    /// Seals what was typed into a form.
    pub fn seal_typed(&self, whose: Typed<'_>, text: &str) -> Result<Vec<u8>, getrandom::Error> {
        let (nonce, sealed) = self.encrypt(&whose.to_string(), text)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`Self::seal_typed`] sealed for the same.
    pub fn open_typed(
        &self,
        whose: Typed<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<String>, OtherKey> {
        let (nonce, text) = sealed.split_first_chunk::<12>().ok_or(OtherKey)?;
        self.decrypt(&whose.to_string(), *nonce, text)
    }

    fn encrypt(&self, aad: &str, text: &str) -> Result<([u8; 12], Vec<u8>), getrandom::Error> {
        let nonce = random::<12>()?;
        let payload = Payload {
            msg: text.as_bytes(),
            aad: aad.as_bytes(),
        };
        // AES-GCM fails only for texts of more than 64 GiB.
        let sealed = self.seal.encrypt(&nonce.into(), payload);
        Ok((nonce, sealed.unwrap_or_default()))
    }

    fn decrypt(
        &self,
        aad: &str,
        nonce: [u8; 12],
        sealed: &[u8],
    ) -> Result<Zeroizing<String>, OtherKey> {
        let payload = Payload {
            msg: sealed,
            aad: aad.as_bytes(),
        };
        let text = self
            .seal
            .decrypt(&nonce.into(), payload)
            .map_err(|_tag| OtherKey)?;
        String::from_utf8(text)
            .map(Zeroizing::new)
            .map_err(|_encoding| OtherKey)
    }

    fn mac(&self, label: &[u8], value: &[u8]) -> [u8; 32] {
        // HMAC accepts keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.mac.as_slice()) else {
            return [0; 32];
        };
        mac.update(label);
        mac.update(&[0]);
        mac.update(value);
        mac.finalize().into_bytes().into()
    }
}

/// The secret in a mailed link: 32 random bytes in base64url. The database has only its hash.
pub struct LinkSecret(String);

impl LinkSecret {
    /// Draws a new secret.
    pub fn generate() -> Result<Self, getrandom::Error> {
        Ok(Self(BASE64_URL_SAFE_NO_PAD.encode(random::<32>()?)))
    }

    /// Returns the hash of a secret as it was received.
    pub fn hash_of(text: &str) -> LinkHash {
        LinkHash(Sha256::digest(text).into())
    }

    /// Returns the secret, for the mail.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// The secret of an operator who is signed in: 32 random bytes in base64url. The database has only its hash.
pub struct SessionSecret(Zeroizing<String>);

impl SessionSecret {
    /// Draws a new secret.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let secret = BASE64_URL_SAFE_NO_PAD.encode(random::<32>()?);
        Ok(Self(Zeroizing::new(secret)))
    }

    /// Returns the hash of a secret as it was received.
    pub fn hash_of(text: &str) -> [u8; 32] {
        Sha256::digest(text).into()
    }

    /// Returns the secret, for the browser's cookie.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// An operator's key: 32 random bytes in base64url, with a prefix that secret scanners recognize. The database has
/// only its hash.
pub struct OperatorKey(Zeroizing<String>);

impl OperatorKey {
    /// Draws a new key.
    pub fn generate() -> Result<Self, getrandom::Error> {
        Ok(Self(Zeroizing::new(format!(
            "kwop_{}",
            BASE64_URL_SAFE_NO_PAD.encode(random::<32>()?)
        ))))
    }

    /// Returns the hash of a key as it was received. A fast hash is enough: the key is random.
    pub fn hash_of(text: &str) -> [u8; 32] {
        Sha256::digest(text).into()
    }

    /// Returns the key, to print it once.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// The secret of a webhook: 32 random bytes in base64url, with a prefix that secret scanners recognize.
pub struct HookSecret(Zeroizing<String>);

impl HookSecret {
    /// Draws a new secret.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let secret = BASE64_URL_SAFE_NO_PAD.encode(random::<32>()?);
        Ok(Self(Zeroizing::new(format!("kwhs_{secret}"))))
    }

    /// Returns the secret, to print it once.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// The keys that this portal signs license tokens with: the newest first. While a portal changes its key it holds the
/// old one too, for apps that do not know the new one yet.
pub struct Signers(Vec<SigningKey>);

impl Signers {
    /// Takes the key to sign with, and older keys, the newest first.
    pub fn new(newest: SigningKey, older: impl IntoIterator<Item = SigningKey>) -> Self {
        Self(std::iter::once(newest).chain(older).collect())
    }

    /// Returns no key, for a program that signs nothing: every request for a token is refused.
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// Returns the published development key alone.
    pub fn development() -> Self {
        Self::new(SigningKey::development(), [])
    }

    /// Returns the newest key that an app verifies with. `None` as `known`: the app does not say.
    pub fn for_app(&self, known: Option<&[KeyId]>) -> Option<&SigningKey> {
        self.0
            .iter()
            .find(|key| known.is_none_or(|known| known.contains(&key.anchor().id())))
    }

    /// Returns the oldest key: it signs the codes of offline registrations, which do not say what the app knows.
    pub fn oldest(&self) -> Option<&SigningKey> {
        self.0.last()
    }

    /// Returns the public keys, the newest first.
    pub fn anchors(&self) -> Vec<Anchor> {
        self.0.iter().map(SigningKey::anchor).collect()
    }
}

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The file cannot be read or written.
    #[error("{0}")]
    File(#[from] std::io::Error),
    /// It does not contain a key.
    #[error("the file must contain 64 hexadecimal digits")]
    Malformed,
    /// Other users can read it.
    #[error("other users can read the file; set its mode to 0600")]
    Exposed,
    /// It is the development key, with which anyone can sign.
    #[error("this is the published development key, with which anyone can sign")]
    Published,
}

/// Reads the portal key.
pub fn portal_keys(file: &Path) -> Result<PortalKeys, KeyFileError> {
    Ok(PortalKeys::derive_from(&*read_secret(file)?))
}

/// Creates the portal key, if the file does not exist.
pub fn create_portal_key(file: &Path) -> Result<(), KeyFileError> {
    if !file.exists() {
        let secret = Zeroizing::new(random::<32>().map_err(io::Error::from)?);
        let mut text = Zeroizing::new([b'\n'; 65]);
        hex::encode_to_slice(secret.as_slice(), &mut text[..64])
            .map_err(|_length| KeyFileError::Malformed)?;
        // Written elsewhere first: another instance that starts must not read half a key.
        let folder = match file.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let draft = folder.join(format!(
            ".portal.key.{}",
            hex::encode(random::<8>().map_err(io::Error::from)?)
        ));
        let written =
            write_secret(&draft, text.as_slice()).and_then(|()| fs::hard_link(&draft, file));
        let removed = fs::remove_file(&draft);
        match written {
            Ok(()) => {
                removed?;
                // A power cut must not leave a database whose mails no key opens.
                fs::File::open(folder)?.sync_all()?;
            }
            // Another instance was faster: its key is this portal's.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn write_secret(file: &Path, text: &[u8]) -> io::Result<()> {
    let mut created = create_private_file(file)?;
    created.write_all(text)?;
    created.sync_all()
}

/// Reads a key that signs license tokens.
pub fn signing_key(file: &Path) -> Result<SigningKey, KeyFileError> {
    let key = SigningKey::from_seed(&*read_secret(file)?);
    if key.anchor().is_development() {
        return Err(KeyFileError::Published);
    }
    Ok(key)
}

fn read_secret(file: &Path) -> Result<Zeroizing<[u8; 32]>, KeyFileError> {
    use std::os::unix::fs::PermissionsExt as _;
    if fs::metadata(file)?.permissions().mode() & 0o077 != 0 {
        return Err(KeyFileError::Exposed);
    }
    let text = Zeroizing::new(fs::read_to_string(file)?);
    let mut secret = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim(), secret.as_mut_slice())
        .map_err(|_form| KeyFileError::Malformed)?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_first_starts_one_makes_the_key_and_all_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("portal.key");
        let tokens: std::collections::BTreeSet<String> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..16)
                .map(|_| {
                    scope.spawn(|| {
                        create_portal_key(&file).unwrap();
                        portal_keys(&file).unwrap().form_token("x")
                    })
                })
                .collect();
            starts
                .into_iter()
                .map(|start| start.join().unwrap())
                .collect()
        });
        assert_eq!(tokens.len(), 1);
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }

    #[test]
    fn a_program_that_signs_nothing_has_no_key_for_anyone() {
        let none = Signers::none();
        assert!(none.for_app(None).is_none() && none.oldest().is_none());
        assert!(none.anchors().is_empty());
    }
}
