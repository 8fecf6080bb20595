//! Keyboard → what it means in the window. The keyboard's own Shift is not the module's: with it a keyboard says other
//! characters than digits, and which ones depends on its layout.

use super::Pad;

/// What a key of the keyboard means.
#[derive(Clone, Copy)]
pub enum Act {
    /// A key of the keypad.
    Pad(Pad),
    /// Another module: so many places on, or back.
    Choose(isize),
    /// Plug in, pull out.
    Plug,
    /// A second of the modules' time.
    LetTimePass,
    /// Let everything go.
    LetGo,
}

/// What a key means; `None` where it means nothing here.
pub fn act_of(key: char) -> Option<Act> {
    Some(match key {
        '0'..='9' => Act::Pad(Pad::digit(key)?),
        's' | 'S' => Act::Pad(Pad::SHIFT),
        'k' | 'K' | RETURN => Act::Pad(Pad::KEY),
        'p' | 'P' => Act::Plug,
        'w' | 'W' => Act::LetTimePass,
        ESCAPE => Act::LetGo,
        UP | LEFT => Act::Choose(-1),
        DOWN | RIGHT => Act::Choose(1),
        PAGE_UP => Act::Choose(-PAGE),
        PAGE_DOWN => Act::Choose(PAGE),
        HOME => Act::Choose(isize::MIN),
        END => Act::Choose(isize::MAX),
        _ => return None,
    })
}

/// How many modules a page key goes on: the ports of a hub.
const PAGE: isize = 10;

// As Slint names them.
const RETURN: char = '\n';
const ESCAPE: char = '\u{1b}';
const UP: char = '\u{f700}';
const DOWN: char = '\u{f701}';
const LEFT: char = '\u{f702}';
const RIGHT: char = '\u{f703}';
const HOME: char = '\u{f729}';
const END: char = '\u{f72b}';
const PAGE_UP: char = '\u{f72c}';
const PAGE_DOWN: char = '\u{f72d}';

#[cfg(test)]
mod tests {
    use super::*;
    use slint::platform::Key;

    #[test]
    fn keys_without_a_character_are_named_as_the_toolkit_names_them() {
        for (ours, theirs) in [
            (RETURN, Key::Return),
            (ESCAPE, Key::Escape),
            (UP, Key::UpArrow),
            (DOWN, Key::DownArrow),
            (LEFT, Key::LeftArrow),
            (RIGHT, Key::RightArrow),
            (HOME, Key::Home),
            (END, Key::End),
            (PAGE_UP, Key::PageUp),
            (PAGE_DOWN, Key::PageDown),
        ] {
            assert_eq!(ours, char::from(theirs));
        }
    }

    #[test]
    fn a_shifted_digit_is_no_key() {
        for key in "!\"§$%&/()=@#^*".chars() {
            assert!(act_of(key).is_none(), "{key}");
        }
    }
}
