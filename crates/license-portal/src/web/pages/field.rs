//! Fields of forms: what was entered, and what is wrong with it.

use crate::language::{Key, Language};

/// A field as the template shows it.
pub(crate) struct Field {
    /// Its name in the form, and its ID.
    pub(crate) name: &'static str,
    /// Its label.
    pub(crate) label: Key,
    /// What it accepts: HTML's `type`; `country` and `language` for lists, `code` and `table` for several lines.
    pub(crate) kind: &'static str,
    /// HTML's `autocomplete`: what browsers fill in.
    pub(crate) autocomplete: &'static str,
    /// HTML's `inputmode`: which keyboard phones show.
    pub(crate) keyboard: &'static str,
    /// An example, or empty.
    pub(crate) example: &'static str,
    /// The most characters.
    pub(crate) most: usize,
    /// Who may leave it empty; `None`: nobody.
    pub(crate) optional: Option<Key>,
    /// What was entered.
    pub(crate) value: String,
    /// What is wrong with it.
    pub(crate) error: Option<String>,
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
            optional: None,
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

    /// Sets what was entered.
    #[must_use]
    pub(crate) fn with(self, value: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            ..self
        }
    }

    /// Sets what is wrong with it.
    #[must_use]
    pub(crate) fn wrong(self, language: Language, error: Option<Key>) -> Self {
        Self {
            error: error.map(|error| language.say(error.0)),
            ..self
        }
    }

    /// Returns the IDs of the texts that describe it, for `aria-describedby`.
    pub(crate) fn described_by(&self) -> String {
        let texts = [
            (self.optional.is_some(), "optional"),
            (self.error.is_some(), "error"),
        ];
        let ids: Vec<_> = texts
            .iter()
            .filter(|(is_there, _)| *is_there)
            .map(|(_, text)| format!("{}-{text}", self.name))
            .collect();
        ids.join(" ")
    }
}

/// What went wrong, above a form. It gets the focus.
pub(crate) struct Problem {
    /// What it is.
    pub(crate) title: String,
    /// What to do; may be empty.
    pub(crate) text: String,
    /// The fields to correct, which say what is wrong: name and label.
    pub(crate) fields: Vec<(&'static str, Key)>,
}

impl Problem {
    /// Names the fields that are wrong.
    pub(crate) fn new(title: &str, text: &str, fields: &[Field]) -> Self {
        let wrong = fields.iter().filter(|field| field.error.is_some());
        Self {
            title: title.to_owned(),
            text: text.to_owned(),
            fields: wrong.map(|field| (field.name, field.label)).collect(),
        }
    }

    /// Says that the form has to be sent again.
    pub(crate) fn stale(language: Language) -> Self {
        let (title, text) = (
            language.say("form-expired-title"),
            language.say("form-stale-text"),
        );
        Self::new(&title, &text, &[])
    }
}
