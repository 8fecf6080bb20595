//! Fields of forms: what was typed, and what is wrong with it.

use crate::language::Key;

/// A text field as its template shows it.
pub(crate) struct Field {
    /// Its name in the form.
    pub(crate) name: &'static str,
    /// Its label.
    pub(crate) label: Key,
    /// What it takes: HTML's `type`.
    pub(crate) kind: &'static str,
    /// What browsers fill in: HTML's `autocomplete`.
    pub(crate) autocomplete: &'static str,
    /// How keyboards of phones look: HTML's `inputmode`.
    pub(crate) keyboard: &'static str,
    /// An example, or nothing.
    pub(crate) example: &'static str,
    /// The most characters.
    pub(crate) most: usize,
    /// What was typed.
    pub(crate) value: String,
    /// What is wrong with it.
    pub(crate) error: Option<Key>,
}

impl Field {
    /// An empty text field of at most 100 characters.
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

    /// A field for an e-mail address.
    pub(crate) fn email(name: &'static str, label: Key) -> Self {
        Self {
            kind: "email",
            keyboard: "email",
            most: 254,
            ..Self::text(name, label, "email")
        }
    }

    /// A field for a license number.
    pub(crate) fn license() -> Self {
        Self {
            example: "XXXX-XXXX-XXXX-XXXX",
            most: 40,
            ..Self::text("license", Key("license-number"), "off")
        }
    }

    /// A field for a PIN; it never shows again what was typed.
    pub(crate) fn pin() -> Self {
        Self {
            kind: "password",
            keyboard: "numeric",
            most: 8,
            ..Self::text("pin", Key("pin-number"), "off")
        }
    }

    /// With what was typed, and what is wrong with it.
    #[must_use]
    pub(crate) fn with(self, value: impl Into<String>, error: Option<Key>) -> Self {
        Self {
            value: value.into(),
            error,
            ..self
        }
    }
}
