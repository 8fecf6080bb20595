//! Self-tests: each fails if its algorithm is broken on purpose, and stops the module with a code that a host reads.

use crate::Crypto;
use hsm_core::{
    Link,
    crypto::{Provider, rust_crypto::RustCrypto},
    leds::Pattern,
};
use hsm_factory::Root;
use hsm_protocol::{
    Status,
    command::ins,
    self_test::{SelfTest, SelfTestReport, Service, Stopped},
};
use hsm_testbench::{
    ADMIN_PIN, Bench, USER_PIN,
    broken::{self, Broken},
    observed::{Counter, Observed},
    pair::{self, Pair},
};

/// What a module says of its tests; with `p1` = 1 after running them.
fn report<C: Provider>(module: &mut Bench<C>, p1: u8) -> SelfTestReport {
    let answer = module.command(ins::SELF_TEST, p1, &[]).unwrap();
    SelfTestReport::parse(&answer).unwrap()
}

fn bits(tests: &[SelfTest]) -> u16 {
    tests.iter().fold(0, |all, test| all | test.bit())
}

const AT_POWER_UP: [SelfTest; 8] = [
    SelfTest::Sha384,
    SelfTest::Hmac,
    SelfTest::Hkdf,
    SelfTest::Pbkdf2,
    SelfTest::Gcm,
    SelfTest::KeyWrap,
    SelfTest::Drbg,
    SelfTest::Entropy,
];

#[test]
fn tests_run_before_what_they_test_is_used_and_once() {
    let root = Root::generate("Test root").unwrap();
    let mut module = Bench::<Crypto>::new("MODULE-1", &root);
    module.set_up();
    module.power_up();
    let mut expected = bits(&AT_POWER_UP);
    let mut passed = |module: &mut Bench<Crypto>, more: &[SelfTest]| {
        expected |= bits(more);
        let report = report(module, 0);
        assert_eq!(report.stopped, None);
        assert_eq!(report.passed, expected, "after {more:?}");
    };
    passed(&mut module, &[]);
    module.command(ins::CERTIFICATE, 0, &[]).unwrap();
    passed(&mut module, &[]);
    module.command(ins::IDENTITY, 0, &[7; 32]).unwrap();
    passed(&mut module, &[SelfTest::Ecdsa]);
    module.unlock_user();
    pair::cipher(&mut module, 0, &[7; 512]).unwrap();
    passed(&mut module, &[SelfTest::Xts, SelfTest::Ecb]);
    module.command(ins::FILE_RECIPIENT, 0, &[7; 32]).unwrap();
    passed(&mut module, &[SelfTest::Ecdh, SelfTest::MlKem]);
    module.power_up();
    assert_eq!(report(&mut module, 0).passed, bits(&AT_POWER_UP));
    assert_eq!(report(&mut module, 1).passed, bits(&SelfTest::ALL));
}

#[test]
fn a_glitch_at_one_decision_about_a_pin_opens_nothing_and_gives_no_attempt_back() {
    let root = Root::generate("Test root").unwrap();
    let mut module = Bench::<Broken<RustCrypto>>::new("MODULE-1", &root);
    module.set_up();
    // The slot unwraps, or every part of the store opens: the other decision still says no.
    let glitches: [fn(); 2] = [broken::take_next_wrapped_key, || {
        broken::set(Some(SelfTest::Gcm));
    }];
    for glitch in glitches {
        for (path, pin, attempts) in [("SHIFT+KEY", USER_PIN, 10), ("KEY", ADMIN_PIN, 5)] {
            let mut module = module.duplicate();
            for _ in 0..attempts {
                glitch();
                let leds = module.press(&format!("{path} 98765432 KEY"));
                broken::set(None);
                assert_ne!(leds, Pattern::Unlocked, "{path}");
                module.power_up();
            }
            let leds = module.press(&format!("{path} {pin} KEY"));
            assert_ne!(leds, Pattern::Unlocked, "{path}: attempts came back");
        }
    }
}

#[test]
fn an_attempt_that_was_not_stored_is_none() {
    let root = Root::generate("Test root").unwrap();
    let mut module = Bench::<Observed<Crypto>>::new("MODULE-1", &root);
    module.set_all_pins();
    for path in ["SHIFT+KEY", "KEY", "KEY+4"] {
        let mut module = module.duplicate();
        // The first update after a power-up writes two.
        module.flash.lose_blobs(2);
        let compared = Counter::stretched();
        let leds = module.press(&format!("{path} 98765432 KEY"));
        assert_eq!(leds, Pattern::Fault, "{path}");
        assert_eq!(Counter::stretched(), compared, "{path}");
        module.power_up();
        assert_eq!(module.leds(), Pattern::Fault, "the counter was raised");
    }
}

#[test]
fn a_glitch_at_the_self_destruct_slot_destroys_and_opens_nothing_that_was() {
    let root = Root::generate("Test root").unwrap();
    let mut module = Bench::<Broken<RustCrypto>>::new("MODULE-1", &root);
    module.set_up();
    module.unlock_user();
    let group = module.status().group;
    module.power_up();
    broken::set(Some(SelfTest::KeyWrap));
    let leds = module.press("SHIFT+KEY 98765432 KEY");
    broken::set(None);
    assert_eq!(leds, Pattern::Unlocked);
    assert_ne!(module.status().group, group);
    assert_eq!(module.flash.destroyed(), 1);
}

#[test]
fn each_algorithm_that_is_broken_is_named_and_stops_the_module() {
    fn check<C: Provider>() {
        for test in SelfTest::ALL {
            if test == SelfTest::Entropy {
                continue;
            }
            // Broken while it works: a test on demand finds it.
            let root = Root::generate("Test root").unwrap();
            let mut module = Bench::<Broken<C>>::new("MODULE-1", &root);
            broken::set(Some(test));
            let found = report(&mut module, 1);
            assert_eq!(found.stopped, Some(Stopped::By(test)), "{test:?}");
            assert_eq!(found.passed & test.bit(), 0);
            assert_eq!(module.leds(), Pattern::Fault);
            for (ins, data) in [(ins::IDENTITY, &[7; 32][..]), (ins::OFFER, &[])] {
                assert_eq!(module.command(ins, 0, data), Err(Status::MemoryFailure));
            }
            // Broken from the start: the power-up or the first use finds it.
            module.power_up();
            let first = module.command(ins::OFFER, 0, &[]);
            if !matches!(test, SelfTest::Xts | SelfTest::Ecb) {
                assert_eq!(first, Err(Status::MemoryFailure), "{test:?}");
                let found = report(&mut module, 0);
                assert_eq!(found.stopped, Some(Stopped::By(test)), "{test:?}");
            }
            // Repaired: only a power-up helps.
            broken::set(None);
            if !matches!(test, SelfTest::Xts | SelfTest::Ecb) {
                assert_eq!(report(&mut module, 1).stopped, Some(Stopped::By(test)));
            }
            module.power_up();
            assert_eq!(report(&mut module, 1).stopped, None);
            module.command(ins::OFFER, 0, &[]).unwrap();
        }
    }
    check::<Crypto>();
    check::<RustCrypto>();
}

#[test]
fn data_units_are_not_ciphered_by_a_broken_mode() {
    let root = Root::generate("Test root").unwrap();
    for test in [SelfTest::Xts, SelfTest::Ecb] {
        let mut module = Bench::<Broken<Crypto>>::new("MODULE-1", &root);
        module.set_up();
        module.power_up();
        module.unlock_user();
        broken::set(Some(test));
        let ciphered = pair::cipher(&mut module, 0, &[7; 512]);
        broken::set(None);
        assert_eq!(ciphered, Err(Status::MemoryFailure), "{test:?}");
        assert_eq!(
            report(&mut module, 0).stopped,
            Some(Stopped::By(test)),
            "{test:?}"
        );
    }
}

#[test]
fn a_source_of_entropy_that_sticks_stops_the_module() {
    let root = Root::generate("Test root").unwrap();
    let mut module = Bench::<Crypto>::new("MODULE-1", &root);
    module.recorded.stick();
    module.power_up();
    assert_eq!(module.leds(), Pattern::Fault);
    let stopped = Some(Stopped::By(SelfTest::Entropy));
    assert_eq!(report(&mut module, 0).stopped, stopped);
    assert_eq!(report(&mut module, 1).stopped, stopped);
}

#[test]
fn a_store_that_cannot_be_trusted_is_told_from_a_broken_algorithm() {
    let root = Root::generate("Test root").unwrap();
    let mut module = Bench::<Crypto>::new("MODULE-1", &root);
    let mut blob = module.flash.blob();
    blob[100] ^= 1;
    module.flash.set_blob(blob);
    module.power_up();
    for p1 in [0, 1] {
        assert_eq!(report(&mut module, p1).stopped, Some(Stopped::ByFault));
    }
}

#[test]
fn a_signature_or_a_key_that_a_fault_spoiled_is_not_given_away() {
    let root = Root::generate("Test root").unwrap();
    // Verify after sign, in an answer.
    let mut module = Bench::<Broken<Crypto>>::new("MODULE-1", &root);
    module.command(ins::IDENTITY, 0, &[7; 32]).unwrap();
    broken::spoil_next_signature();
    let answer = module.command(ins::IDENTITY, 0, &[7; 32]);
    assert_eq!(answer, Err(Status::MemoryFailure));
    // The fault is over, and no test finds it.
    assert_eq!(report(&mut module, 0).stopped, Some(Stopped::ByFault));
    // The module's own key: nothing is stored.
    let mut bare = Bench::<Broken<Crypto>>::bare("MODULE-2");
    report(&mut bare, 1);
    let before = bare.flash.blob();
    broken::spoil_next_signature();
    let generated = bare.command(ins::GENERATE_KEY, 0, &[]);
    assert_eq!(generated, Err(Status::MemoryFailure));
    assert!(bare.flash.blob() == before);
    // Ephemeral keys: no Offer and no Grant.
    for spoil in [broken::spoil_next_ecdh_key, broken::spoil_next_kem_key] {
        let mut pair = Pair::<Broken<Crypto>>::new();
        report(&mut pair.secondary, 1);
        spoil();
        assert_eq!(pair.secondary.offer(), Err(Status::MemoryFailure));
    }
    let mut pair = Pair::<Broken<Crypto>>::new();
    report(&mut pair.master, 1);
    let offer = pair.secondary.offer().unwrap();
    broken::spoil_next_ecdh_key();
    let grant = pair.master.command(ins::GRANT, 0, &offer);
    assert_eq!(grant, Err(Status::MemoryFailure));
}

#[test]
fn the_service_indicator_says_whether_data_units_are_ciphered_in_an_approved_mode() {
    let root = Root::generate("Test root").unwrap();
    let mut module = Bench::<Crypto>::new("MODULE-1", &root);
    module.set_up();
    assert_eq!(report(&mut module, 0).service, Service::None);
    module.unlock_user();
    assert_eq!(report(&mut module, 0).service, Service::Approved);
    module.link(Link::Unplugged);
    module.link(Link::Plugged);
    module.configure("KEY+9 2 SHIFT");
    assert_eq!(report(&mut module, 0).service, Service::None);
    module.press(&format!("SHIFT+KEY {USER_PIN} KEY"));
    assert_eq!(report(&mut module, 0).service, Service::NotApproved);
}
