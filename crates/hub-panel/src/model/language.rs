//! The languages of the window.

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// German.
    German,
    /// French.
    French,
}

impl Language {
    /// All of them, in the order of the switch.
    pub const ALL: [Self; 3] = [Self::English, Self::German, Self::French];

    /// Returns the code of ISO 639-1.
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
        }
    }

    /// Returns the system's language from the environment variables of POSIX; English if the window lacks it.
    pub fn of_system(variable: impl Fn(&str) -> Option<String>) -> Self {
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .find_map(|name| variable(name).filter(|value| !value.is_empty()))
            .unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|language| {
                locale
                    .strip_prefix(language.code())
                    .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphabetic()))
            })
            .unwrap_or(Self::English)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_says_something_decides() {
        let system = |all: &str, messages: &str, lang: &str| {
            Language::of_system(|name| {
                Some(match name {
                    "LC_ALL" => all.to_owned(),
                    "LC_MESSAGES" => messages.to_owned(),
                    _ => lang.to_owned(),
                })
            })
        };
        assert_eq!(system("", "", "de_AT.UTF-8"), Language::German);
        assert_eq!(system("", "fr_CA", "de_AT"), Language::French);
        assert_eq!(system("C", "fr_CA", "de_AT"), Language::English);
        assert_eq!(system("", "", "de"), Language::German);
        assert_eq!(system("", "", "den_CA"), Language::English);
        assert_eq!(Language::of_system(|_| None), Language::English);
    }
}
