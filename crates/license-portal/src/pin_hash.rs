//! Argon2id hashes of PINs. A comparison costs the same whether the license exists or not.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread::available_parallelism,
};

use argon2::{
    ARGON2ID_IDENT, Argon2, Block, Params,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};
use license_token::Pin;
use subtle::ConstantTimeEq as _;
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

/// Hashes PINs, one per core at a time (Argon2id with 19 MiB and 2 passes, OWASP's first choice).
///
/// Each core has its own memory, which is allocated once and used again: freed blocks of this size would stay with the
/// process.
#[derive(Clone)]
pub struct PinHasher(Arc<Workplace>);

struct Workplace {
    turns: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    free: Mutex<Vec<Memory>>,
    decoy: String,
}

/// What one hash is computed in.
type Memory = Vec<Block>;

impl PinHasher {
    /// Creates a hasher, and the hash of a random PIN to compare with if a license does not exist.
    pub fn new() -> Result<Self, HashError> {
        let cores = available_parallelism().map_or(2, usize::from);
        let mut memory = new_memory();
        let decoy = hash(&Pin::generate(random().map_err(failed)?), &mut memory)?;
        Ok(Self(Arc::new(Workplace {
            turns: Arc::new(Semaphore::new(cores)),
            queue: Arc::new(Semaphore::new(cores * WAITING)),
            free: Mutex::new(vec![memory]),
            decoy,
        })))
    }

    /// Hashes a new PIN; returns a PHC string.
    pub async fn hash(&self, pin: Pin) -> Result<String, HashError> {
        self.run(move |memory, _decoy| hash(&pin, memory)).await
    }

    /// Compares a PIN with a hash. Without a hash it does the same work and never matches.
    pub async fn compare(
        &self,
        hash: Option<&str>,
        pin: Pin,
    ) -> Result<Option<PinMatched>, HashError> {
        let exists = hash.is_some();
        let hash = hash.map(str::to_owned);
        self.run(move |memory, decoy| {
            let is_match = verify(&pin, hash.as_deref().unwrap_or(decoy), memory)?;
            Ok((exists && is_match).then_some(PinMatched(())))
        })
        .await
    }

    /// Returns how many MiB of memory hashes use at most, and how many may wait.
    pub fn limits() -> (usize, usize) {
        let cores = available_parallelism().map_or(2, usize::from);
        (cores * BLOCKS / 1024, cores * WAITING)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory, &str) -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let place = Arc::clone(&self.0.queue)
            .try_acquire_owned()
            .map_err(|_full| HashError::Overloaded)?;
        let turn = Arc::clone(&self.0.turns).acquire_owned().await;
        let turn = turn.map_err(failed)?;
        let workplace = Arc::clone(&self.0);
        let task = move || {
            // Held until the work is done, even if the request is dropped meanwhile.
            let _held = (place, turn);
            let free = || {
                workplace
                    .free
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
            };
            let memory = free().pop();
            let mut memory = memory.unwrap_or_else(new_memory);
            let result = work(&mut memory, &workplace.decoy);
            free().push(memory);
            result
        };
        tokio::task::spawn_blocking(task).await.map_err(failed)?
    }
}

fn new_memory() -> Memory {
    vec![Block::default(); BLOCKS]
}

fn hash(pin: &Pin, memory: &mut Memory) -> Result<String, HashError> {
    let salt: [u8; 16] = random().map_err(failed)?;
    let params = Params::default();
    let hash = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(argon2::Version::default().into()),
        params: ParamsString::try_from(&params).map_err(failed)?,
        salt: Some(Salt::new(&salt).map_err(failed)?),
        hash: Some(Output::new(&compute(pin, &salt, params, memory)?).map_err(failed)?),
    };
    Ok(hash.to_string())
}

/// Compares a PIN with a hash in constant time.
fn verify(pin: &Pin, hash: &str, memory: &mut Memory) -> Result<bool, HashError> {
    let hash = PasswordHash::new(hash).map_err(failed)?;
    let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else {
        return Err(failed("no salt or no hash"));
    };
    let params = Params::try_from(&hash).map_err(failed)?;
    let computed = compute(pin, salt.as_ref(), params, memory)?;
    Ok(computed.ct_eq(expected.as_bytes()).into())
}

fn compute(
    pin: &Pin,
    salt: &[u8],
    params: Params,
    memory: &mut Memory,
) -> Result<[u8; 32], HashError> {
    let mut output = [0; 32];
    Argon2::from(params)
        .hash_password_into_with_memory(pin.expose(), salt, &mut output, memory)
        .map_err(failed)?;
    Ok(output)
}

fn failed(error: impl std::fmt::Display) -> HashError {
    HashError::Failed(error.to_string())
}

/// The memory of one hash, in blocks of 1 KiB.
const BLOCKS: usize = Params::DEFAULT_M_COST as usize;

/// How many hashes per core may wait; more are refused.
const WAITING: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn many_comparisons_at_once_share_the_memory_of_the_cores() {
        let hasher = PinHasher::new().unwrap();
        let compare = |_| {
            let hasher = hasher.clone();
            tokio::spawn(async move { hasher.compare(None, Pin::parse("01234567").unwrap()).await })
        };
        let mut comparisons: Vec<_> = (0..64).map(compare).collect();
        // A request that is dropped keeps its turn until its hash is done.
        comparisons.drain(..32).for_each(|dropped| dropped.abort());
        for comparison in comparisons {
            assert!(comparison.await.unwrap().unwrap().is_none());
        }
        let cores = available_parallelism().unwrap().get();
        assert!(hasher.0.free.lock().unwrap().len() <= cores);
        assert_eq!(PinHasher::limits().0, cores * 19);
    }

    #[tokio::test]
    async fn more_comparisons_than_may_wait_are_refused() {
        let hasher = PinHasher::new().unwrap();
        let all = hasher.0.queue.available_permits();
        let _waiting = hasher
            .0
            .queue
            .try_acquire_many(all.try_into().unwrap())
            .unwrap();
        let refused = hasher.hash(Pin::parse("01234567").unwrap()).await;
        assert!(matches!(refused, Err(HashError::Overloaded)));
    }

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
