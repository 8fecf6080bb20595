//! The portal's own secret, and what is derived from it: form tokens, tickets, sealed mails.

use std::{fs, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path};

use aes_gcm::{
    Aes256Gcm, KeyInit as _,
    aead::{Aead as _, Payload},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use jiff::Timestamp;
use license_token::{LicenseNumber, SigningKey};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, Zeroizing};

use crate::model::{LinkHash, MailKind};

/// Random bytes of the operating system.
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

/// A sealed mail that was not sealed with these keys.
#[derive(Debug, thiserror::Error)]
#[error("the mail was sealed with another portal key")]
pub struct OtherKey;

impl PortalKeys {
    /// Derives them from the portal's secret.
    pub fn derive_from(secret: &[u8; 32]) -> Self {
        let kdf = Hkdf::<Sha256>::new(None, secret);
        let mut mac = Zeroizing::new([0; 32]);
        let mut seal = Zeroizing::new([0; 32]);
        for (label, key) in [
            (b"portal mac v1 ", &mut mac),
            (b"portal seal v1", &mut seal),
        ] {
            // 32 bytes are far below HKDF's limit, so neither call fails.
            if kdf.expand(label, key.as_mut_slice()).is_err() {
                key.zeroize();
            }
        }
        Self {
            mac,
            seal: Aes256Gcm::new(&(*seal).into()),
        }
    }

    /// The form token that belongs to a cookie.
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

    /// A name for an address or number that tells nothing to who reads the database.
    pub fn bucket(&self, kind: &str, value: &str) -> String {
        let mac = self.mac(b"bucket", format!("{kind}\0{value}").as_bytes());
        let (short, _) = mac.split_at(18);
        format!("{kind}:{}", BASE64_URL_SAFE_NO_PAD.encode(short))
    }

    /// A reference to a license for the browser that entered its number, e-mail and PIN.
    pub fn ticket(&self, number: LicenseNumber, expires_at: Timestamp) -> String {
        let text = format!("{number}.{}", expires_at.as_second());
        let mac = BASE64_URL_SAFE_NO_PAD.encode(self.mac(b"ticket", text.as_bytes()));
        format!("{text}.{mac}")
    }

    /// The license of a ticket that these keys made and that has not lapsed.
    pub fn open_ticket(&self, ticket: &str, now: Timestamp) -> Option<LicenseNumber> {
        let (text, mac) = ticket.rsplit_once('.')?;
        let mac = BASE64_URL_SAFE_NO_PAD.decode(mac).ok()?;
        let is_ours: bool = self
            .mac(b"ticket", text.as_bytes())
            .ct_eq(mac.as_slice())
            .into();
        let (number, expires_at) = text.split_once('.')?;
        let expires_at: i64 = expires_at.parse().ok()?;
        (is_ours && now.as_second() < expires_at).then(|| LicenseNumber::parse(number).ok())?
    }

    /// Seals a mail's text for the outbox.
    pub fn seal(
        &self,
        number: LicenseNumber,
        kind: MailKind,
        text: &str,
    ) -> Result<Vec<u8>, getrandom::Error> {
        let nonce = random::<12>()?;
        let aad = format!("{number} {}", kind.as_str());
        let payload = Payload {
            msg: text.as_bytes(),
            aad: aad.as_bytes(),
        };
        // AES-GCM refuses only texts of more than 64 GiB.
        let sealed = self
            .seal
            .encrypt(&nonce.into(), payload)
            .unwrap_or_default();
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
        let kind = [MailKind::License, MailKind::Verification]
            .into_iter()
            .find(|known| known.as_str().as_bytes().first() == Some(kind))
            .ok_or(OtherKey)?;
        let aad = format!("{number} {}", kind.as_str());
        let payload = Payload {
            msg: text,
            aad: aad.as_bytes(),
        };
        let text = self
            .seal
            .decrypt(&(*nonce).into(), payload)
            .map_err(|_tag| OtherKey)?;
        String::from_utf8(text)
            .map(Zeroizing::new)
            .map_err(|_encoding| OtherKey)
    }

    fn mac(&self, label: &[u8], value: &[u8]) -> [u8; 32] {
        // HMAC takes keys of every length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.mac.as_slice()) else {
            return [0; 32];
        };
        mac.update(label);
        mac.update(&[0]);
        mac.update(value);
        mac.finalize().into_bytes().into()
    }
}

/// What only the receiver of a mail knows: 32 random bytes, base64url. The database has its hash.
pub struct LinkSecret(String);

impl LinkSecret {
    /// Draws a new one.
    pub fn generate() -> Result<Self, getrandom::Error> {
        Ok(Self(BASE64_URL_SAFE_NO_PAD.encode(random::<32>()?)))
    }

    /// The hash of a link as it came in.
    pub fn hash_of(text: &str) -> LinkHash {
        LinkHash(Sha256::digest(text).into())
    }

    /// For the mail.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// An operator's key: 32 random bytes, base64url, with a name that secret scanners can find. The database has its hash.
pub struct OperatorKey(Zeroizing<String>);

impl OperatorKey {
    /// Draws a new one.
    pub fn generate() -> Result<Self, getrandom::Error> {
        Ok(Self(Zeroizing::new(format!(
            "kwop_{}",
            BASE64_URL_SAFE_NO_PAD.encode(random::<32>()?)
        ))))
    }

    /// The hash of a key as it came in. Not a slow one: the key is random.
    pub fn hash_of(text: &str) -> [u8; 32] {
        Sha256::digest(text).into()
    }

    /// To print once.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Why a key file was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The file failed.
    #[error("{0}")]
    File(#[from] std::io::Error),
    /// It is no key.
    #[error("not 64 hexadecimal digits")]
    Malformed,
    /// Others may read it.
    #[error("others may read it: its mode should be 0600")]
    Exposed,
}

/// Reads the portal's secret, or makes it if the file is not there.
pub fn portal_keys(file: &Path) -> Result<PortalKeys, KeyFileError> {
    if !file.exists() {
        let secret = Zeroizing::new(random::<32>().map_err(std::io::Error::from)?);
        let mut text = Zeroizing::new(String::with_capacity(65));
        for byte in *secret {
            text.push_str(&Zeroizing::new(format!("{byte:02x}")));
        }
        text.push('\n');
        match fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(file)
        {
            Ok(mut made) => {
                made.write_all(text.as_bytes())?;
                made.sync_all()?;
            }
            // Another instance was faster.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(PortalKeys::derive_from(&*read_secret(file)?))
}

/// Reads the key that signs license tokens.
pub fn signing_key(file: &Path) -> Result<SigningKey, KeyFileError> {
    Ok(SigningKey::from_seed(&*read_secret(file)?))
}

fn read_secret(file: &Path) -> Result<Zeroizing<[u8; 32]>, KeyFileError> {
    use std::os::unix::fs::PermissionsExt as _;
    if fs::metadata(file)?.permissions().mode() & 0o077 != 0 {
        return Err(KeyFileError::Exposed);
    }
    let text = Zeroizing::new(fs::read_to_string(file)?);
    let digits = text.trim();
    let mut secret = Zeroizing::new([0; 32]);
    if digits.len() != 64 || !digits.is_ascii() {
        return Err(KeyFileError::Malformed);
    }
    for (byte, place) in secret.iter_mut().zip((0..64).step_by(2)) {
        let pair = digits
            .get(place..place + 2)
            .ok_or(KeyFileError::Malformed)?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_digit| KeyFileError::Malformed)?;
    }
    Ok(secret)
}
