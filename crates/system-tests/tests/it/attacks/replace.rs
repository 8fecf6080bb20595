//! A hostile computer and a master that its Administrator unlocked: the computer replaces what it holds by what a genuine
//! module of its own holds. Nobody is at the keypad.

use hsm_core::{Link, leds::Pattern};
use hsm_factory::Root;
use hsm_protocol::{
    Status,
    apdu::CHAINING,
    cloning::Options,
    command::{CLA, ins},
};
use hsm_testbench::{
    Bench,
    relay::{self, Message},
};
use hsm_virtual::aws_lc::AwsLc;

type Module = Bench<AwsLc>;

/// The team's master, unlocked, and a genuine master of the attacker's in a cycle.
fn stage() -> (Module, Module) {
    let root = Root::generate("Test root").unwrap();
    let master = |serial| {
        let mut module = Module::new(serial, &root);
        module.set_up();
        module.unlock_admin();
        relay::begin(&mut module, Options::default(), 1).unwrap();
        module
    };
    (master("TEAM-1"), master("ATTACKER-1"))
}

/// From the Offer on, as far as the victim lets it. Whether it was replaced.
fn replace(victim: &mut Module, attacker: &mut Module) -> Result<(), Status> {
    let mut carried = victim.command(ins::OFFER, 0, &[])?;
    for message in [
        Message::Grant,
        Message::Consent,
        Message::Parcel,
        Message::Receipt,
    ] {
        carried = relay::step(attacker, victim, 0, message, &carried)?;
    }
    Ok(())
}

#[test]
fn a_computer_alone_replaces_nothing_whatever_it_sends_in_between() {
    let (mut victim, mut attacker) = stage();
    let (blob, group) = (victim.flash.blob(), victim.status().group);
    let between: [fn(&mut Module); 7] = [
        |_| {},
        |victim| victim.pass(1_000),
        |victim| victim.pass(31_000),
        |victim| victim.link(Link::Reset),
        |victim| drop(victim.command(ins::CYCLE_END, 0, &[])),
        |victim| drop(victim.raw(&[CLA | CHAINING, ins::OFFER, 0, 0])),
        |victim| drop(victim.command(ins::CONSENT, 0, &[1; 100])),
    ];
    for act in between.iter().cycle().take(100) {
        assert_eq!(
            replace(&mut victim, &mut attacker),
            Err(Status::NeedsPerson)
        );
        act(&mut victim);
        // A chain that is open takes the next OFFER for its end.
        drop(victim.command(ins::IDENTITY, 0, &[7; 32]));
    }
    assert!(victim.flash.blob() == blob, "nothing was written");
    assert_eq!(victim.status().group, group);
    assert!(matches!(victim.leds(), Pattern::Asks | Pattern::Unlocked));
}

#[test]
fn what_people_do_on_the_keypad_for_other_reasons_is_no_consent() {
    // To enter Admin mode a person presses KEY+1 and, seeing that it is refused, plugs the module in again.
    for keys in [
        "KEY+1",
        "KEY+1 24681357 KEY",
        "KEY:2s",
        "1:2s",
        "SHIFT:1s",
        "KEY+8 1 SHIFT",
    ] {
        let (mut victim, mut attacker) = stage();
        let blob = victim.flash.blob();
        assert_eq!(
            replace(&mut victim, &mut attacker),
            Err(Status::NeedsPerson)
        );
        victim.press(keys);
        assert_eq!(
            replace(&mut victim, &mut attacker),
            Err(Status::NeedsPerson),
            "{keys}"
        );
        assert!(victim.flash.blob() == blob);
    }
}

#[test]
fn one_consent_is_for_one_offer() {
    let (mut victim, mut attacker) = stage();
    assert!(victim.command(ins::OFFER, 0, &[]).is_err());
    assert_eq!(victim.press("KEY+1:1s"), Pattern::Confirmed);
    // The person's own run is broken off by the computer, which begins another.
    victim.command(ins::OFFER, 0, &[]).unwrap();
    assert_eq!(
        replace(&mut victim, &mut attacker),
        Err(Status::NeedsPerson)
    );
    // What remains: the one run that was allowed may be any genuine master's (docs/THREAT-MODEL.md).
    assert_eq!(victim.press("KEY+1:1s"), Pattern::Confirmed);
    assert_eq!(replace(&mut victim, &mut attacker), Ok(()));
}
