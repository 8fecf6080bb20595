//! Mails as mail programs draw them, in a browser: three languages, light, dark and on a phone.

use std::{fs, path::Path};

use fantoccini::Locator;
use license_portal::{
    email::EmailAddress,
    language::Language,
    mail::courier::{Courier as _, FolderCourier, Parcel},
    service::OrderLine,
};
use license_token::{LicenseNumber, Pin};

use crate::{
    accessibility,
    driver::Driver,
    world::{Mail, World, sold_in},
};

/// Returns one mail of each kind.
async fn mails(language: Language) -> Vec<(&'static str, Mail)> {
    let world = World::with(|settings| {
        settings.support_phone = "\"><script>alert(1)</script>".into();
    })
    .await;
    let mut mails = Vec::new();
    let line = |count, is_activated| OrderLine {
        count,
        is_activated,
        language,
        ..OrderLine::to("zoe@example.com")
    };
    for (name, count, is_activated) in [
        ("license", 1, false),
        ("license-active", 1, true),
        ("order", 10, false),
        ("order-active", 3, true),
    ] {
        let placed = world
            .portal
            .issue(&line(count, is_activated).into())
            .await
            .unwrap();
        let mail = world.newest_mail().await;
        if name == "license" {
            let digits = mail.text.split(|c: char| !c.is_ascii_digit());
            let pin = digits.clone().find(|digits| digits.len() == 8).unwrap();
            let (number, pin) = (placed.licenses[0], Pin::parse(pin).unwrap());
            begin(&world, number, pin).await;
            mails.push(("verification", world.newest_mail().await));
            world.transfer(number, "jane@example.com").await;
            mails.push(("moved", world.newest_mail_to("zoe@example.com").await));
        }
        mails.push((name, mail));
    }
    mails
}

async fn begin(world: &World, number: LicenseNumber, pin: Pin) {
    let email = EmailAddress::parse("zoe@example.com").unwrap();
    let entered = world.portal.activate("here", &email, number, pin);
    entered.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mail_is_drawn_in_every_language_in_light_and_dark_and_loads_nothing() {
    let driver = Driver::start().await;
    let folder = tempfile::tempdir().unwrap();
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let pictures = pictures.join("portal-pictures");
    fs::create_dir_all(&pictures).unwrap();
    for (language, suffix, size, dark) in [
        (Language::En, "", (760, 900), false),
        (Language::De, "-dark", (760, 900), true),
        (Language::Fr, "-phone-dark", (390, 844), true),
        (Language::De, "-phone", (390, 844), false),
    ] {
        let name = format!("mail-{}{suffix}", language.as_str());
        let browser = driver.browser(&name, language, size, dark).await;
        for (kind, mail) in mails(language).await {
            let file = folder.path().join("mail.html");
            fs::write(&file, &mail.html).unwrap();
            browser
                .goto(&format!("file://{}", file.display()))
                .await
                .unwrap();
            let png = browser.screenshot().await.unwrap();
            fs::write(pictures.join(format!("{name}-{kind}.png")), png).unwrap();
            accessibility::check(&browser, &format!("{name} {kind}")).await;
            assert!(!mail.html.contains("<script") && mail.html.contains("&#60;script"));
            // A mail that loads something tells who reads it, and when.
            for loaded in ["src=", "url(", "<link", "@import", "<img"] {
                assert!(!mail.html.contains(loaded), "{kind}: {loaded}");
            }
            let body = browser.find(Locator::Css("body")).await.unwrap();
            let (drawn, words) = (body.text().await.unwrap(), mail.text.split_whitespace());
            // All that the text says, and nothing else, but for the brand.
            let drawn: Vec<_> = drawn.split_whitespace().skip(1).collect();
            assert_eq!(drawn, words.collect::<Vec<_>>(), "{kind}");
        }
        browser.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_mail_has_its_text_first_and_then_the_same_in_html() {
    let folder = tempfile::tempdir().unwrap();
    let courier = FolderCourier::new(folder.path().to_owned()).unwrap();
    let world = World::new().await;
    let line = OrderLine {
        count: 2,
        ..OrderLine::to("zoe@example.com")
    };
    world.portal.issue(&line.into()).await.unwrap();
    let mail = world.newest_mail().await;
    let parcel = Parcel {
        id: 1,
        reference: "x",
        from: "a@example.com",
        to: "zoe@example.com",
        subject: &mail.subject,
        text: &mail.text,
        html: Some(&mail.html),
    };
    courier.deliver(&parcel).await.unwrap();
    let file = fs::read_to_string(folder.path().join("000001.eml")).unwrap();
    let parts: Vec<_> = file.split("Content-Type: ").skip(1).collect();
    assert!(parts[0].starts_with("multipart/alternative;"), "{file}");
    assert!(parts[1].starts_with("text/plain; charset=utf-8"), "{file}");
    assert!(parts[2].starts_with("text/html; charset=utf-8"), "{file}");
    assert!(parts[1].contains(&mail.text.replace('\n', "\r\n")));
    assert_eq!(sold_in(&file), sold_in(&mail.text));
    let headers = file.split("\r\n\r\n").next().unwrap();
    assert_eq!(headers.matches("\r\nTo: ").count(), 1);
    // No header can be added by what a mail says.
    for evil in ["a\r\nBcc: x@y.example", "a\nBcc: x@y.example"] {
        let parcel = Parcel {
            subject: evil,
            ..parcel
        };
        courier.deliver(&parcel).await.unwrap();
        let file = fs::read_to_string(folder.path().join("000001.eml")).unwrap();
        assert!(!file.lines().any(|line| line.starts_with("Bcc:")), "{file}");
    }
}
