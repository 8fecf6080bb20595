//! What a person must allow (docs/PROTOCOL.md § 2.10), and answers that the module signs (§ 3.3).

use crate::Crypto;
use hsm_core::{
    Link,
    keypad::{Digit, Key, KeyEvent},
    leds::Pattern,
    time::{ASKS, HOLD},
};
use hsm_factory::{P384Verifier, Profile, Root};
use hsm_protocol::{
    Status, certificate,
    command::ins,
    file::Recipient,
    hybrid::HybridRecipient,
    settings::ModuleStatus,
    signed::{AnswerSignature, SignedFields, SignedLabel},
};
use hsm_testbench::Bench;

type Module = Bench<Crypto>;

#[test]
fn a_module_in_use_is_offered_once_for_each_time_a_person_allows_it() {
    let mut module = asked();
    for _ in 0..3 {
        assert_eq!(offer(&mut module), Err(Status::NeedsPerson));
        assert_eq!(module.leds(), Pattern::Asks);
    }
    assert_eq!(module.press("KEY+1:1s"), Pattern::Confirmed);
    assert!(offer(&mut module).is_ok());
    assert_eq!(module.leds(), Pattern::Cloning);
    assert_eq!(
        offer(&mut module),
        Err(Status::NeedsPerson),
        "it counts once"
    );
}

#[test]
fn a_module_that_has_nothing_to_lose_asks_nobody() {
    let root = Root::generate("Test root").unwrap();
    let mut module = Module::new("MODULE-1", &root);
    assert!(offer(&mut module).is_ok());
    module.set_up();
    module.press("0:1s 2+7");
    assert_eq!(module.leds(), Pattern::Reset);
    assert!(offer(&mut module).is_ok());
}

#[test]
fn every_other_key_refuses_before_and_after_the_confirmation() {
    for keys in ["5", "KEY", "SHIFT", "KEY+4:1s", "SHIFT+1:1s", "1:1s", "1+2"] {
        for before in ["", "KEY+1:1s"] {
            let mut module = asked();
            module.press(before);
            assert_eq!(module.press(keys), Pattern::Refused, "{before} {keys}");
            assert_eq!(offer(&mut module), Err(Status::NeedsPerson), "{keys}");
            // It asks again, and what was said before counts no more.
            assert_eq!(offer(&mut module), Err(Status::NeedsPerson), "{keys}");
        }
    }
}

#[test]
fn a_chord_that_is_let_go_too_early_says_nothing_and_can_be_made_again() {
    let mut module = asked();
    assert_eq!(module.press("KEY+1:0.95s"), Pattern::Asks);
    assert_eq!(module.press("KEY+1"), Pattern::Asks);
    assert_eq!(offer(&mut module), Err(Status::NeedsPerson));
    assert_eq!(module.press("1+KEY:1s"), Pattern::Confirmed);
    assert!(offer(&mut module).is_ok());
}

#[test]
fn keys_that_went_down_before_the_question_do_not_answer_it() {
    let mut module = unlocked();
    let one = Key::Digit(Digit::new(1).unwrap());
    for key in [Key::Key, one] {
        let now = module.now;
        module.module().key(KeyEvent::Down(key), now);
    }
    module.pass(HOLD - 100);
    assert_eq!(offer(&mut module), Err(Status::NeedsPerson));
    module.pass(2 * HOLD);
    assert_ne!(module.leds(), Pattern::Confirmed);
    assert_eq!(offer(&mut module), Err(Status::NeedsPerson));
}

#[test]
fn the_time_runs_from_the_first_question_whether_it_was_answered_or_not() {
    let mut module = asked();
    for _ in 0..29 {
        module.pass(1_000);
        assert_eq!(offer(&mut module), Err(Status::NeedsPerson));
    }
    module.pass(1_000);
    assert_eq!(module.leds(), Pattern::Asks);
    module.pass(50);
    assert_eq!(module.leds(), Pattern::Unlocked);

    let mut module = asked();
    assert_eq!(module.press("KEY+1:1s"), Pattern::Confirmed);
    module.pass(ASKS - HOLD);
    assert_eq!(module.leds(), Pattern::Confirmed);
    let mut late = asked();
    late.press("KEY+1:1s");
    late.pass(ASKS - HOLD + 50);
    assert_eq!(late.leds(), Pattern::Unlocked);
    assert!(offer(&mut module).is_ok());
    assert_eq!(offer(&mut late), Err(Status::NeedsPerson));
}

#[test]
fn other_commands_neither_answer_nor_end_the_question() {
    let mut module = asked();
    for keys in ["", "KEY+1:1s"] {
        let shown = module.press(keys);
        for (ins, data) in [
            (ins::IDENTITY, &[7; 32][..]),
            (ins::STATUS, &[]),
            (ins::STATUS, &[7; 32]),
            (ins::JOURNAL, &[]),
            (ins::CYCLE_BEGIN, &[0, 0, 1]),
            (0x99, &[]),
        ] {
            drop(module.command(ins, 0, data));
            assert_eq!(module.leds(), shown, "{ins:02X}");
        }
    }
    assert!(offer(&mut module).is_ok());
}

#[test]
fn reset_plug_and_lock_end_the_question_and_the_confirmation() {
    let ends: [fn(&mut Module); 3] = [
        |module| module.link(Link::Reset),
        |module| {
            module.link(Link::Unplugged);
            module.link(Link::Plugged);
            module.unlock_admin();
        },
        |module| {
            module.power_up();
            module.unlock_admin();
        },
    ];
    for end in ends {
        let mut module = asked();
        assert_eq!(module.press("KEY+1:1s"), Pattern::Confirmed);
        end(&mut module);
        assert_eq!(module.leds(), Pattern::Unlocked);
        assert_eq!(offer(&mut module), Err(Status::NeedsPerson));
    }
}

#[test]
fn nothing_that_an_unlocked_master_is_asked_replaces_what_it_holds() {
    let mut module = asked();
    let blob = module.flash.blob();
    for _ in 0..40 {
        module.pass(1_000);
        for ins in [ins::OFFER, ins::CONSENT, ins::COMMIT] {
            for data in [&[][..], &[1; 3]] {
                assert!(module.command(ins, 0, data).is_err());
            }
        }
    }
    assert!(module.flash.blob() == blob);
}

#[test]
fn recipient_and_status_are_signed_for_their_challenge_and_their_parameter() {
    let root = Root::generate("Test root").unwrap();
    let mut module = Module::new("MODULE-1", &root);
    module.set_up();
    module.unlock_user();
    let chain = module.command(ins::CERTIFICATE, 0, &[]).unwrap();
    let chain = certificate::Chain::parse(&chain).unwrap();
    let public = *chain.leaf().public();
    for (ins, p1, label) in [
        (ins::FILE_RECIPIENT, 0, SignedLabel::Recipient),
        (ins::FILE_RECIPIENT, 1, SignedLabel::Recipient),
        (ins::STATUS, 0, SignedLabel::Status),
    ] {
        let challenge = [0x5A; 32];
        let answer = module.command(ins, p1, &challenge).unwrap();
        let answer = SignedFields::parse(&answer).unwrap();
        let right = AnswerSignature {
            label,
            p1,
            challenge: &challenge,
        };
        let verify = |said: AnswerSignature<'_>| said.verify::<P384Verifier>(&public, &answer);
        verify(right).unwrap();
        for wrong in [
            AnswerSignature {
                challenge: &[0x5B; 32],
                ..right
            },
            AnswerSignature {
                p1: 1 - p1,
                ..right
            },
            AnswerSignature {
                label: SignedLabel::Identity,
                ..right
            },
        ] {
            assert!(verify(wrong).is_err(), "{ins:02X} {p1}");
        }
        match (ins, p1) {
            (ins::STATUS, _) => drop(ModuleStatus::parse(answer.fields).unwrap()),
            (_, 0) => drop(Recipient::parse(answer.fields).unwrap()),
            _ => drop(HybridRecipient::parse(answer.fields).unwrap()),
        }
        for len in [1, 31, 33] {
            let refused = module.command(ins, p1, &vec![7; len]);
            assert_eq!(refused, Err(Status::WrongLength));
        }
    }
    let refused = module.command(ins::FILE_RECIPIENT, 0, &[]);
    assert_eq!(refused, Err(Status::WrongLength));
    let unsigned = module.command(ins::STATUS, 0, &[]).unwrap();
    assert!(ModuleStatus::parse(&unsigned).is_ok());
}

#[test]
fn a_module_without_a_certificate_signs_nothing() {
    let mut module = Module::bare("MODULE-1");
    module.set_up();
    module.unlock_user();
    for p1 in [0, 1] {
        let refused = module.command(ins::FILE_RECIPIENT, p1, &[7; 32]);
        assert_eq!(refused, Err(Status::NotCertified));
    }
    let refused = module.command(ins::STATUS, 0, &[7; 32]);
    assert_eq!(refused, Err(Status::NotCertified));
    assert!(module.command(ins::STATUS, 0, &[]).is_ok());
    // A key alone is no certificate.
    let mut module = Module::bare("MODULE-2");
    module.command(ins::GENERATE_KEY, 0, &[]).unwrap();
    module.set_up();
    module.unlock_admin();
    let refused = module.command(ins::STATUS, 0, &[7; 32]);
    assert_eq!(refused, Err(Status::NotCertified));
    let root = Root::generate("Test root").unwrap();
    module.certify(&root, Profile { is_virtual: true }).unwrap();
    assert!(module.command(ins::STATUS, 0, &[7; 32]).is_ok());
}

/// Unlocked by its Administrator.
fn unlocked() -> Module {
    let root = Root::generate("Test root").unwrap();
    let mut module = Module::new("MODULE-1", &root);
    module.set_up();
    module.unlock_admin();
    module
}

/// And asked whether it may be replaced.
fn asked() -> Module {
    let mut module = unlocked();
    assert_eq!(offer(&mut module), Err(Status::NeedsPerson));
    module
}

#[test]
fn a_journal_is_signed_with_its_challenge_and_its_page() {
    let mut module = unlocked();
    let chain = module.command(ins::CERTIFICATE, 0, &[]).unwrap();
    let chain = certificate::Chain::parse(&chain).unwrap();
    for p1 in [0, 7, 8, 11] {
        let bare = module.command(ins::JOURNAL, p1, &[]).unwrap();
        let bytes = module.command(ins::JOURNAL, p1, &[7; 32]).unwrap();
        let answer = SignedFields::parse(&bytes).unwrap();
        assert_eq!(answer.fields, bare);
        for (asked, challenge, is_right) in [
            (p1, [7; 32], true),
            (p1 ^ 1, [7; 32], false),
            (p1, [8; 32], false),
        ] {
            let said = AnswerSignature {
                label: SignedLabel::Journal,
                p1: asked,
                challenge: &challenge,
            };
            let verified = said.verify::<P384Verifier>(chain.leaf().public(), &answer);
            assert_eq!(verified.is_ok(), is_right, "{asked}");
        }
    }
    for length in [1, 31, 33] {
        let refused = module.command(ins::JOURNAL, 0, &vec![7; length]);
        assert_eq!(refused, Err(Status::WrongLength));
    }
}

fn offer(module: &mut Module) -> Result<Vec<u8>, Status> {
    module.command(ins::OFFER, 0, &[])
}
