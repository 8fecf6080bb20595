//! From an active license to a signed token in the app.

use license_token::{
    Anchors, Claims, Day, Holder as TokenHolder, Installation, KeyId, LicenseNumber, LicenseToken,
    Pin, RequestCode, ResponseCode, SigningKey, TokenId, VerifyError, claims::HOLDER_NAME,
};

use crate::{
    keys::random,
    model::{Holder, LicenseState, Noted},
    portal::{Portal, Refusal},
};

impl Portal {
    /// Registers an installation of the app: license number and PIN for a token that names the holder.
    pub async fn register(
        &self,
        address: &str,
        number: LicenseNumber,
        pin: Pin,
        installation: Installation,
        known: Option<&[KeyId]>,
    ) -> Result<LicenseToken, Refusal> {
        let key = self.signers.for_app(known).ok_or(Refusal::OtherKey)?;
        self.admit(address, number, pin, installation).await?;
        let holder = self
            .store
            .holder(number)
            .await?
            .map_or_else(TokenHolder::unnamed, |holder| name(&holder));
        self.sign(key, number, installation, holder)
    }

    /// Registers an installation without a network: request code and PIN for a response code.
    pub async fn register_offline(
        &self,
        address: &str,
        request: RequestCode,
        pin: Pin,
    ) -> Result<ResponseCode, Refusal> {
        let key = self.signers.oldest().ok_or(Refusal::OtherKey)?;
        self.admit(address, request.number, pin, request.installation)
            .await?;
        let holder = TokenHolder::unnamed();
        let token = self.sign(key, request.number, request.installation, holder)?;
        ResponseCode::of(&token).map_err(|_named| Refusal::Refused)
    }

    /// Exchanges one of our tokens, expired or not, for a new one for the same installation.
    ///
    /// A token that is signed with a key which this portal never had says nothing about its license.
    pub async fn refresh(
        &self,
        token: &str,
        installation: Installation,
        known: Option<&[KeyId]>,
    ) -> Result<LicenseToken, Refusal> {
        let token = LicenseToken::parse(token).map_err(|_malformed| Refusal::Refused)?;
        let key = self.signers.for_app(known).ok_or(Refusal::OtherKey)?;
        // Read each time: another instance may sign with a newer key already.
        let anchors = self.store.anchors().await?;
        let license = token.verify(&Anchors::from_iter(anchors));
        let license = license.map_err(|error| match error {
            VerifyError::OtherKey { .. } | VerifyError::BadAnchor => Refusal::OtherKey,
            _ => Refusal::Refused,
        })?;
        let claims = license.claims();
        if claims.installation != installation
            || !self
                .store
                .refresh(claims.number, &installation.to_string(), self.clock.now())
                .await?
        {
            self.metrics.refused.inc();
            return Err(Refusal::Refused);
        }
        let token = self.sign(key, claims.number, installation, claims.holder.clone())?;
        self.metrics.refreshes.inc();
        Ok(token)
    }

    async fn admit(
        &self,
        address: &str,
        number: LicenseNumber,
        pin: Pin,
        installation: Installation,
    ) -> Result<(), Refusal> {
        self.pay(address, number).await?;
        let license = self.store.license(number).await?;
        let hash = license.as_ref().map(|license| license.pin_hash.as_str());
        let matched = self.hasher.compare(hash, pin).await?;
        let license = license.filter(|license| license.state == LicenseState::Active);
        let (Some(_license), Some(_matched)) = (license, matched) else {
            self.metrics.refused.inc();
            return Err(Refusal::Refused);
        };
        self.repay(address, number).await?;
        let most = self.settings.installations;
        let (app, now) = (installation.to_string(), self.clock.now());
        match self.store.register(number, &app, most, now).await? {
            Noted::Yes => {}
            Noted::Full(most) => return Err(Refusal::Full { most }),
            Noted::NotActive => return Err(Refusal::Refused),
        }
        self.metrics.registrations.inc();
        Ok(())
    }

    fn sign(
        &self,
        key: &SigningKey,
        number: LicenseNumber,
        installation: Installation,
        holder: TokenHolder,
    ) -> Result<LicenseToken, Refusal> {
        let now = u64::try_from(self.clock.now().as_second()).unwrap_or_default();
        let issued = Day::from_unix(now);
        let days = self.settings.token_days;
        Ok(key.sign(Claims {
            token: TokenId::new(random()?),
            number,
            installation,
            issued,
            expires: (days > 0).then(|| issued.plus(days)),
            holder,
        }))
    }
}

/// Returns the holder as a token names it; names that are too long are cut.
fn name(holder: &Holder) -> TokenHolder {
    let person = format!("{} {}", holder.first_name, holder.last_name);
    TokenHolder::new(fit(person.trim()), fit(&holder.company)).unwrap_or_default()
}

fn fit(text: &str) -> &str {
    let end = (0..=HOLDER_NAME.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or_default())
        .unwrap_or_default()
        .trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_too_long_for_a_token_is_cut_between_characters() {
        assert_eq!(fit(" Zoë "), "Zoë");
        assert_eq!(fit(&"ß".repeat(60)), "ß".repeat(50));
        assert_eq!(
            fit(&format!("a{}", "ß".repeat(60))),
            format!("a{}", "ß".repeat(49))
        );
    }
}
