//! Each language's typography.

/// Returns the space that French typography sets before a mark: a no-break space, narrow before three of them.
const fn space_before(mark: char) -> char {
    match mark {
        ';' | '?' | '!' => '\u{202f}',
        _ => '\u{a0}',
    }
}

/// Sets French punctuation: no-break spaces and typographic apostrophes, except in code spans.
pub(crate) fn french(text: &str) -> String {
    let mut spans = Vec::new();
    for (i, span) in text.split('`').enumerate() {
        let mut set = span.to_owned();
        if i % 2 == 0 {
            set = set.replace('\'', "’").replace("« ", "«\u{a0}");
            for mark in [':', ';', '?', '!', '»'] {
                set = set.replace(
                    &format!(" {mark}"),
                    &format!("{}{mark}", space_before(mark)),
                );
            }
        }
        spans.push(set);
    }
    spans.join("`")
}
