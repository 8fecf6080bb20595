//! Email addresses, written in one way wherever they are sold to, typed or looked up.

use std::fmt;

use lettre::Address;
use plain_text::acts;
use unicode_normalization::UnicodeNormalization as _;

/// An email address that a mail can be sent to: `local@domain`, in small letters and Unicode's form NFC, the domain in
/// IDNA's ASCII form (RFC 5890), the local part a dot-string (RFC 5321 § 4.1.2), in UTF-8 as RFC 6531 permits.
///
/// Addresses with a quoted local part or an IP address are not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress(String);

/// The text is not an email address that mails are sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "mails are sent to addresses such as name@example.com, without quotes, names or IP addresses"
)]
pub struct NoAddress;

impl EmailAddress {
    /// Reads an address as people type it; spaces around it are ignored.
    pub fn parse(text: &str) -> Result<Self, NoAddress> {
        let (local, domain) = text.trim().rsplit_once('@').ok_or(NoAddress)?;
        let local: String = local.nfc().flat_map(char::to_lowercase).nfc().collect();
        let domain = idna::domain_to_ascii_strict(domain).map_err(|_form| NoAddress)?;
        let is_dot_string = local
            .split('.')
            .all(|atom| !atom.is_empty() && atom.chars().all(is_atom));
        if !is_dot_string || local.len() > LOCAL_PART || domain.ends_with('.') {
            return Err(NoAddress);
        }
        let address = format!("{local}@{domain}");
        // A domain of digits alone would be taken for an IP address.
        let is_name = domain
            .rsplit('.')
            .next()
            .is_some_and(|top| top.starts_with(|first: char| first.is_ascii_alphabetic()));
        if !is_name || address.len() > ADDRESS || address.parse::<Address>().is_err() {
            return Err(NoAddress);
        }
        Ok(Self(address))
    }

    /// Returns the address as the database stores it and mails name it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether only mail servers with SMTPUTF8 (RFC 6531) deliver to it: the local part is not ASCII.
    pub fn needs_utf8(&self) -> bool {
        !self.0.is_ascii()
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// RFC 5321's `atext`, and RFC 6531's UTF-8 without what cannot be seen.
fn is_atom(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
    } else {
        !acts(c) && !c.is_whitespace()
    }
}

/// The most bytes of a local part (RFC 5321 § 4.5.3.1.1).
const LOCAL_PART: usize = 64;

/// The most bytes of an address (RFC 5321 § 4.5.3.1.3, without the brackets).
const ADDRESS: usize = 254;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_written_in_one_way() {
        for (typed, written) in [
            (" John.Doe@Example.COM ", "john.doe@example.com"),
            ("a+b@bücher.example", "a+b@xn--bcher-kva.example"),
            ("a@BÜCHER.example", "a@xn--bcher-kva.example"),
            ("a@bu\u{308}cher.example", "a@xn--bcher-kva.example"),
            ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
            ("a@ｅｘａｍｐｌｅ。com", "a@example.com"),
            ("JOSÉ@example.com", "josé@example.com"),
            ("jose\u{301}@example.com", "josé@example.com"),
            ("root@localhost", "root@localhost"),
        ] {
            let read = EmailAddress::parse(typed).unwrap();
            assert_eq!(read.as_str(), written);
            assert_eq!(EmailAddress::parse(read.as_str()), Ok(read.clone()));
            assert_eq!(read.needs_utf8(), written.contains('é'));
        }
    }

    #[test]
    fn what_cannot_be_put_into_a_mail_is_no_address() {
        let (local, long) = (
            "a".repeat(65),
            format!("a@{}example", "aaaaaaa.".repeat(31)),
        );
        for wrong in [
            "",
            "a",
            "@example.com",
            "a@",
            "a b@example.com",
            "\"a b\"@example.com",
            "a,b@example.com",
            "a..b@example.com",
            ".a@example.com",
            "a\r\nBcc: b@example.com",
            "a@example.com\u{0}.",
            "a\u{202e}b@example.com",
            "a@exa mple.com",
            "a@exa_mple.com",
            "a@-example.com",
            "a@example..com",
            "a@example.com.",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "<a@example.com>",
            "A <a@example.com>",
            "a@example.com, b@example.com",
            &format!("{local}@example.com"),
            &long,
        ] {
            assert_eq!(EmailAddress::parse(wrong), Err(NoAddress), "{wrong}");
        }
    }
}
