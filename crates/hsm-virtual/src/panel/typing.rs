//! Keyboard → keypad: one press at a time, and what stands for two keys together or a long hold.

use std::fmt;

/// A key of the keypad, as it is written in [`crate::keys`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pad {
    Digit(char),
    Key,
    Shift,
}

impl Pad {
    /// The key that a character of the keyboard stands for.
    pub(crate) const fn of(c: char) -> Option<Self> {
        match c {
            '0'..='9' => Some(Self::Digit(c)),
            'k' | 'K' => Some(Self::Key),
            's' | 'S' => Some(Self::Shift),
            _ => None,
        }
    }
}

impl fmt::Display for Pad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digit(digit) => write!(f, "{digit}"),
            Self::Key => f.write_str("KEY"),
            Self::Shift => f.write_str("SHIFT"),
        }
    }
}

/// What has been typed of something that takes more than one key of the keyboard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Typing {
    /// Nothing.
    #[default]
    Nothing,
    /// `+`: the next two go down together.
    Together,
    /// A key that is held until the next goes down too.
    With(Pad),
    /// `:`: the next is held for a second.
    Long,
}

/// What a character did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// More must follow.
    More(Typing),
    /// A word for the hub.
    Word(String),
    /// No key of the keypad.
    Unknown,
}

impl Typing {
    /// Takes a character.
    pub(crate) fn take(self, c: char) -> Typed {
        let is_held = matches!(c, 'K' | 'S');
        match (self, c) {
            (Self::Nothing, '+') => Typed::More(Self::Together),
            (Self::Nothing, ':') => Typed::More(Self::Long),
            _ => match (self, Pad::of(c)) {
                (_, None) => Typed::Unknown,
                (Self::Nothing, Some(pad)) if is_held => Typed::More(Self::With(pad)),
                (Self::Nothing, Some(pad)) => Typed::Word(pad.to_string()),
                (Self::Together, Some(pad)) => Typed::More(Self::With(pad)),
                (Self::With(first), Some(pad)) => Typed::Word(format!("{first}+{pad}")),
                (Self::Long, Some(pad)) => Typed::Word(format!("{pad}:1s")),
            },
        }
    }

    /// What it waits for, in words. A digit is not shown.
    pub(crate) fn prompt(self) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::Together => Some("two keys together: the first …".into()),
            Self::With(Pad::Digit(_)) => Some("• is down: the second key …".into()),
            Self::With(pad) => Some(format!("{pad} is down: the second key …")),
            Self::Long => Some("held for 1 s: the key …".into()),
        }
    }
}

/// What was sent, with every digit hidden.
pub(crate) fn masked(text: &str) -> String {
    let mut words = text
        .split_whitespace()
        .map(|word| match word.split_once(':') {
            // A hold's time is no secret.
            Some((key, time)) => format!("{}:{time}", hidden(key)),
            None => hidden(word),
        });
    let first = words.next().unwrap_or_default();
    words.fold(first, |all, word| all + " " + &word)
}

fn hidden(word: &str) -> String {
    word.chars()
        .map(|c| if c.is_ascii_digit() { '•' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut typing = Typing::default();
        let mut words = Vec::new();
        for c in text.chars() {
            match typing.take(c) {
                Typed::More(more) => typing = more,
                Typed::Word(word) => {
                    words.push(word);
                    typing = Typing::Nothing;
                }
                Typed::Unknown => words.push(format!("unknown {c}")),
            }
        }
        words
    }

    #[test]
    fn digits_k_and_s_are_single_presses() {
        assert_eq!(words("19ks"), ["1", "9", "KEY", "SHIFT"]);
    }

    #[test]
    fn a_capital_holds_its_key_for_the_next() {
        assert_eq!(
            words("K8S3SkKs"),
            ["KEY+8", "SHIFT+3", "SHIFT+KEY", "KEY+SHIFT"]
        );
    }

    #[test]
    fn plus_puts_any_two_together_and_a_colon_holds_one() {
        assert_eq!(words("+70+s1:s:0"), ["7+0", "SHIFT+1", "SHIFT:1s", "0:1s"]);
    }

    #[test]
    fn what_is_typed_is_what_the_hub_reads() {
        for word in words("1kK8+70:0Sk") {
            assert!(crate::keys::parse(&word).is_ok(), "{word}");
        }
    }

    #[test]
    fn no_digit_is_left_in_what_is_shown() {
        assert_eq!(
            masked("SHIFT+1  2468 KEY SHIFT:1s 0:1s"),
            "SHIFT+• •••• KEY SHIFT:1s •:1s"
        );
    }
}
