//! Documents that say what the code says.

use hsm_core::{
    leds::{Led, Pattern},
    time,
};

const LEDS: &str = include_str!("../../../../../docs/LEDS.md");
const STORE: &str = include_str!("../../../../../docs/STORE.md");
const KEYPAD: &str = include_str!("../../../../../docs/KEYPAD.md");

#[test]
fn the_table_of_leds_is_the_patterns_of_the_core() {
    let documented: Vec<Vec<&str>> = rows(LEDS, 5).map(|row| row[..4].to_vec()).collect();
    let patterns: Vec<Vec<&str>> = Pattern::ALL
        .into_iter()
        .map(|pattern| {
            let leds = pattern.leds().map(name);
            [&[pattern.name()][..], &leds].concat()
        })
        .collect();
    assert_eq!(documented, patterns);
}

#[test]
fn every_light_has_its_timeline() {
    let documented: Vec<&str> = rows(LEDS, 3).map(|row| row[0]).collect();
    let lights = [
        Led::Off,
        Led::On,
        Led::Blink,
        Led::Fast,
        Led::Pulse,
        Led::Alternate,
        Led::Count,
    ];
    assert_eq!(documented, lights.map(name));
}

#[test]
fn the_size_of_the_blob_is_the_documented_one() {
    let mut module = hsm_testbench::Bench::<crate::Crypto>::new(
        "MODULE-1",
        &hsm_factory::Root::generate("Test root").unwrap(),
    );
    module.set_up();
    let (_, after) = STORE.split_once("One blob of ").unwrap();
    let (size, _) = after.split_once(" bytes").unwrap();
    let size: usize = size.replace(',', "").parse().unwrap();
    assert_eq!(module.flash.blob().len(), size);
}

#[test]
fn the_table_of_time_outs_is_the_constants_of_the_core() {
    let documented: Vec<(&str, u64)> = rows(KEYPAD, 3)
        .filter_map(|row| Some((row[0], row[1].parse().ok()?)))
        .collect();
    let constants = [
        ("HOLD", time::HOLD),
        ("ENTRY_PAUSE", time::ENTRY_PAUSE),
        ("ADMIN_MODE", time::ADMIN_MODE),
        ("UNPLUGGED", time::UNPLUGGED),
        ("STANDBY", time::STANDBY),
        ("RUN", time::RUN),
        ("ASKS", time::ASKS),
        ("FLASH", time::FLASH),
    ];
    assert_eq!(documented, constants);
}

/// The rows, without heading and rule, of all tables that are so many columns wide.
fn rows(text: &str, columns: usize) -> impl Iterator<Item = Vec<&str>> {
    let lines: Vec<&str> = text.lines().collect();
    let tables: Vec<Vec<&str>> = lines
        .split(|line| !line.starts_with('|'))
        .map(<[&str]>::to_vec)
        .collect();
    tables
        .into_iter()
        .flat_map(|table| table.into_iter().skip(2))
        .map(|line| {
            let inner = line.strip_prefix('|').and_then(|l| l.strip_suffix('|'));
            let cells = inner.expect("a row").split('|');
            cells.map(|cell| cell.trim().trim_matches('`')).collect()
        })
        .filter(move |cells: &Vec<&str>| cells.len() == columns)
}

const fn name(led: Led) -> &'static str {
    match led {
        Led::Off => "off",
        Led::On => "on",
        Led::Blink => "blink",
        Led::Fast => "fast",
        Led::Pulse => "pulse",
        Led::Alternate => "alternate",
        Led::Count => "count",
    }
}
