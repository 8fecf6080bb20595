//! The pages of operators in the browser of the story.

use fantoccini::Locator;
use license_portal::{
    keys::OperatorKey,
    model::{Hook, NewOperator, Scope},
};
use license_token::LicenseNumber;

use crate::browser::Walk;

impl Walk<'_> {
    /// Signs in, finds the license that was just activated, and mails a new PIN.
    pub(crate) async fn help(&self, number: LicenseNumber) {
        let key = OperatorKey::generate().unwrap();
        let (store, now) = (&self.world.portal.store, self.world.portal.clock.now());
        let operator = NewOperator {
            name: format!("Support {}{}", self.language.as_str(), self.suffix),
            hash: OperatorKey::hash_of(key.expose()),
            scopes: vec![Scope::Issue, Scope::ReadAll, Scope::Revoke],
            expires_at: None,
        };
        store.add_operator(&operator, now).await.unwrap();

        self.goto("/operator").await;
        self.heading_is("operator-sign-in").await;
        self.fill("key", "kwop_wrong").await;
        self.press("operator-sign-in-button").await;
        self.focus_is("problem").await;
        self.picture("desk-wrong").await;
        self.fill("key", key.expose()).await;
        self.press("operator-sign-in-button").await;
        self.heading_is("operator-title").await;
        self.fill("words", "john DOE").await;
        self.press("operator-search").await;
        self.picture("desk-licenses").await;
        self.goto(&format!("/operator/licenses/{number}")).await;
        self.picture("desk-license").await;
        let offers = self
            .browser
            .find_all(Locator::Css("summary"))
            .await
            .unwrap();
        offers[0].clone().click().await.unwrap();
        self.press("operator-resend").await;
        self.focus_is("notice").await;
        assert!(
            self.world
                .newest_mail()
                .await
                .text
                .contains(&number.to_string())
        );
        self.picture("desk-done").await;
        self.move_on(number).await;
        self.order().await;
        self.import().await;
        self.hooks().await;
        self.goto("/operator/log").await;
        self.heading_is("operator-log").await;
        let here = self.browser.find(Locator::Css(".desk [aria-current]"));
        assert_eq!(
            here.await.unwrap().text().await.unwrap(),
            self.shown("operator-log")
        );
        self.picture("desk-log").await;
    }

    /// Sells three licenses in one mail.
    async fn order(&self) {
        self.goto("/operator/order").await;
        self.heading_is("operator-order").await;
        self.fill("email", "office@example.org").await;
        let count = self.browser.find(Locator::Id("count")).await.unwrap();
        count.clear().await.unwrap();
        self.fill("count", "0").await;
        self.press("operator-order-button").await;
        self.focus_is("problem").await;
        self.picture("desk-wrong-order").await;
        let count = self.browser.find(Locator::Id("count")).await.unwrap();
        count.clear().await.unwrap();
        self.fill("count", "3").await;
        self.press("operator-order-button").await;
        self.focus_is("notice").await;
        self.picture("desk-ordered").await;
        let mail = self.world.newest_mail_to("office@example.org").await;
        assert_eq!(mail.text.matches("   PIN ").count(), 3);
    }

    /// Imports a table with a wrong line.
    async fn import(&self) {
        self.goto("/operator/import").await;
        self.heading_is("operator-import").await;
        self.fill("table", "email;count\na@b.example;2\nc@d.example;x")
            .await;
        self.press("operator-order-button").await;
        self.focus_is("problem").await;
        self.picture("desk-wrong-table").await;
    }

    /// Looks at a webhook that does not answer.
    async fn hooks(&self) {
        let (store, now) = (&self.world.portal.store, self.world.portal.clock.now());
        let hook = Hook {
            name: format!("Shop {}{}", self.language.as_str(), self.suffix),
            url: "https://shop.example.com/keywriter/webhook".into(),
            sealed: Vec::new(),
        };
        store.add_hook(&hook, now).await.unwrap();
        self.goto("/operator/webhooks").await;
        self.heading_is("operator-hooks").await;
        self.picture("desk-webhooks").await;
        assert!(store.remove_hook(&hook.name, now).await.unwrap());
    }

    /// Mistypes an address, then transfers the license, revokes it and undoes that.
    async fn move_on(&self, number: LicenseNumber) {
        self.open(2).await;
        self.fill("transfer", "x").await;
        self.press("operator-transfer").await;
        self.focus_is("problem").await;
        self.picture("desk-wrong-address").await;
        let field = self.browser.find(Locator::Id("transfer")).await.unwrap();
        field.clear().await.unwrap();
        self.fill("transfer", "office@example.org").await;
        self.press("operator-transfer").await;
        self.focus_is("notice").await;
        self.picture("desk-transferred").await;
        let mail = self.world.newest_mail_to("office@example.org").await;
        assert!(mail.text.contains(&number.to_string()));
        self.open(4).await;
        self.press("operator-revoke").await;
        self.focus_is("notice").await;
        self.picture("desk-revoked").await;
        self.open(0).await;
        self.press("operator-restore").await;
        self.focus_is("notice").await;
    }

    /// Opens one of the forms of a license.
    async fn open(&self, place: usize) {
        let offers = self
            .browser
            .find_all(Locator::Css("summary"))
            .await
            .unwrap();
        offers[place].clone().click().await.unwrap();
    }
}
