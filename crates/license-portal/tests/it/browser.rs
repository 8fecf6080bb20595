//! All pages in a real browser (Debian's chromium and chromium-driver), in each language, with screenshots.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use fantoccini::{Client, Locator, key::Key};
use license_portal::{email::EmailAddress, language::Language, service::OrderLine, web};
use license_token::{Installation, LicenseNumber, Pin, RequestCode};

use crate::{accessibility, driver::Driver, pages::HOLDER, world::World};

fn pictures() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .unwrap()
        .join("portal-pictures");
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A browser that visits all pages and takes screenshots.
pub(crate) struct Walk<'a> {
    pub(crate) browser: Client,
    pub(crate) base: String,
    pub(crate) language: Language,
    pub(crate) suffix: &'a str,
    pub(crate) world: &'a World,
}

impl Walk<'_> {
    pub(crate) async fn goto(&self, path: &str) {
        self.browser
            .goto(&format!("{}{path}", self.base))
            .await
            .unwrap();
    }

    /// Waits for a page with this heading, in this language.
    pub(crate) async fn heading_is(&self, key: &str) {
        let text = self.shown(key);
        let mut seen = None;
        for _ in 0..200 {
            seen = self.heading().await;
            if seen.as_ref().is_some_and(|seen| seen.0.ends_with(&text)) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let (heading, language) = seen.expect("no page");
        assert!(heading.ends_with(&text), "{heading} is not {text}");
        assert_eq!(language, self.language.as_str());
    }

    /// Returns the heading and the language. `None`: the page is being replaced.
    async fn heading(&self) -> Option<(String, String)> {
        let heading = self
            .browser
            .find(Locator::Css("h1"))
            .await
            .ok()?
            .text()
            .await
            .ok()?;
        let html = self.browser.find(Locator::Css("html")).await.ok()?;
        Some((heading, html.attr("lang").await.ok()??))
    }

    /// Returns a text as the driver reads it from a page: without no-break spaces.
    pub(crate) fn shown(&self, key: &str) -> String {
        self.language.say(key).replace('\u{a0}', " ")
    }

    pub(crate) async fn fill(&self, id: &str, text: &str) {
        let field = self.browser.find(Locator::Id(id)).await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Presses the button with this text, and waits for the page that follows.
    pub(crate) async fn press(&self, key: &str) {
        let text = self.shown(key);
        let buttons = self.browser.find_all(Locator::Css("button")).await.unwrap();
        for button in buttons {
            if button.text().await.unwrap() == text {
                button.click().await.unwrap();
                // The button is gone with its page, unless the browser finds that the form is not complete.
                for _ in 0..500 {
                    if button.is_enabled().await.is_err() {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                panic!("{text} was pressed, and the page stays");
            }
        }
        panic!("no button {text}");
    }

    /// Chooses a language as a visitor does, and waits for the page.
    async fn speak(&self, language: Language) {
        let buttons = self
            .browser
            .find_all(Locator::Css(".languages :is(a, button)"))
            .await
            .unwrap();
        for button in buttons {
            if button.text().await.unwrap() == language.name() {
                button.click().await.unwrap();
                break;
            }
        }
        for _ in 0..200 {
            if self
                .heading()
                .await
                .is_some_and(|(_, shown)| shown == language.as_str())
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no page in {}", language.name());
    }

    fn next_language(&self) -> Language {
        let mut others = Language::ALL.into_iter();
        others.find(|language| *language != self.language).unwrap()
    }

    /// Checks what is in a field.
    async fn value_is(&self, id: &str, expected: &str) {
        let field = self.browser.find(Locator::Id(id)).await.unwrap();
        let value = field.prop("value").await.unwrap();
        assert_eq!(value.as_deref(), Some(expected), "{id}");
    }

    /// Checks which element has the focus.
    pub(crate) async fn focus_is(&self, class: &str) {
        let mut found = None;
        // A busy browser draws a page a little before it moves the focus.
        for _ in 0..250 {
            let focused = self.browser.active_element().await.unwrap();
            found = focused.attr("class").await.unwrap();
            if found.as_deref() == Some(class) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{found:?} has the focus, not {class}");
    }

    pub(crate) async fn picture(&self, name: &str) {
        let png = self.browser.screenshot().await.unwrap();
        fs::write(
            pictures().join(format!(
                "{name}-{}{}.png",
                self.language.as_str(),
                self.suffix
            )),
            png,
        )
        .unwrap();
        accessibility::check(&self.browser, &format!("{name} {}", self.language.as_str())).await;
    }

    async fn story(&self) {
        let order = OrderLine {
            language: self.language,
            ..OrderLine::to("john.doe@email.com")
        }
        .into();
        let number = self.world.portal.issue(&order).await.unwrap().licenses[0];
        let mail = self.world.newest_mail().await.text;
        let pin = mail
            .split(|c: char| !c.is_ascii_digit())
            .find(|digits| digits.len() == 8)
            .expect("no PIN in the mail")
            .to_owned();

        self.goto("/").await;
        self.heading_is("activate-lead").await;
        self.picture("1-activation").await;
        self.fill("email", "john.doe@email.com").await;
        self.fill("license", &number.to_string()).await;
        self.fill("pin", &pin.chars().rev().collect::<String>())
            .await;
        self.press("activate").await;
        self.picture("1-refused").await;
        self.focus_is("problem").await;
        self.fill("license", "x").await;
        self.fill("pin", "1").await;
        self.press("activate").await;
        self.picture("1-wrong").await;
        self.focus_is("problem").await;
        let license = self.browser.find(Locator::Id("license")).await.unwrap();
        license.clear().await.unwrap();
        self.fill("license", &number.to_string()).await;
        self.speak(self.next_language()).await;
        self.value_is("email", "john.doe@email.com").await;
        self.speak(self.language).await;
        self.value_is("license", &number.to_string()).await;
        self.fill("pin", &pin).await;
        self.press("activate").await;
        self.heading_is("verify-title").await;
        self.picture("2-verification").await;
        for _ in 0..2 {
            self.browser.back().await.unwrap();
            self.heading_is("activate-lead").await;
            self.value_is("email", "john.doe@email.com").await;
            self.value_is("license", &number.to_string()).await;
            self.value_is("pin", "").await;
        }
        self.browser.forward().await.unwrap();
        self.browser.forward().await.unwrap();
        self.heading_is("verify-title").await;
        self.press("verify-again").await;
        self.focus_is("notice").await;
        self.picture("2-again").await;

        self.name_holder().await;
        self.others(number, &pin).await;
        self.help(number).await;
    }

    /// From the mailed link to the active license.
    async fn name_holder(&self) {
        let link = self.world.newest_link().await;
        self.goto(&link).await;
        self.heading_is("link-title").await;
        self.picture("2-link").await;
        self.press("link-button").await;
        self.heading_is("complete-title").await;
        for (name, value) in HOLDER {
            self.fill(
                name,
                if name == "country" {
                    self.country()
                } else {
                    value
                },
            )
            .await;
        }
        self.picture("3-complete").await;
        self.speak(self.next_language()).await;
        self.value_is("country", "GB").await;
        self.speak(self.language).await;
        self.value_is("address", "1 Main Street").await;
        self.fill("phone", "x").await;
        self.press("confirm").await;
        self.focus_is("problem").await;
        self.picture("3-wrong").await;
        self.browser.back().await.unwrap();
        self.heading_is("complete-title").await;
        self.value_is("city", "London").await;
        let phone = self.browser.find(Locator::Id("phone")).await.unwrap();
        phone.clear().await.unwrap();
        self.fill("phone", "+44 20 7946 0123").await;
        // Enter in a field sends the form.
        let city = self.browser.find(Locator::Id("city")).await.unwrap();
        city.send_keys(&Key::Enter.to_string()).await.unwrap();
        self.heading_is("success-title").await;
        self.picture("4-success").await;
        let copy = self.browser.find(Locator::Css("[data-copies]")).await;
        let copy = copy.unwrap();
        assert_eq!(copy.text().await.unwrap(), self.shown("copy"));
        copy.click().await.unwrap();
        // It says so only after the browser has copied.
        for _ in 0..200 {
            if copy.text().await.unwrap() != self.shown("copy") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(copy.text().await.unwrap(), self.shown("copied"));
    }

    async fn others(&self, number: LicenseNumber, pin: &str) {
        self.goto("/download").await;
        self.heading_is("download-title").await;
        self.picture("download").await;
        self.goto("/purchase").await;
        self.heading_is("no-license").await;
        self.picture("purchase").await;
        self.goto("/offline").await;
        self.heading_is("offline-title").await;
        let code = self.browser.find(Locator::Id("code")).await.unwrap();
        let paste = format!("{}v{}", char::from(Key::Control), char::from(Key::Null));
        code.send_keys(&paste).await.unwrap();
        self.value_is("code", &number.to_string()).await;
        code.clear().await.unwrap();
        let request = RequestCode {
            number,
            installation: Installation::new([5; 16]),
        };
        self.fill("code", &request.to_string()).await;
        self.fill("pin", pin).await;
        self.picture("offline-request").await;
        self.press("offline-button").await;
        self.heading_is("offline-response").await;
        self.picture("offline-response").await;
        self.goto("/activation/none").await;
        self.heading_is("link-void-title").await;
        self.picture("link-void").await;
        self.lapsed().await;
    }

    /// Opens a link too late.
    async fn lapsed(&self) {
        let sold = self.world.sell(false).await;
        let (number, pin) = (LicenseNumber::parse(&sold.number), Pin::parse(&sold.pin));
        let email = EmailAddress::parse(&sold.email).unwrap();
        let entered = self
            .world
            .portal
            .activate("here", &email, number.unwrap(), pin.unwrap());
        entered.await.unwrap();
        let link = self.world.newest_link().await;
        self.world.clock.forward(3600);
        self.goto(&link).await;
        self.heading_is("lapsed-title").await;
        self.picture("2-lapsed").await;
    }

    fn country(&self) -> &'static str {
        self.language
            .countries()
            .find(|(code, _)| *code == "GB")
            .unwrap()
            .1
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_is_walked_in_every_language_on_desktop_and_phone_in_light_and_dark() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let url = base.clone();
    let world = World::with(move |settings| {
        settings.public_url = url;
        settings.paces.address.burst = 1000;
        settings.imprint_url = Some("https://example.com/imprint".into());
        settings.privacy_url = Some("https://example.com/privacy".into());
        settings.partners = vec![license_portal::portal::Partner {
            name: "Example Security Ltd".into(),
            place: "London".into(),
            url: "https://example.com".into(),
        }];
    })
    .await;
    let packages = &world.portal.settings.packages;
    fs::create_dir(packages).unwrap();
    for name in [
        "keywriter_0.1.0_amd64.deb",
        "keywriter_0.1.0_amd64.deb.sig",
        "KeyWriter-0.1.0.dmg",
    ] {
        fs::write(packages.join(name), vec![0; 3_400_000]).unwrap();
    }
    let service =
        web::router(Arc::clone(&world.portal)).into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(axum::serve(listener, service).into_future());

    let driver = Driver::start().await;
    for (language, suffix, size, dark) in [
        (Language::En, "", (1100, 1080), false),
        (Language::De, "", (1100, 1080), false),
        (Language::Fr, "", (1100, 1080), false),
        (Language::En, "-phone", (390, 844), false),
        (Language::En, "-dark", (1100, 1080), true),
        (Language::De, "-phone-dark", (390, 844), true),
        (Language::Fr, "-dark", (1100, 1080), true),
    ] {
        let name = format!("{}{suffix}", language.as_str());
        let browser = driver.browser(&name, language, size, dark).await;
        let walk = Walk {
            browser: browser.clone(),
            base: base.clone(),
            language,
            suffix,
            world: &world,
        };
        walk.story().await;
        browser.close().await.unwrap();
    }
    server.abort();
}
