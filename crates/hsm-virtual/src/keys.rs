//! Keys as text: digits one after another `24681357`, `KEY`, `SHIFT`, a chord `KEY+8`, a hold `SHIFT:1s` or
//! `KEY+1:1s`.

use hsm_core::keypad::{Digit, Key};

/// One movement on a keypad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stroke {
    /// A key, pressed and released.
    Press(Key),
    /// Two keys together.
    Chord(Key, Key),
    /// A key, held for so many milliseconds.
    Hold(Key, u64),
    /// Two keys together, held for so many milliseconds.
    HoldChord(Key, Key, u64),
}

/// A word that is not a key.
#[derive(Debug, thiserror::Error)]
#[error(
    "'{0}' is not a key: write digits, KEY, SHIFT, a chord such as KEY+8, or a hold such as SHIFT:1s or KEY+1:1s"
)]
pub struct UnknownKey(String);

/// Parses words separated by spaces.
///
/// ```
/// use hsm_virtual::keys::parse;
/// assert_eq!(parse("SHIFT+1 24681357 KEY")?.len(), 10);
/// assert!(parse("ENTER").is_err());
/// # Ok::<(), hsm_virtual::keys::UnknownKey>(())
/// ```
pub fn parse(text: &str) -> Result<Vec<Stroke>, UnknownKey> {
    let mut strokes = Vec::new();
    for word in text.split_whitespace() {
        // The error names the word, which may be a mistyped PIN: only the person who typed it sees the error.
        word_strokes(word, &mut strokes).ok_or_else(|| UnknownKey(word.into()))?;
    }
    Ok(strokes)
}

/// Parses one key: a digit, `KEY` or `SHIFT`.
pub fn key(word: &str) -> Result<Key, UnknownKey> {
    key_of(word).ok_or_else(|| UnknownKey(word.into()))
}

fn word_strokes(word: &str, strokes: &mut Vec<Stroke>) -> Option<()> {
    if let Some((keys, time)) = word.split_once(':') {
        let held = milliseconds(time)?;
        strokes.push(match keys.split_once('+') {
            Some((first, second)) => Stroke::HoldChord(key_of(first)?, key_of(second)?, held),
            None => Stroke::Hold(key_of(keys)?, held),
        });
    } else if let Some((first, second)) = word.split_once('+') {
        strokes.push(Stroke::Chord(key_of(first)?, key_of(second)?));
    } else if let Some(key) = key_of(word) {
        strokes.push(Stroke::Press(key));
    } else {
        for c in word.chars() {
            strokes.push(Stroke::Press(Key::Digit(digit(c)?)));
        }
    }
    Some(())
}

/// Reads a time such as `1s` or `0.5s`.
fn milliseconds(text: &str) -> Option<u64> {
    let seconds: f64 = text.strip_suffix('s')?.parse().ok()?;
    let time = std::time::Duration::try_from_secs_f64(seconds).ok()?;
    u64::try_from(time.as_millis()).ok()
}

fn key_of(word: &str) -> Option<Key> {
    match word {
        "KEY" => Some(Key::Key),
        "SHIFT" => Some(Key::Shift),
        _ => {
            let mut chars = word.chars();
            let digit = digit(chars.next()?)?;
            chars.next().is_none().then_some(Key::Digit(digit))
        }
    }
}

fn digit(c: char) -> Option<Digit> {
    u8::try_from(c.to_digit(10)?)
        .ok()
        .and_then(|value| Digit::new(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digit_key(value: u8) -> Key {
        Key::Digit(Digit::new(value).unwrap())
    }

    #[test]
    fn words_are_presses_chords_and_holds() {
        assert_eq!(
            parse("12 KEY KEY+8 SHIFT:1s 0:0.5s KEY+1:1s").unwrap(),
            [
                Stroke::Press(digit_key(1)),
                Stroke::Press(digit_key(2)),
                Stroke::Press(Key::Key),
                Stroke::Chord(Key::Key, digit_key(8)),
                Stroke::Hold(Key::Shift, 1000),
                Stroke::Hold(digit_key(0), 500),
                Stroke::HoldChord(Key::Key, digit_key(1), 1000),
            ]
        );
    }

    #[test]
    fn anything_else_is_refused_whole() {
        for text in [
            "KEY+",
            "KEY+12",
            "shift",
            "1a",
            "SHIFT:1",
            "SHIFT:-1s",
            "SHIFT:xs",
            "KEY+1:1",
            "KEY+1+2:1s",
            "KEY+:1s",
            "KEY:1s+1",
            "+8",
            "A",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn one_key_is_one_word_and_no_more() {
        assert!(key("SHIFT").is_ok_and(|key| key == Key::Shift));
        assert!(key("8").is_ok_and(|key| key == digit_key(8)));
        for text in ["", "12", "KEY+8", "SHIFT:1s", "KEY "] {
            assert!(key(text).is_err(), "{text}");
        }
    }
}
