//! The manual, `manual/`: the module's tables come from the constants of the core, its key sequences are typed on a module;
//! KeyWriter's chapters and pictures are the same in every language.
//! `REWRITE=1 cargo test -p hsm-virtual --test manual` writes the tables anew.

#![expect(clippy::expect_used, reason = "a failing test says why")]

mod chapters;
mod keywriter;
mod leds;
mod limits;
mod sequences;
mod settings;
mod tables;
mod typed;
mod typography;
