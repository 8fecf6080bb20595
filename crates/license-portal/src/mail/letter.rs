//! The texts of mails. The first line is the subject.

use jiff::Timestamp;
use license_token::{LicenseNumber, Pin};
use zeroize::Zeroizing;

use crate::{
    keys::LinkSecret,
    language::{Key, Language},
    portal::Settings,
};

/// Writes the mail with license number and PIN.
pub(crate) fn license(
    language: Language,
    settings: &Settings,
    number: LicenseNumber,
    pin: &Pin,
    is_active: bool,
) -> Zeroizing<String> {
    let mut digits = Zeroizing::new(String::with_capacity(8));
    pin.expose_in(&mut digits);
    let number = number.to_string();
    let key = if is_active {
        Key("mail-license-active-body")
    } else {
        Key("mail-license-body")
    };
    let values = [
        ("license", number.as_str()),
        ("pin", digits.as_str()),
        ("url", settings.public_url.as_str()),
        ("email", settings.support_email.as_str()),
        ("phone", settings.support_phone.as_str()),
    ];
    Zeroizing::new(format!(
        "{}\n{}\n",
        language.say("mail-license-subject"),
        language.say_with(key.0, &values)
    ))
}

/// Writes the mail that tells an address that it no longer belongs to a license. It may be a stranger's, so that it has
/// only the beginning of the number.
pub(crate) fn moved(language: Language, settings: &Settings, number: LicenseNumber) -> String {
    let number = number.to_string();
    let start = number.split('-').next().unwrap_or_default();
    let values = [
        ("start", start),
        ("email", settings.support_email.as_str()),
        ("phone", settings.support_phone.as_str()),
    ];
    format!(
        "{}\n{}\n",
        language.say("mail-moved-subject"),
        language.say_with("mail-moved-body", &values)
    )
}

/// Writes the mail with the link that completes an activation. It does not contain the license number, so that this
/// mail alone is not enough to register.
pub(crate) fn verification(
    language: Language,
    settings: &Settings,
    secret: &LinkSecret,
    expires_at: Timestamp,
) -> Zeroizing<String> {
    let link = Zeroizing::new(format!(
        "{}/activation/{}",
        settings.public_url,
        secret.expose()
    ));
    let values = [
        ("link", link.as_str()),
        ("expires", &time(language, expires_at)),
        ("email", settings.support_email.as_str()),
        ("phone", settings.support_phone.as_str()),
    ];
    Zeroizing::new(format!(
        "{}\n{}\n",
        language.say("mail-verification-subject"),
        language.say_with("mail-verification-body", &values)
    ))
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
