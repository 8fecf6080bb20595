//! What is fuzzed, and how (`docs/FUZZING.md`). Each target is a function from bytes to nothing: what must not be, panics.
//!
//! | module | targets |
//! |---|---|
//! | [`parsers`] | `apdu`, `command`, `certificate`, `request`, `receipt`, `letter`, `ticket`, `journal`, `status`, `frame` |
//! | [`cloning`] | `clone_offer`, `clone_grant`, `clone_consent`, `clone_parcel`, `clone_receipt`, `take_letter`, `write_letter` |
//! | [`sequence`] | `device_sequence` |
//! | [`store`] | `stored_blob` |
//! | [`keypad`] | `keypad` |
//! | [`host`] | `host_response` |
//! | [`reader`] | `usb_reader` |
//! | [`files`] | `file_header`, `shared_file` |
//! | [`license`] | `license_token` |
//! | [`cheap`], [`stage`] | primitives that hide nothing; modules in the state that a target needs |
//! | [`seeds`] | what each target starts from |

#![forbid(unsafe_code)]
#![expect(
    clippy::missing_panics_doc,
    reason = "a target panics when something that must hold does not: that is its purpose"
)]
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
pub mod reader;
pub mod seeds;
pub mod sequence;
pub mod stage;
pub mod store;

/// A target: it panics if something that must hold does not.
pub type Target = fn(&[u8]);

/// Every target, by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("apdu", parsers::apdu),
    ("certificate", parsers::certificate),
    ("clone_consent", cloning::consent),
    ("clone_grant", cloning::grant),
    ("clone_offer", cloning::offer),
    ("clone_parcel", cloning::parcel),
    ("clone_receipt", cloning::receipt),
    ("command", parsers::command),
    ("device_sequence", sequence::run),
    ("file_header", files::header),
    ("frame", parsers::frame),
    ("host_response", host::run),
    ("journal", parsers::journal),
    ("keypad", keypad::run),
    ("letter", parsers::letter),
    ("license_token", license::run),
    ("receipt", parsers::receipt),
    ("request", parsers::request),
    ("shared_file", files::whole),
    ("status", parsers::status),
    ("stored_blob", store::run),
    ("take_letter", cloning::take_letter),
    ("ticket", parsers::ticket),
    ("usb_reader", reader::run),
    ("write_letter", cloning::write_letter),
];

/// Returns the target of that name; `control` is one too.
pub fn target(name: &str) -> Option<Target> {
    if name == "control" {
        return Some(control);
    }
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name)?;
    Some(*target)
}

/// Panics at eight bytes that no seed has: a fuzzer that does not find them would find nothing elsewhere.
fn control(data: &[u8]) {
    let number = data.first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
    assert_ne!(number, Some(u64::from_be_bytes(*b"planted!")), "found");
}
