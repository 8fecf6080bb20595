//! What is fuzzed, and how (`docs/FUZZING.md`). Each target is a function from bytes to nothing: what must not be, panics.
//!
//! | module | targets |
//! |---|---|
//! | [`parsers`] | `apdu`, `command`, `certificate`, `request`, `receipt`, `journal`, `status`, `frame` |
//! | [`cloning`] | `clone_offer`, `clone_grant`, `clone_consent`, `clone_parcel`, `clone_receipt` |
//! | [`sequence`] | `device_sequence` |
//! | [`store`] | `stored_blob` |
//! | [`keypad`] | `keypad` |
//! | [`host`] | `host_response` |
//! | [`files`] | `file_header`, `shared_file` |
//! | [`license`] | `license_token` |
//! | [`cheap`], [`stage`] | primitives that hide nothing; modules in the state that a target needs |
//! | [`seeds`] | what each target starts from |

#![forbid(unsafe_code)]
#![allow(
    clippy::expect_used,
    reason = "what is not as a target expects is a finding"
)]

pub mod cheap;
pub mod cloning;
pub mod files;
pub mod host;
pub mod keypad;
pub mod license;
pub mod parsers;
pub mod seeds;
pub mod sequence;
pub mod stage;
pub mod store;
