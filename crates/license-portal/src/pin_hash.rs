//! Argon2id hashes of PINs. A comparison costs the same whether the license exists or not.

use std::{sync::Arc, thread::available_parallelism};

use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use license_token::Pin;
use tokio::sync::Semaphore;

use crate::keys::random;

/// Proof that a PIN matched; only a comparison creates it.
pub struct PinMatched(());

/// Why a PIN could not be hashed or compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// Too many requests wait already.
    #[error("too many PINs are waiting to be hashed")]
    Overloaded,
    /// Randomness, a thread or the hash function failed.
    #[error("cannot hash the PIN: {0}")]
    Failed(String),
}

/// Hashes PINs, one per core at a time: each takes 19 MiB (Argon2id with 2 passes, OWASP's first choice).
#[derive(Clone)]
pub struct PinHasher {
    turns: Arc<Semaphore>,
    decoy: Arc<str>,
    queue: Arc<Semaphore>,
}

impl PinHasher {
    /// Creates a hasher, and the hash of a random PIN to compare with if a license does not exist.
    pub fn new() -> Result<Self, HashError> {
        let cores = available_parallelism().map_or(2, usize::from);
        let decoy = hash(&Pin::generate(random().map_err(failed)?))?;
        Ok(Self {
            turns: Arc::new(Semaphore::new(cores)),
            decoy: decoy.into(),
            queue: Arc::new(Semaphore::new(cores * WAITING)),
        })
    }

    /// Hashes a new PIN; returns a PHC string.
    pub async fn hash(&self, pin: Pin) -> Result<String, HashError> {
        self.run(move |_| hash(&pin)).await
    }

    /// Compares a PIN with a hash. Without a hash it does the same work and never matches.
    pub async fn compare(
        &self,
        hash: Option<&str>,
        pin: Pin,
    ) -> Result<Option<PinMatched>, HashError> {
        let exists = hash.is_some();
        let hash = hash.map(str::to_owned);
        self.run(move |decoy| {
            let hash = hash.as_deref().unwrap_or(decoy);
            match Argon2::default().verify_password(pin.expose(), hash) {
                Ok(()) => Ok(exists.then_some(PinMatched(()))),
                Err(argon2::password_hash::Error::PasswordInvalid) => Ok(None),
                Err(error) => Err(failed(error)),
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&str) -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let _place = self
            .queue
            .try_acquire()
            .map_err(|_full| HashError::Overloaded)?;
        let _turn = self.turns.acquire().await.map_err(failed)?;
        let decoy = Arc::clone(&self.decoy);
        tokio::task::spawn_blocking(move || work(&decoy))
            .await
            .map_err(failed)?
    }
}

fn hash(pin: &Pin) -> Result<String, HashError> {
    let salt: [u8; 16] = random().map_err(failed)?;
    let hash = Argon2::default()
        .hash_password_with_salt(pin.expose(), &salt)
        .map_err(failed)?;
    Ok(hash.to_string())
}

fn failed(error: impl std::fmt::Display) -> HashError {
    HashError::Failed(error.to_string())
}

/// How many hashes per core may wait; more are refused.
const WAITING: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_pin_of_a_license_that_exists_matches() {
        let hasher = PinHasher::new().unwrap();
        let pin = |text| Pin::parse(text).unwrap();
        let hash = hasher.hash(pin("01234567")).await.unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert!(
            hasher
                .compare(Some(&hash), pin("01234567"))
                .await
                .unwrap()
                .is_some()
        );
        assert!(
            hasher
                .compare(Some(&hash), pin("01234568"))
                .await
                .unwrap()
                .is_none()
        );
        assert!(
            hasher
                .compare(None, pin("01234567"))
                .await
                .unwrap()
                .is_none()
        );
    }
}
