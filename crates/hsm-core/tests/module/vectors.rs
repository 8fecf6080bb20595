//! Every vector plays, to the byte. If one fails, the code is wrong, not the file.

use hsm_testbench::vector::Player;
use std::{fs, path::Path};

fn play_all(folder: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../vectors")
        .join(folder);
    let mut played = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "txt") {
            let text = fs::read_to_string(&path).unwrap();
            if let Err(error) = Player::play(&text) {
                panic!("{}: {error}", path.display());
            }
            played += 1;
        }
    }
    assert!(played > 0, "no vector was played");
}

#[test]
fn the_bytes_of_version_1_never_change() {
    play_all("v1");
}

#[test]
fn every_cloning_vector_plays() {
    play_all("cloning");
}

#[test]
fn every_letter_vector_plays() {
    play_all("letters");
}

#[test]
fn every_ticket_vector_plays() {
    play_all("tickets");
}

#[test]
fn every_apdu_vector_plays() {
    play_all("apdu");
}
