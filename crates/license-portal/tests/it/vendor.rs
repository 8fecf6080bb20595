//! The day of a new vendor, in the browser: an order, and what becomes of its licenses.

use std::{net::SocketAddr, sync::Arc};

use fantoccini::Locator;
use license_portal::{
    keys::OperatorKey,
    language::Language,
    model::{Deed, NewOperator, Scope},
    service::{Order, OrderLine},
    web,
};

use crate::{
    browser::Walk,
    driver::Driver,
    world::{World, sold_in},
};

impl Walk<'_> {
    /// Signs in with a new key.
    async fn sign_in(&self, name: &str, scopes: &[Scope]) {
        let key = OperatorKey::generate().unwrap();
        let (store, now) = (&self.world.portal.store, self.world.portal.clock.now());
        let operator = NewOperator {
            name: name.into(),
            hash: OperatorKey::hash_of(key.expose()),
            scopes: scopes.to_vec(),
            expires_at: None,
        };
        store.add_operator(&operator, now).await.unwrap();
        self.goto("/operator").await;
        self.fill("key", key.expose()).await;
        self.press("operator-sign-in-button").await;
        self.heading_is("operator-title").await;
    }

    /// Opens the form of a license with this title.
    async fn unfold(&self, key: &str) {
        let text = self.language.say(key);
        for summary in self
            .browser
            .find_all(Locator::Css("summary"))
            .await
            .unwrap()
        {
            if summary.text().await.unwrap() == text {
                return summary.click().await.unwrap();
            }
        }
        panic!("no form {text}");
    }

    async fn do_it(&self, key: &str) {
        self.unfold(key).await;
        self.press(key).await;
        self.focus_is("notice").await;
    }

    /// Returns how many licenses the page shows.
    async fn shown_licenses(&self) -> usize {
        let found = self.browser.find_all(Locator::Css(".found li")).await;
        found.unwrap().len()
    }

    /// Places an order of ten licenses, for a mistyped address.
    async fn sell_ten(&self) -> Vec<(String, String)> {
        self.goto("/operator/order").await;
        self.fill("email", "ofice@example.com").await;
        self.fill("count", "0").await;
        self.press("operator-order-button").await;
        self.focus_is("notice").await;
        let sold = sold_in(&self.world.newest_mail_to("ofice@example.com").await.text);
        assert_eq!(sold.len(), 10);
        self.goto("/operator?words=ofice").await;
        assert_eq!(self.shown_licenses().await, 10);
        sold
    }

    /// Corrects the address of a license in two tabs at once: the second is told.
    async fn correct_in_two_tabs(&self, number: &str) {
        let path = format!("/operator/licenses/{number}");
        self.goto(&path).await;
        let first = self.browser.window().await.unwrap();
        let second = self.browser.new_window(true).await.unwrap().handle;
        self.browser.switch_to_window(second).await.unwrap();
        self.goto(&path).await;
        self.unfold("operator-correct").await;
        self.fill("correct", "office@example.com").await;
        self.press("operator-correct").await;
        self.focus_is("notice").await;
        self.browser.switch_to_window(first).await.unwrap();
        self.unfold("operator-correct").await;
        self.fill("correct", "other@example.com").await;
        self.press("operator-correct").await;
        self.focus_is("problem").await;
        self.world.newest_mail_to("office@example.com").await;
    }

    /// Gives a license to another company; it comes back from a revocation, and is exported and erased.
    async fn pass_on(&self, number: &str) {
        self.goto(&format!("/operator/licenses/{number}")).await;
        self.unfold("operator-transfer").await;
        self.fill("transfer", "it@example.net").await;
        self.press("operator-transfer").await;
        self.focus_is("notice").await;
        self.do_it("operator-revoke").await;
        self.do_it("operator-restore").await;
        self.unfold("operator-export").await;
        self.browser
            .find(Locator::Css("form[action$=export] button"))
            .await
            .unwrap()
            .click()
            .await
            .unwrap();
        let exported = async || {
            let acts = self
                .world
                .portal
                .store
                .acts(None, None, None, 1)
                .await
                .unwrap();
            acts[0].deed == Deed::Exported
        };
        crate::instances::until("the export", exported).await;
        self.do_it("operator-erase").await;
        let body = self.browser.find(Locator::Css("main")).await.unwrap();
        assert!(!body.text().await.unwrap().contains("it@example.net"));
    }

    /// A partner sees what it sold, and nothing else; then its key is removed while its page is open.
    async fn look_around(&self, number: &str) {
        self.sign_in("Partner", &[Scope::Issue, Scope::ReadOwn])
            .await;
        assert_eq!(self.shown_licenses().await, 1);
        self.goto(&format!("/operator/licenses/{number}")).await;
        self.heading_is("no-such-license-title").await;
        // Its key is removed while its page is open.
        self.goto("/operator/order").await;
        let now = self.world.portal.clock.now();
        assert!(
            self.world
                .portal
                .store
                .remove_operator("Partner", now)
                .await
                .unwrap()
        );
        self.fill("email", "x@example.com").await;
        self.press("operator-order-button").await;
        self.heading_is("operator-sign-in").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_vendor_sells_helps_and_is_asked_to_forget() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let url = base.clone();
    let world = World::with(move |settings| settings.public_url = url).await;
    let service =
        web::router(Arc::clone(&world.portal)).into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(axum::serve(listener, service).into_future());
    let driver = Driver::start().await;
    let open = async |name| {
        let browser = driver
            .browser(name, Language::En, (1100, 1080), false)
            .await;
        Walk {
            browser,
            base: base.clone(),
            language: Language::En,
            suffix: "-vendor",
            world: &world,
        }
    };
    // Sold by a partner; it is not the vendor's order.
    let theirs = Order {
        sold_by: Some("Partner".into()),
        ..OrderLine::to("partners@example.org").into()
    };
    world.portal.issue(&theirs).await.unwrap();

    let vendor = open("vendor").await;
    vendor
        .sign_in("Vendor", &[Scope::Issue, Scope::ReadAll, Scope::Revoke])
        .await;
    let sold = vendor.sell_ten().await;
    vendor.correct_in_two_tabs(&sold[0].0).await;
    vendor.pass_on(&sold[1].0).await;
    let partner = open("partner").await;
    partner.look_around(&sold[0].0).await;
    partner.browser.close().await.unwrap();

    let acts = world
        .portal
        .store
        .acts(Some("Vendor"), None, None, 99)
        .await
        .unwrap();
    let deeds: Vec<_> = acts.iter().rev().map(|act| act.deed).collect();
    let expected = [
        &[Deed::SignedIn][..],
        &[Deed::Sold; 10],
        &[
            Deed::Corrected,
            Deed::Transferred,
            Deed::Revoked,
            Deed::Restored,
            Deed::Exported,
            Deed::Erased,
        ],
    ];
    assert_eq!(deeds, expected.concat());
    vendor.goto("/operator/log").await;
    vendor.picture("vendor-log").await;
    vendor.browser.close().await.unwrap();
    server.abort();
}
