//! Each language's typography.

const NO_BREAK: char = '\u{a0}';

/// Sets French punctuation: no-break spaces and typographic apostrophes, except in code spans.
pub(crate) fn french(text: &str) -> String {
    let mut spans = Vec::new();
    for (i, span) in text.split('`').enumerate() {
        let mut set = span.to_owned();
        if i % 2 == 0 {
            set = set.replace('\'', "’").replace("« ", "«\u{a0}");
            for mark in [':', ';', '?', '!', '»'] {
                set = set.replace(&format!(" {mark}"), &format!("{NO_BREAK}{mark}"));
            }
        }
        spans.push(set);
    }
    spans.join("`")
}
