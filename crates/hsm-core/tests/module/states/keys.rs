//! State × key: the table in the document, and every gesture made in every state. And the one state that the host cannot
//! tell from another.

use super::{Module, State, Table, answer, word_of};
use hsm_core::{Link, leds::Pattern, time::FLASH};
use hsm_factory::Root;
use hsm_protocol::{Status, command::ins, identity::LockState};
use hsm_testbench::{
    ADMIN_PIN, Bench, RECOVERY_PIN, USER_PIN,
    board::{Flash, Recorded},
};
use std::collections::BTreeSet;

const DOCUMENT: &str = include_str!("../../../../../docs/KEYPAD.md");
const BEGIN: &str = "<!-- table: state-key -->";
const END: &str = "<!-- end -->";

/// The rows: their name, the chips that they start from, and what is typed then.
const STATES: [(&str, Chips, &str); 26] = [
    ("Shipment", Chips::Shipment, ""),
    ("Reset", Chips::Reset, ""),
    ("first Admin PIN", Chips::Shipment, "SHIFT+1"),
    ("Idle", Chips::Asleep, ""),
    ("Standby", Chips::Locked, ""),
    ("Standby, blocked", Chips::Blocked, ""),
    ("Standby, blocked again", Chips::BlockedAgain, ""),
    ("Admin PIN, to unlock", Chips::Locked, "KEY"),
    ("Admin PIN, for Admin mode", Chips::Locked, "KEY+1"),
    ("code", Chips::Blocked, "4"),
    ("User PIN", Chips::Locked, "SHIFT+KEY"),
    ("Recovery PIN", Chips::Locked, "KEY+4"),
    ("Recovering", Chips::Locked, "KEY+4 31415926 KEY"),
    ("reset armed", Chips::Locked, "0:1s"),
    ("Admin mode", Chips::Locked, "KEY+1 24681357 KEY"),
    ("new PIN", Chips::Locked, "KEY+1 24681357 KEY KEY+3"),
    (
        "new PIN again",
        Chips::Locked,
        "KEY+1 24681357 KEY KEY+3 97531864 KEY",
    ),
    ("value", Chips::Locked, "KEY+1 24681357 KEY KEY+5"),
    ("delete armed", Chips::Locked, "KEY+1 24681357 KEY SHIFT+3"),
    (
        "read-out armed",
        Chips::Locked,
        "KEY+1 24681357 KEY SHIFT+5",
    ),
    ("User", Chips::Locked, "SHIFT+KEY 13572468 KEY"),
    (
        "User, new PIN",
        Chips::Locked,
        "SHIFT+KEY 13572468 KEY KEY+4",
    ),
    ("Administrator", Chips::Locked, "KEY 24681357 KEY"),
    ("Administrator, asks", Chips::Asked, ""),
    ("Administrator, confirmed", Chips::Asked, "KEY+1:1s"),
    ("Fault", Chips::Fault, ""),
];

/// What a module holds before a row's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chips {
    Shipment,
    Reset,
    Locked,
    Asleep,
    Blocked,
    BlockedAgain,
    /// Unlocked by its Administrator, and a host asks whether it may be replaced.
    Asked,
    Fault,
}

#[test]
fn every_gesture_in_every_state_shows_what_the_table_says() {
    let rows = rows();
    let names: Vec<&str> = rows.iter().map(|row| row.state.as_str()).collect();
    assert_eq!(names, STATES.map(|(name, ..)| name));
    assert!([ADMIN_PIN, USER_PIN, RECOVERY_PIN] == ["24681357", "13572468", "31415926"]);

    let root = Root::generate("Test root").unwrap();
    let mut module = Module::new("MODULE-1", &root);
    let shipment = module.flash.copy();
    module.set_all_pins();
    let locked = module.flash.copy();
    let mut differing = Vec::new();
    let mut made = 0;
    for (row, (_, chips, keys)) in rows.iter().zip(STATES) {
        let flash = chips.flash(&shipment, &locked);
        for gesture in gestures() {
            let mut module = chips.module(&flash);
            let shown = if keys.is_empty() {
                module.leds()
            } else {
                module.press(keys)
            };
            assert_eq!(shown.name(), row.shows, "{}", row.state);
            let shown = module.press(&gesture);
            made += 1;
            let expected = row.after(&gesture);
            if shown.name() != expected {
                differing.push(format!(
                    "{gesture} in {}: {}, documented {expected}",
                    row.state,
                    shown.name()
                ));
            }
            if shown == Pattern::Refused {
                module.pass(FLASH);
                assert_eq!(module.leds().name(), row.settled, "{gesture} {}", row.state);
            }
        }
    }
    println!("{made} gestures in {} states", rows.len());
    assert!(differing.is_empty(), "{differing:#?}");
}

#[test]
fn the_table_names_every_gesture_that_is_a_chord_of_the_product() {
    let specific: BTreeSet<String> = rows()
        .into_iter()
        .flat_map(|row| row.items)
        .flat_map(|(gestures, _)| gestures)
        .collect();
    let known: BTreeSet<String> = gestures()
        .chain(["digit", "SHIFT+digit", "KEY+digit", "digit+digit"].map(String::from))
        .collect();
    assert!(specific.is_subset(&known), "{specific:?}");
}

#[test]
fn recovering_is_to_the_host_what_admin_mode_is() {
    let root = Root::generate("Test root").unwrap();
    let recovering = || {
        let mut module = State::Locked.module(&root);
        module.configure(&format!("KEY+4 {RECOVERY_PIN} KEY {RECOVERY_PIN} KEY"));
        let leds = module.press(&format!("KEY+4 {RECOVERY_PIN} KEY"));
        assert_eq!(leds, Pattern::AwaitingNew);
        module
    };
    assert_eq!(recovering().lock_state(), LockState::Locked);
    let table = Table::read();
    let column = table.states.iter().position(|state| state == "Admin mode");
    for row in &table.rows {
        for p1 in row.parameters() {
            let mut subject = State::Locked.subject(&root);
            subject.module = recovering();
            let word = word_of(&answer(&mut subject, &root, row, *p1));
            assert_eq!(word, row.cells[column.unwrap()], "{} {p1}", row.name);
            // And no command ends it.
            assert_eq!(subject.module.leds(), Pattern::AwaitingNew, "{}", row.name);
        }
    }
}

impl Chips {
    fn flash(self, shipment: &Flash, locked: &Flash) -> Flash {
        let locked = locked.copy();
        match self {
            Self::Shipment => shipment.copy(),
            Self::Locked | Self::Asleep | Self::Asked => locked,
            Self::Reset => typed(locked, "0:1s 2+7"),
            Self::Blocked => typed(locked, &"KEY 97531864 KEY ".repeat(5)),
            Self::BlockedAgain => {
                let wrong = |times| "KEY 97531864 KEY ".repeat(times);
                let keys = format!("{} 47867243 KEY {}", wrong(5), wrong(3));
                typed(locked, &keys)
            }
            Self::Fault => {
                let mut blob = locked.blob();
                blob[100] ^= 1;
                locked.set_blob(blob);
                locked
            }
        }
    }

    fn module(self, flash: &Flash) -> Module {
        let mut module = over(flash.copy());
        if self == Self::Asleep {
            module.link(Link::Unplugged);
            module.pass(hsm_core::time::STANDBY + 50);
        }
        if self == Self::Asked {
            module.unlock_admin();
            let refused = module.command(ins::OFFER, 0, &[]);
            assert_eq!(refused, Err(Status::NeedsPerson));
        }
        module
    }
}

fn typed(flash: Flash, keys: &str) -> Flash {
    let mut module = over(flash);
    module.press(keys);
    module.flash.copy()
}

fn over(flash: Flash) -> Module {
    Bench::over("MODULE-1", flash, Recorded::default())
}

/// Every key pressed and held, and every two together; chords with KEY held, too.
fn gestures() -> impl Iterator<Item = String> {
    let keys = || {
        (0..10)
            .map(|digit| digit.to_string())
            .chain(["KEY".into(), "SHIFT".into()])
    };
    let digits = || (0..10).map(|digit| digit.to_string());
    let chords = |key: &'static str| digits().map(move |digit| format!("{key}+{digit}"));
    let pairs = (0..100)
        .filter(|pair| pair / 10 != pair % 10)
        .map(|pair| format!("{}+{}", pair / 10, pair % 10));
    keys()
        .chain(keys().map(|key| format!("{key}:1s")))
        .chain(chords("SHIFT"))
        .chain(chords("KEY"))
        .chain(chords("KEY").map(|chord| format!("{chord}:1s")))
        .chain(["SHIFT+KEY".into()])
        .chain(pairs)
}

/// A row of the document's table.
struct Row {
    state: String,
    shows: String,
    /// Gestures, and the name of what is shown then; the last holds for every other.
    items: Vec<(Vec<String>, String)>,
    settled: String,
}

impl Row {
    fn after(&self, gesture: &str) -> &str {
        // A chord that stays down is a chord, unless the table says what it is besides.
        let is_named = |item: &(Vec<String>, _)| item.0.iter().any(|known| known == gesture);
        let gesture = match gesture.strip_suffix(":1s") {
            Some(chord) if chord.contains('+') && !self.items.iter().any(is_named) => chord,
            _ => gesture,
        };
        let class = class(gesture);
        let item = self.items.iter().find(|(gestures, _)| {
            gestures.is_empty()
                || gestures
                    .iter()
                    .any(|known| *known == gesture || *known == class)
        });
        &item.expect("the last one holds").1
    }
}

/// The name under which the table speaks of it and its like.
fn class(gesture: &str) -> String {
    gesture
        .split('+')
        .map(|part| match part.parse::<u8>() {
            Ok(_) => "digit",
            Err(_) => part,
        })
        .collect::<Vec<_>>()
        .join("+")
}

fn rows() -> Vec<Row> {
    let (_, from) = DOCUMENT.split_once(BEGIN).expect("the table's beginning");
    let (table, _) = from.split_once(END).expect("the table's end");
    let lines = table.lines().filter(|line| line.starts_with('|')).skip(2);
    lines
        .map(|line| {
            let cells = super::table::cells(line);
            let [state, shows, keys, settled] = cells.as_slice() else {
                panic!("{line}")
            };
            Row {
                state: state.clone(),
                shows: shows.clone(),
                items: keys.split(';').map(item).collect(),
                settled: settled.clone(),
            }
        })
        .collect()
}

/// `KEY` `KEY+1` → `pattern`, or else → `pattern`, which has no gestures.
fn item(text: &str) -> (Vec<String>, String) {
    let (gestures, pattern) = text.split_once('→').expect("an arrow");
    let words = gestures.split_whitespace().filter(|word| *word != "else");
    let gestures = words.map(|word| word.trim_matches('`').into()).collect();
    (gestures, pattern.trim().trim_matches('`').into())
}
