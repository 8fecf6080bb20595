//! What the keys of the keyboard do in the window. The keyboard's own Shift is not the module's SHIFT: it turns digits
//! into other characters, and which ones depends on the layout.

use super::Pad;

/// What a key of the keyboard does.
#[derive(Clone, Copy)]
pub enum Action {
    /// A key of the keypad.
    Pad(Pad),
    /// Select a module so many rows further down, or up.
    Choose(isize),
    /// Plug in or unplug.
    Plug,
    /// Let a second of the modules' time pass.
    LetTimePass,
    /// Release every key.
    ReleaseAll,
}

/// Returns what a key does; `None` if nothing.
pub fn action_of(key: char) -> Option<Action> {
    Some(match key {
        '0'..='9' => Action::Pad(Pad::digit(key)?),
        's' | 'S' => Action::Pad(Pad::SHIFT),
        'k' | 'K' | RETURN => Action::Pad(Pad::KEY),
        'p' | 'P' => Action::Plug,
        'w' | 'W' => Action::LetTimePass,
        ESCAPE => Action::ReleaseAll,
        UP | LEFT => Action::Choose(-1),
        DOWN | RIGHT => Action::Choose(1),
        PAGE_UP => Action::Choose(-PAGE),
        PAGE_DOWN => Action::Choose(PAGE),
        HOME => Action::Choose(isize::MIN),
        END => Action::Choose(isize::MAX),
        _ => return None,
    })
}

/// How many rows a page key moves: the ports of a hub.
const PAGE: isize = 10;

// The characters that Slint uses for these keys.
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
            assert!(action_of(key).is_none(), "{key}");
        }
    }
}
