//! No power cut buys a guess: an attempt is in the store before anything is compared.

use super::every;
use hsm_core::leds::Pattern;
use hsm_factory::Root;
use hsm_protocol::identity::LockState;
use proptest::prelude::*;
use std::sync::LazyLock;
use system_tests::{
    ADMIN_PIN, Bench, USER_PIN,
    board::{Cut, Flash, Recorded},
    counting::Counting,
};

type Module = Bench<Counting>;

/// The writes of paying for an attempt: the store, then the counter.
const SPEND: u32 = 2;

/// The most writes of a wrong attempt: the last one also erases.
const ATTEMPT: u32 = 4;

/// Wrong guesses until a path is closed for good.
const LIMIT: u32 = 10;

const WRONG: &str = "97531864";

static CHIPS: LazyLock<Flash> = LazyLock::new(|| {
    let root = Root::generate("Test root").unwrap();
    let mut module = Module::new("MODULE-1", &root);
    module.set_up();
    module.flash.copy()
});

fn module() -> Module {
    Bench::over("MODULE-1", CHIPS.copy(), Recorded::default())
}

fn door(is_admin: bool, pin: &str) -> String {
    format!("{} {pin} KEY", if is_admin { "KEY" } else { "SHIFT+KEY" })
}

#[test]
fn while_an_attempt_is_paid_for_nothing_is_compared() {
    for (is_admin, right) in [(true, ADMIN_PIN), (false, USER_PIN)] {
        for pin in [right, WRONG] {
            for cut in every(SPEND) {
                let mut module = module();
                let before = Counting::comparisons();
                module.flash.cut(cut);
                assert_eq!(module.press(&door(is_admin, pin)), Pattern::Fault);
                assert_eq!(Counting::comparisons(), before, "{pin} {cut:?}");
                module.power_up();
                assert_eq!(module.lock_state(), LockState::Locked);
                module.press(&door(is_admin, right));
                assert_eq!(module.lock_state(), LockState::Unlocked);
            }
        }
    }
}

#[test]
fn the_same_cut_in_every_attempt_gains_no_guess() {
    let mut tried = 0;
    for is_admin in [true, false] {
        for cut in every(ATTEMPT) {
            let guesses = vec![Some(cut); 3 * LIMIT as usize];
            let compared = guess_to_the_end(is_admin, &guesses);
            assert!(compared <= LIMIT, "{cut:?}: {compared}");
            tried += guesses.len();
        }
    }
    println!("{tried} guesses with the power cut: never more than {LIMIT} compared on a path");
}

#[test]
fn without_a_cut_each_path_compares_as_many_guesses_as_its_limit() {
    assert_eq!(guess_to_the_end(true, &[]), LIMIT);
    assert_eq!(guess_to_the_end(false, &[]), LIMIT);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn no_sequence_of_cuts_gains_a_guess(
        is_admin: bool,
        cuts in prop::collection::vec(
            prop::option::of((0..=ATTEMPT, any::<bool>()).prop_map(|(number, is_before)| {
                if is_before { Cut::Before(number) } else { Cut::After(number) }
            })),
            1..24,
        ),
    ) {
        prop_assert!(guess_to_the_end(is_admin, &cuts) <= LIMIT);
    }
}

/// Wrong guesses with these cuts, then without any until the path takes no more; how many were compared. In the end the
/// right PIN opens nothing.
fn guess_to_the_end(is_admin: bool, cuts: &[Option<Cut>]) -> u32 {
    let mut module = module();
    let before = Counting::comparisons();
    let uncut = [None; LIMIT as usize + 1];
    for cut in cuts.iter().chain(&uncut) {
        module.flash.cut(cut.unwrap_or(Cut::Before(u32::MAX)));
        if matches!(
            module.leds(),
            Pattern::AdminBlocked | Pattern::AdminBlockedAgain
        ) {
            // The code that gives more; its write may be what the cut hits.
            module.press("47867243 KEY");
        }
        module.press(&door(is_admin, WRONG));
        module.power_up();
    }
    let compared = Counting::comparisons() - before;
    let right = if is_admin { ADMIN_PIN } else { USER_PIN };
    assert_ne!(module.press(&door(is_admin, right)), Pattern::Unlocked);
    compared
}
