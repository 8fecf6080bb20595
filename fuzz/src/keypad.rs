//! Keys: as text, as people write them for `virtual-hub press`, and as arbitrary movements of keys.

use crate::stage::{self, CheapBench, has_failed};
use hsm_core::{
    crypto::Provider,
    keypad::{Digit, Key, KeyEvent},
    time::Millis,
};
use hsm_testbench::Bench;
use hsm_virtual::keys::{self, Stroke};

/// The first byte selects the module, and whether text or movements follow. A movement is a key and a delay.
pub fn run(data: &[u8]) {
    let Some((&choice, rest)) = data.split_first() else {
        return;
    };
    let mut module = module(choice);
    if choice & 0x80 == 0 {
        let text = String::from_utf8_lossy(rest);
        if let Ok(strokes) = keys::parse(&text) {
            assert!(strokes.len() <= text.len());
            press(&mut module, &text);
        }
    } else {
        for movement in rest.chunks_exact(2).take(MOVEMENTS) {
            let &[key, later] = movement else { return };
            let now = Millis(module.now.0 + (u64::from(later) << (later & 7)));
            module.now = now;
            let event = if key & 0x80 == 0 {
                KeyEvent::Down(key_of(key))
            } else {
                KeyEvent::Up(key_of(key))
            };
            module.module().key(event, now);
        }
    }
    assert!(!has_failed(&mut module));
    module.power_up();
    assert!(!has_failed(&mut module));
}

const MOVEMENTS: usize = 256;

fn module(choice: u8) -> CheapBench {
    let after = |keys: &str| {
        let mut module = stage::locked();
        module.press(keys);
        module
    };
    match choice & 3 {
        0 => stage::delivered(),
        1 => stage::locked(),
        2 => after("KEY+1 24681357 KEY"),
        _ => after("SHIFT+KEY 13572468 KEY"),
    }
}

/// Returns the key that a byte stands for.
pub fn key_of(byte: u8) -> Key {
    match byte % 12 {
        10 => Key::Key,
        11 => Key::Shift,
        digit => Digit::new(digit).map_or(Key::Key, Key::Digit),
    }
}

/// Types text; a hold is one step of time, however long it is.
pub fn press<C: Provider>(module: &mut Bench<C>, text: &str) {
    for stroke in keys::parse(text).unwrap_or_default() {
        let (events, held) = match stroke {
            Stroke::Press(key) => (vec![KeyEvent::Down(key), KeyEvent::Up(key)], 0),
            Stroke::Hold(key, held) => (vec![KeyEvent::Down(key), KeyEvent::Up(key)], held),
            Stroke::Chord(first, second) => (both(first, second), 0),
            Stroke::HoldChord(first, second, held) => (both(first, second), held),
        };
        for event in events {
            if matches!(event, KeyEvent::Up(_)) {
                module.now = Millis(module.now.0.saturating_add(held));
            }
            let now = module.now;
            module.module().key(event, now);
        }
    }
}

fn both(first: Key, second: Key) -> Vec<KeyEvent> {
    vec![
        KeyEvent::Down(first),
        KeyEvent::Down(second),
        KeyEvent::Up(second),
        KeyEvent::Up(first),
    ]
}
