//! Fields of forms: what was entered, and what is wrong with it.

use crate::language::Key;

/// A text field as the template shows it.
pub(crate) struct Field {
    /// Its name in the form.
    pub(crate) name: &'static str,
    /// Its label.
    pub(crate) label: Key,
    /// HTML's `type`: what it accepts.
    pub(crate) kind: &'static str,
    /// HTML's `autocomplete`: what browsers fill in.
    pub(crate) autocomplete: &'static str,
    /// HTML's `inputmode`: which keyboard phones show.
    pub(crate) keyboard: &'static str,
    /// An example, or empty.
    pub(crate) example: &'static str,
    /// The most characters.
    pub(crate) most: usize,
    /// What was entered.
    pub(crate) value: String,
    /// What is wrong with it.
    pub(crate) error: Option<Key>,
}

impl Field {
    /// Makes an empty text field of at most 100 characters.
    pub(crate) fn text(name: &'static str, label: Key, autocomplete: &'static str) -> Self {
        Self {
            name,
            label,
            kind: "text",
            autocomplete,
            keyboard: "text",
            example: "",
            most: 100,
            value: String::new(),
            error: None,
        }
    }

    /// Makes a field for an email address.
    ///
    /// HTML's type `email` would refuse local parts in UTF-8.
    pub(crate) fn email(name: &'static str, label: Key) -> Self {
        Self {
            keyboard: "email",
            most: 254,
            ..Self::text(name, label, "email")
        }
    }

    /// Makes a field for a license number.
    pub(crate) fn license() -> Self {
        Self {
            example: "XXXX-XXXX-XXXX-XXXX",
            most: 40,
            ..Self::text("license", Key("license-number"), "off")
        }
    }

    /// Makes a field for a PIN. A page never shows an entered PIN again.
    pub(crate) fn pin() -> Self {
        Self {
            kind: "password",
            keyboard: "numeric",
            most: 8,
            ..Self::text("pin", Key("pin-number"), "off")
        }
    }

    /// Sets what was entered, and what is wrong with it.
    #[must_use]
    pub(crate) fn with(self, value: impl Into<String>, error: Option<Key>) -> Self {
        Self {
            value: value.into(),
            error,
            ..self
        }
    }
}
