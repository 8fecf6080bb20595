//! Mails as mail programs draw them: the words of the text, with colors. Nothing is loaded.

use askama::Template;
use zeroize::Zeroizing;

use crate::language::Language;

#[derive(Template)]
#[template(path = "mail.html")]
struct Page<'t> {
    language: Language,
    subject: &'t str,
    blocks: Vec<Block>,
}

/// A paragraph.
struct Block {
    pieces: Vec<Piece>,
    /// It has license numbers and PINs, each in a line of its own.
    is_data: bool,
    /// It is the last one: whom to ask.
    is_foot: bool,
}

/// A part of a paragraph.
struct Piece {
    text: String,
    is_link: bool,
    /// The first link of a mail is what it is about.
    is_button: bool,
    /// A line ends after it.
    is_broken: bool,
}

/// Draws the text of a mail. `data`: what its paragraph with license numbers and PINs contains.
pub(super) fn draw(
    language: Language,
    subject: &str,
    text: &str,
    data: Option<&str>,
) -> Zeroizing<String> {
    let mut blocks: Vec<_> = text
        .trim()
        .split("\n\n")
        .map(|text| block(text, data))
        .collect();
    if let Some(last) = blocks.last_mut() {
        last.is_foot = true;
    }
    let mut pieces = blocks.iter_mut().flat_map(|block| &mut block.pieces);
    if let Some(first) = pieces.find(|piece| piece.is_link) {
        first.is_button = true;
    }
    let page = Page {
        language,
        subject,
        blocks,
    };
    // It has no part that can fail.
    Zeroizing::new(page.render().unwrap_or_default())
}

/// Reads a paragraph. Its lines are joined, but for links and data.
fn block(text: &str, data: Option<&str>) -> Block {
    let is_data = data.is_some_and(|data| text.contains(data));
    let mut pieces: Vec<Piece> = Vec::new();
    for line in text.lines() {
        let is_link = line.starts_with("https://") || line.starts_with("http://");
        if let Some(before) = pieces.last_mut() {
            before.is_broken = is_data || is_link || before.is_link;
        }
        pieces.push(Piece {
            text: line.replace("   ", "\u{2003}"),
            is_link,
            is_button: false,
            is_broken: false,
        });
    }
    Block {
        pieces,
        is_data,
        is_foot: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_mail_says_is_text_and_not_markup() {
        let text = "<b>Hello</b>\n\nA: \"><script>\nB: &\n\nGo\nhttps://a.example/?a=1&b=\"x\n\nAsk <i>us</i>";
        let html = draw(Language::Fr, "<title>", text, Some("\"><script>"));
        for wrong in ["<script", "<b>Hello", "<i>us", "<title><", "b=\"x"] {
            assert!(!html.contains(wrong), "{wrong}: {}", *html);
        }
        assert!(html.contains("lang=\"fr\"") && html.contains("&#60;b&#62;Hello"));
    }
}
