//! Reads `vectors/crypto/*.txt`: a header that names source and section, then cases, each of `name: value` lines,
//! with blank lines between. Bytes are in hex, `-` is the empty string, `#` begins a comment line.

use std::path::Path;

/// One case of a file.
pub(crate) struct Case(Vec<(String, String)>);

/// The cases of a file, without its header.
pub(crate) fn cases(file: &str) -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../vectors/crypto")
        .join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut paragraphs = text.split("\n\n").map(Case::parse);
    let header = paragraphs.next().unwrap();
    assert!(
        !header.text("source").is_empty() && !header.text("section").is_empty(),
        "{file} has no header"
    );
    let cases: Vec<_> = paragraphs.collect();
    assert!(!cases.is_empty(), "{file} has no cases");
    cases
}

impl Case {
    fn parse(paragraph: &str) -> Self {
        let lines = paragraph
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty());
        let fields = lines.map(|line| {
            line.split_once(": ")
                .unwrap_or_else(|| panic!("no field: {line}"))
        });
        Self(
            fields
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        )
    }

    /// What the case is called.
    pub(crate) fn name(&self) -> &str {
        self.text("case")
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(n, _)| n == name)
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        let field = self.0.iter().find(|(n, _)| n == name);
        &field.unwrap_or_else(|| panic!("no {name}")).1
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        unhex(self.text(name))
    }

    pub(crate) fn array<const N: usize>(&self, name: &str) -> [u8; N] {
        self.bytes(name)
            .try_into()
            .unwrap_or_else(|_| panic!("{name} has not {N} bytes"))
    }

    pub(crate) fn number<T: std::str::FromStr<Err: std::fmt::Debug>>(&self, name: &str) -> T {
        self.text(name).parse().unwrap()
    }
}

/// Bytes from hex, or none from `-`.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    if text == "-" {
        Vec::new()
    } else {
        hex::decode(text).unwrap()
    }
}
