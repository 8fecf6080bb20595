//! The three languages, and the texts of pages and mails (`locales/*.ftl`).

use std::{borrow::Cow, sync::LazyLock};

use fluent_bundle::{FluentArgs, FluentResource, concurrent::FluentBundle};
use serde::{Deserialize, Serialize};
use unic_langid::LanguageIdentifier;

/// The key of a text that is looked up later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(pub &'static str);

/// A language of the pages and mails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// German.
    De,
    /// French.
    Fr,
}

impl Language {
    /// All of them, in the order in which pages show them.
    pub const ALL: [Self; 3] = [Self::En, Self::De, Self::Fr];

    /// Returns the ISO 639-1 code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::Fr => "fr",
        }
    }

    /// The reverse of [`Self::as_str`].
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|language| language.as_str() == code)
    }

    /// Returns its own name for itself.
    pub fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::De => "Deutsch",
            Self::Fr => "Français",
        }
    }

    /// Returns the best language for an `Accept-Language` header (RFC 9110 § 12.5.4); English if it names none of
    /// these.
    pub fn accepted(header: &str) -> Self {
        let ranges = header.split(',').take(RANGES).filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next()?.get(..2)?.to_ascii_lowercase();
            let weight = parts
                .find_map(|part| part.strip_prefix("q="))
                .unwrap_or("1");
            let weight: f32 = weight.parse().ok()?;
            Some((Self::parse(&tag)?, weight))
        });
        // The first of equal weight wins; `max_by` would return the last.
        ranges
            .filter(|(_, weight)| *weight > 0.0)
            .fold(None, |best: Option<(Self, f32)>, next| match best {
                Some(best) if best.1 >= next.1 => Some(best),
                _ => Some(next),
            })
            .map_or(Self::En, |(language, _)| language)
    }

    /// Returns the text of a key.
    pub fn say(self, key: &str) -> String {
        self.say_with(key, &[])
    }

    /// Returns the text of a key, with values inserted.
    pub fn say_with(self, key: &str, values: &[(&str, &str)]) -> String {
        let bundle = self.bundle();
        let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
            // A test ensures that no text is missing; otherwise the key is better than nothing.
            return format!("[{key}]");
        };
        let mut args = FluentArgs::new();
        for (name, value) in values {
            args.set(*name, Cow::Borrowed(*value));
        }
        let mut errors = Vec::new();
        bundle
            .format_pattern(pattern, Some(&args), &mut errors)
            .into_owned()
    }

    /// Returns all countries in the order of this language: ISO 3166-1 alpha-2 code, and name (Unicode CLDR).
    pub fn countries(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let list = match self {
            Self::En => include_str!("../locales/countries.en.tsv"),
            Self::De => include_str!("../locales/countries.de.tsv"),
            Self::Fr => include_str!("../locales/countries.fr.tsv"),
        };
        list.lines().filter_map(|line| line.split_once('\t'))
    }

    fn bundle(self) -> &'static FluentBundle<FluentResource> {
        match self {
            Self::En => &EN,
            Self::De => &DE,
            Self::Fr => &FR,
        }
    }
}

static EN: LazyLock<FluentBundle<FluentResource>> =
    LazyLock::new(|| bundle(Language::En, include_str!("../locales/en.ftl")));
static DE: LazyLock<FluentBundle<FluentResource>> =
    LazyLock::new(|| bundle(Language::De, include_str!("../locales/de.ftl")));
static FR: LazyLock<FluentBundle<FluentResource>> =
    LazyLock::new(|| bundle(Language::Fr, include_str!("../locales/fr.ftl")));

fn bundle(language: Language, texts: &str) -> FluentBundle<FluentResource> {
    // These codes are valid. Without a language, Fluent only loses plural rules, which our texts do not use.
    let identifier: LanguageIdentifier = language.as_str().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![identifier]);
    // Values are addresses, numbers and times: marks for bidirectional text would only break copying them.
    bundle.set_use_isolating(false);
    // A text that does not parse is left out; a test reports it.
    let resource = match FluentResource::try_new(texts.to_owned()) {
        Ok(resource) | Err((resource, _)) => resource,
    };
    bundle.add_resource_overriding(resource);
    bundle
}

/// How many ranges of a header are read.
const RANGES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const SOURCES: [(Language, &str); 3] = [
        (Language::En, include_str!("../locales/en.ftl")),
        (Language::De, include_str!("../locales/de.ftl")),
        (Language::Fr, include_str!("../locales/fr.ftl")),
    ];

    fn keys(source: &str) -> BTreeSet<&str> {
        let lines = source
            .lines()
            .filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()));
        lines
            .filter_map(|line| line.split_once(" ="))
            .map(|(key, _)| key)
            .collect()
    }

    fn placeables(source: &str, key: &str) -> BTreeSet<String> {
        let start = source.find(&format!("\n{key} =")).unwrap() + 1;
        let text = &source[start..];
        let end = text
            .match_indices('\n')
            .map(|(at, _)| at)
            .find(|at| !text[at + 1..].starts_with(' '));
        let text = &text[..end.unwrap_or(text.len())];
        text.split("{ $")
            .skip(1)
            .filter_map(|rest| rest.split(' ').next())
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn every_text_parses_and_no_key_is_there_twice() {
        for (language, source) in SOURCES {
            assert!(
                FluentResource::try_new(source.to_owned()).is_ok(),
                "{language:?}"
            );
            let lines = source
                .lines()
                .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
                .count();
            assert_eq!(lines, keys(source).len(), "{language:?}");
        }
    }

    #[test]
    fn every_language_has_every_key_with_the_same_values_in_it() {
        let english = keys(SOURCES[0].1);
        assert!(english.len() > 50);
        for (language, source) in SOURCES {
            assert_eq!(keys(source), english, "{language:?}");
            for key in &english {
                assert_eq!(
                    placeables(source, key),
                    placeables(SOURCES[0].1, key),
                    "{language:?} {key}"
                );
                assert!(
                    language
                        .bundle()
                        .get_message(key)
                        .unwrap()
                        .value()
                        .is_some()
                );
            }
        }
    }

    /// Looks for `t("key"`, `t1("key"`, `say("key"`, `say_with("key"` and `Key("key"` in templates and sources.
    #[test]
    fn every_key_that_is_used_exists_and_every_key_is_used() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut text = String::new();
        let mut folders = vec![root.join("src"), root.join("templates")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.file_name() != Some("language.rs".as_ref()) {
                    text.push_str(&std::fs::read_to_string(path).unwrap());
                }
            }
        }
        let english = keys(SOURCES[0].1);
        for opening in [".t(\"", ".t1(\"", ".say(\"", ".say_with(\"", "Key(\""] {
            for used in text
                .split(opening)
                .skip(1)
                .filter_map(|rest| rest.split('"').next())
            {
                let is_key = used.contains('-')
                    && used
                        .chars()
                        .all(|c| c.is_ascii_lowercase() || "-0123456789".contains(c));
                assert!(
                    !is_key || english.contains(used),
                    "{used} is used and has no text"
                );
            }
        }
        for key in english {
            assert!(
                text.contains(&format!("\"{key}\"")),
                "{key} has a text and is not used"
            );
        }
    }

    #[test]
    fn every_text_follows_the_typography_of_its_language() {
        for (language, source) in SOURCES {
            let texts = source.lines().filter(|line| !line.starts_with('#'));
            for line in texts {
                assert!(
                    !line.contains(['\'', '"']),
                    "{language:?}: typewriter quotes: {line}"
                );
                for spaced in [" :", " ;", " ?", " !", " »", "« "] {
                    assert!(
                        !line.contains(spaced),
                        "{language:?}: a line could break here: {line}"
                    );
                }
                let follows_no_break_space =
                    |mark: usize| line[..mark].ends_with(['\u{a0}', '\u{202f}']);
                let mut marks = line.match_indices([':', ';', '?', '!', '»']);
                assert!(
                    language != Language::Fr || marks.all(|(mark, _)| follows_no_break_space(mark)),
                    "no-break space missing: {line}"
                );
                for wrong in ["PIN Nummer", "-15 stellig", "7-15"] {
                    assert!(!line.contains(wrong), "{language:?}: {line}");
                }
                // Mails are wrapped already; on a page a line must not break in these words.
                let page = line
                    .split_once(" = ")
                    .filter(|(key, _)| !key.starts_with("mail-"));
                for word in ["E-Mail", "e-mail", "PIN-N"] {
                    let breaks = page.is_some_and(|(_, text)| text.contains(word));
                    assert!(!breaks, "{language:?}: {line}");
                }
            }
        }
    }

    #[test]
    fn the_supported_language_with_the_highest_weight_is_chosen() {
        for (header, language) in [
            ("", Language::En),
            ("de", Language::De),
            ("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", Language::Fr),
            ("it, en;q=0.5, de;q=0.9", Language::De),
            ("ja", Language::En),
            ("de;q=0, fr;q=0.1", Language::Fr),
            ("\u{e9},x;q=nonsense,d", Language::En),
        ] {
            assert_eq!(Language::accepted(header), language, "{header}");
        }
    }

    /// Readers of these languages look for *Österreich* at O, and for *États-Unis* at E.
    #[test]
    fn countries_are_in_the_order_of_their_language() {
        use unicode_normalization::UnicodeNormalization as _;
        for language in Language::ALL {
            let plain = |name: &str| -> String {
                let letters = name
                    .nfd()
                    .filter(|c| c.is_alphanumeric() || " -.".contains(*c));
                letters.flat_map(char::to_lowercase).collect()
            };
            let names: Vec<_> = language.countries().map(|(_, name)| name).collect();
            for pair in names.windows(2) {
                assert!(plain(pair[0]) <= plain(pair[1]), "{language:?} {pair:?}");
            }
        }
    }

    #[test]
    fn the_same_countries_are_there_in_every_language() {
        let codes = |language: Language| {
            language
                .countries()
                .map(|(code, _)| code)
                .collect::<BTreeSet<_>>()
        };
        assert_eq!(codes(Language::En).len(), 250);
        assert_eq!(codes(Language::En), codes(Language::De));
        assert_eq!(codes(Language::En), codes(Language::Fr));
    }
}
