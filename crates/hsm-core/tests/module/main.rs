//! Whole modules, as a hand and a host see them: keypad, states, power cuts, cloning, hostile messages, vectors.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test may panic")]

mod asking;
mod chips;
mod cuts;
mod exchange;
mod hostile;
mod keypad;
mod letters;
mod options;
mod rekey;
mod self_tests;
mod states;
mod storage;
mod team;
mod tickets;
mod vectors;

/// The provider of these tests: the fast one, since hostile messages are verified by the ten thousand.
type Crypto = hsm_virtual::aws_lc::AwsLc;
