//! No power cut buys a guess: an attempt is in the store before anything is compared. A guess is one stretching of what was
//! typed, and a try at every slot of its path.

use crate::chips::with_all_pins;
use hsm_core::leds::Pattern;
use hsm_protocol::identity::LockState;
use hsm_testbench::{
    ADMIN_PIN, RECOVERY_PIN, SELF_DESTRUCT_PIN, USER_PIN, board::Cut, observed::Counter,
};
use proptest::prelude::*;

/// The operations of paying for an attempt after a power-up: twice the store, then the counter.
const SPEND: u32 = 4;

/// The most operations of a wrong attempt: every one of the User's and the last one of the others write once more, and may
/// destroy a store key.
const ATTEMPT: u32 = 7;

const WRONG: &str = "97531864";

/// Where a PIN is guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    Admin,
    User,
    Recovery,
}

impl Path {
    const ALL: [Self; 3] = [Self::Admin, Self::User, Self::Recovery];

    fn entry(self, pin: &str) -> String {
        let chord = match self {
            Self::Admin => "KEY",
            Self::User => "SHIFT+KEY",
            Self::Recovery => "KEY+4",
        };
        format!("{chord} {pin} KEY")
    }

    /// Everything that opens it, and what the LEDs show then.
    const fn right(self) -> &'static [(&'static str, Pattern)] {
        match self {
            Self::Admin => &[(ADMIN_PIN, Pattern::Unlocked)],
            Self::User => &[
                (USER_PIN, Pattern::Unlocked),
                (SELF_DESTRUCT_PIN, Pattern::Unlocked),
            ],
            Self::Recovery => &[(RECOVERY_PIN, Pattern::AwaitingNew)],
        }
    }

    /// Wrong guesses until it is closed for good.
    const fn limit(self) -> u32 {
        match self {
            Self::Admin | Self::User => 10,
            Self::Recovery => 5,
        }
    }

    /// How many slots one guess is tried on.
    const fn slots(self) -> u32 {
        match self {
            Self::Admin | Self::Recovery => 1,
            Self::User => 2,
        }
    }
}

#[test]
fn while_an_attempt_is_paid_for_nothing_is_compared() {
    for path in Path::ALL {
        for (right, shown) in path.right() {
            for pin in [right, WRONG] {
                for cut in Cut::every(SPEND) {
                    let mut module = with_all_pins();
                    let before = (Counter::stretched(), Counter::slots_tried());
                    module.flash.cut(cut);
                    assert_eq!(module.press(&path.entry(pin)), Pattern::Fault);
                    let after = (Counter::stretched(), Counter::slots_tried());
                    assert_eq!(after, before, "{path:?} {pin} {cut:?}");
                    module.power_up();
                    assert_eq!(module.lock_state(), LockState::Locked);
                    assert_eq!(module.press(&path.entry(right)), *shown);
                }
            }
        }
    }
}

#[test]
fn the_same_cut_in_every_attempt_gains_no_guess() {
    let mut tried = 0;
    for path in Path::ALL {
        for cut in Cut::every(ATTEMPT) {
            let guesses = vec![Some(cut); 30];
            let compared = guess_to_the_end(path, &guesses);
            assert!(compared <= path.limit(), "{path:?} {cut:?}: {compared}");
            tried += guesses.len();
        }
    }
    println!("{tried} guesses with the power cut: never more compared than a path's limit");
}

#[test]
fn without_a_cut_each_path_compares_as_many_guesses_as_its_limit() {
    for path in Path::ALL {
        assert_eq!(guess_to_the_end(path, &[]), path.limit(), "{path:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn no_sequence_of_cuts_gains_a_guess(
        path in prop::sample::select(Path::ALL.to_vec()),
        cuts in prop::collection::vec(
            prop::option::of(prop::sample::select(Cut::every(ATTEMPT).collect::<Vec<_>>())),
            1..24,
        ),
    ) {
        prop_assert!(guess_to_the_end(path, &cuts) <= path.limit());
    }
}

/// Wrong guesses with these cuts, then without any until the path takes no more; how many were compared. In the end the
/// right PIN opens nothing.
fn guess_to_the_end(path: Path, cuts: &[Option<Cut>]) -> u32 {
    let mut module = with_all_pins();
    let (stretched, slots_tried) = (Counter::stretched(), Counter::slots_tried());
    let uncut = vec![None; path.limit() as usize + 1];
    for cut in cuts.iter().chain(&uncut) {
        module.flash.cut(cut.unwrap_or(Cut::Before(u32::MAX)));
        if matches!(
            module.leds(),
            Pattern::AdminBlocked | Pattern::AdminBlockedAgain
        ) {
            // The code that gives more; its write may be what the cut hits.
            module.press("47867243 KEY");
        }
        module.press(&path.entry(WRONG));
        module.power_up();
    }
    let compared = Counter::stretched() - stretched;
    let slots_tried = Counter::slots_tried() - slots_tried;
    assert_eq!(slots_tried, compared * path.slots(), "each guess once");
    for (right, shown) in path.right() {
        assert_ne!(module.press(&path.entry(right)), *shown);
    }
    compared
}
