//! Operators: whose key it is, and who is signed in to their pages.

use subtle::ConstantTimeEq as _;

use crate::{
    clock::later,
    keys::{OperatorKey, SessionSecret},
    model::Operator,
    portal::{Portal, Refusal},
};

impl Portal {
    /// Returns the operator whose key this is, and notes its use. [`Refusal::Refused`]: it is nobody's, or has expired.
    pub async fn operator(&self, key: &str) -> Result<Operator, Refusal> {
        let shown = OperatorKey::hash_of(key);
        let mut found = None;
        for operator in self.store.operators().await? {
            // Compares with every key, each in constant time.
            if bool::from(operator.hash.ct_eq(&shown)) {
                found = Some(operator);
            }
        }
        let now = self.clock.now();
        let operator = found
            .filter(|operator| operator.expires_at.is_none_or(|end| now < end))
            .ok_or(Refusal::Refused)?;
        self.store.operator_used(&operator.name, now).await?;
        Ok(operator)
    }

    /// Signs an operator in, and returns the secret for the browser.
    pub async fn sign_in(&self, address: &str, key: &str) -> Result<SessionSecret, Refusal> {
        let pace = self.settings.paces.address;
        self.take("address", address, pace).await?;
        let operator = self.operator(key).await?;
        let secret = SessionSecret::generate()?;
        let (hash, now) = (SessionSecret::hash_of(secret.expose()), self.clock.now());
        let end = later(now, SESSION);
        self.store
            .open_session(hash, &operator.name, end, now)
            .await?;
        Ok(secret)
    }

    /// Returns who is signed in with this secret.
    pub async fn signed_in(&self, secret: &str) -> Result<Option<Operator>, Refusal> {
        let hash = SessionSecret::hash_of(secret);
        Ok(self.store.session(hash, self.clock.now()).await?)
    }

    /// Signs out.
    pub async fn sign_out(&self, secret: &str) -> Result<(), Refusal> {
        let hash = SessionSecret::hash_of(secret);
        Ok(self.store.close_session(hash).await?)
    }
}

/// How long an operator stays signed in, in seconds: a day's work.
const SESSION: i64 = 10 * 3600;
