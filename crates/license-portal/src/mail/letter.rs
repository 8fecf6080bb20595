//! What mails say. The outbox has it sealed; it is written when the mail is delivered.

use jiff::Timestamp;
use license_token::{LicenseNumber, Pin};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::picture;
use crate::{
    keys::LinkSecret,
    language::{Key, Language},
    portal::Settings,
};

/// What a mail says.
#[derive(Serialize, Deserialize)]
pub(crate) struct Letter {
    language: Language,
    content: Content,
}

#[derive(Serialize, Deserialize)]
enum Content {
    /// License number and PIN.
    License(Sold),
    /// The link that completes an activation. The license number is left out, so that this mail alone is not enough to
    /// register.
    Verification { link: Secret, expires: i64 },
    /// That an address no longer belongs to a license. It may be a stranger's, so that it has only the beginning of the
    /// number.
    Moved { start: String },
}

#[derive(Serialize, Deserialize)]
struct Sold {
    number: String,
    pin: Secret,
    is_active: bool,
}

/// A mail as it is delivered.
pub(crate) struct Written {
    /// Its subject.
    pub(crate) subject: String,
    /// Its text.
    pub(crate) text: Zeroizing<String>,
    /// The same in HTML; `None`: it has only a text.
    pub(crate) html: Option<Zeroizing<String>>,
}

impl Letter {
    /// Says license number and PIN.
    pub(crate) fn license(
        language: Language,
        number: LicenseNumber,
        pin: &Pin,
        is_active: bool,
    ) -> Self {
        let mut digits = Zeroizing::new(String::with_capacity(8));
        pin.expose_in(&mut digits);
        let sold = Sold {
            number: number.to_string(),
            pin: Secret(digits),
            is_active,
        };
        Self {
            language,
            content: Content::License(sold),
        }
    }

    /// Says that an address no longer belongs to a license.
    pub(crate) fn moved(language: Language, number: LicenseNumber) -> Self {
        let number = number.to_string();
        let start = number.split('-').next().unwrap_or_default().to_owned();
        Self {
            language,
            content: Content::Moved { start },
        }
    }

    /// Says the link that completes an activation.
    pub(crate) fn verification(
        language: Language,
        link: &LinkSecret,
        expires_at: Timestamp,
    ) -> Self {
        let content = Content::Verification {
            link: Secret(Zeroizing::new(link.expose().to_owned())),
            expires: expires_at.as_second(),
        };
        Self { language, content }
    }

    /// Returns it as text, to be sealed.
    pub(crate) fn text(&self) -> Zeroizing<String> {
        // It has only strings and numbers, so this does not fail.
        Zeroizing::new(serde_json::to_string(self).unwrap_or_default())
    }

    fn sold(&self) -> Option<&Sold> {
        match &self.content {
            Content::License(sold) => Some(sold),
            Content::Verification { .. } | Content::Moved { .. } => None,
        }
    }

    fn write(&self, settings: &Settings) -> Written {
        let say = |subject: Key, body: Key, values: &[(&str, &str)]| {
            written(self.language, settings, subject, body, values)
        };
        match &self.content {
            Content::License(sold) => {
                let body = if sold.is_active {
                    Key("mail-license-active-body")
                } else {
                    Key("mail-license-body")
                };
                let values = [("license", &*sold.number), ("pin", &*sold.pin.0)];
                say(Key("mail-license-subject"), body, &values)
            }
            Content::Verification { link, expires } => {
                let link = format!("{}/activation/{}", settings.public_url, *link.0);
                let link = Zeroizing::new(link);
                let expires = Timestamp::from_second(*expires).unwrap_or_default();
                let values = [
                    ("link", link.as_str()),
                    ("expires", &time(self.language, expires)),
                ];
                let subject = Key("mail-verification-subject");
                say(subject, Key("mail-verification-body"), &values)
            }
            Content::Moved { start } => {
                let values = [("start", start.as_str())];
                say(Key("mail-moved-subject"), Key("mail-moved-body"), &values)
            }
        }
    }
}

/// Writes the mail that has these parts, as they were sealed.
pub(crate) fn write(settings: &Settings, parts: &[Zeroizing<String>]) -> Written {
    let letters = parts.iter().map(|part| serde_json::from_str(part).ok());
    let letters: Vec<Letter> = letters.collect::<Option<_>>().unwrap_or_default();
    match letters.as_slice() {
        [] => older(parts),
        [letter] => letter.write(settings),
        [first, ..] => order(first.language, settings, &letters),
    }
}

/// Returns a mail that a program before orders queued: it sealed subject and text.
fn older(parts: &[Zeroizing<String>]) -> Written {
    let text = parts.first().map_or("", |text| text.as_str());
    let (subject, text) = text.split_once('\n').unwrap_or(("KeyWriter", text));
    Written {
        subject: subject.to_owned(),
        text: Zeroizing::new(text.to_owned()),
        html: None,
    }
}

/// Writes the mail with several licenses of an order.
fn order(language: Language, settings: &Settings, letters: &[Letter]) -> Written {
    let sold: Vec<_> = letters.iter().filter_map(Letter::sold).collect();
    let mut list = Zeroizing::new(String::with_capacity(64 * sold.len()));
    for (place, sold) in sold.iter().enumerate() {
        if place > 0 {
            list.push('\n');
        }
        list.push_str(&sold.number);
        list.push_str("   PIN ");
        list.push_str(&sold.pin.0);
    }
    let body = if sold.iter().all(|sold| sold.is_active) {
        Key("mail-order-active-body")
    } else {
        Key("mail-order-body")
    };
    let subject = Key("mail-order-subject");
    written(language, settings, subject, body, &[("licenses", &list)])
}

fn written(
    language: Language,
    settings: &Settings,
    subject: Key,
    body: Key,
    values: &[(&str, &str)],
) -> Written {
    // Number and PIN are in a paragraph of their own.
    let is_data = |(name, _): &&(&str, &str)| matches!(*name, "license" | "licenses");
    let data = values.iter().find(is_data).map(|(_, value)| *value);
    let always = [
        ("url", settings.public_url.as_str()),
        ("email", settings.support_email.as_str()),
        ("phone", settings.support_phone.as_str()),
    ];
    let values: Vec<_> = always.iter().chain(values).copied().collect();
    let text = Zeroizing::new(language.say_with(body.0, &values));
    let subject = language.say(subject.0);
    let html = picture::draw(language, &subject, &text, data);
    Written {
        subject,
        text: Zeroizing::new(format!("{}\n", *text)),
        html: Some(html),
    }
}

/// What only the recipient of a mail may know.
struct Secret(Zeroizing<String>);

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(Zeroizing::new(text)))
    }
}

/// Writes a time, in UTC, as is usual in that language.
pub(crate) fn time(language: Language, time: Timestamp) -> String {
    let part = |form: &str| time.strftime(form).to_string();
    let values = [
        ("year", &*part("%Y")),
        ("month", &part("%m")),
        ("day", &part("%d")),
        ("time", &part("%H:%M")),
    ];
    language.say_with("date-and-time", &values)
}
