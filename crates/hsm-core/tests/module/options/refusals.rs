//! Who may not be master or secondary, and which word says so.

use super::{
    ADMIN_PIN, Case, DISABLING, Message, Module, OWN_ADMIN_PIN, OWN_POLICY, OWN_USER_PIN, Options,
    Pattern, Root, Status, ins, relay, relock, used,
};

#[test]
fn a_cycle_announces_one_secondary_at_least_and_no_more_than_can_be_told_apart() {
    let root = Root::generate("Test root").unwrap();
    let mut master = Case::all().next().unwrap().master(&root);
    for (options, secondaries, expected) in [
        (Options::default(), 0, Err(Status::Malformed)),
        (Options::default(), 1, Ok(())),
        (Options::default(), u16::MAX, Ok(())),
        (DISABLING, 0, Err(Status::Malformed)),
        (DISABLING, 64, Ok(())),
        (DISABLING, 65, Err(Status::TooLarge)),
    ] {
        assert_eq!(relay::begin(&mut master, options, secondaries), expected);
    }
}

#[test]
fn a_master_that_may_not_says_why_and_changes_nothing() {
    let root = Root::generate("Test root").unwrap();
    let mut master = Module::new("MASTER-1", &root);
    master.set_up();
    let begin = |master: &mut Module| {
        let blob = master.flash.blob();
        let refusal = relay::begin(master, Options::default(), 1);
        assert_eq!(master.flash.blob(), blob);
        refusal
    };
    assert_eq!(begin(&mut master), Err(Status::Locked));
    master.unlock_user();
    assert_eq!(begin(&mut master), Err(Status::NotAdministrator));
    relock(&mut master);
    master.press(&format!("KEY+1 {ADMIN_PIN} KEY"));
    assert_eq!(begin(&mut master), Err(Status::Locked));
    master.press("KEY+8 0 SHIFT SHIFT:1s");
    master.unlock_admin();
    assert_eq!(begin(&mut master), Err(Status::CloningDisabled));
    assert_eq!(
        begin(&mut Module::new("MASTER-2", &root)),
        Err(Status::Locked)
    );

    let mut bare = Module::bare("MASTER-3");
    bare.set_up();
    bare.unlock_admin();
    assert_eq!(begin(&mut bare), Err(Status::NotCertified));
}

#[test]
fn a_secondary_that_may_not_says_why_and_keeps_everything() {
    let root = Root::generate("Test root").unwrap();
    let offer = |secondary: &mut Module| {
        let blob = secondary.flash.blob();
        let refusal = secondary.command(ins::OFFER, 0, &[]);
        assert_eq!(secondary.flash.blob(), blob);
        refusal.map(|offer| offer.len())
    };
    let mut used = used(&root);
    relock(&mut used);
    assert_eq!(offer(&mut used), Err(Status::Locked));
    used.press(&format!("KEY+1 {OWN_ADMIN_PIN} KEY"));
    assert_eq!(offer(&mut used), Err(Status::Locked));
    relock(&mut used);
    let leds = used.press(&format!("SHIFT+KEY {OWN_USER_PIN} KEY"));
    assert_eq!(leds, Pattern::Unlocked);
    assert_eq!(offer(&mut used), Err(Status::NotAdministrator));
    assert_eq!(used.status().policy, OWN_POLICY);
    assert_eq!(
        offer(&mut Module::bare("SECOND-3")),
        Err(Status::NotCertified)
    );
}

#[test]
fn modules_of_another_root_refuse_each_other() {
    let (ours, theirs) = (
        Root::generate("Ours").unwrap(),
        Root::generate("Theirs").unwrap(),
    );
    let mut master = Case::all().next().unwrap().master(&ours);
    let mut stranger = Module::new("SECOND-1", &theirs);
    relay::begin(&mut master, Options::default(), 1).unwrap();
    let outcome = relay::run(&mut master, &mut stranger, 0, |_, _| {});
    assert_eq!(outcome.refused, Some((Message::Grant, Status::ForeignRoot)));

    // Nor does a secondary take the Grant of a strange master.
    let offer = Module::new("SECOND-2", &ours)
        .command(ins::OFFER, 0, &[])
        .unwrap();
    let grant = master.command(ins::GRANT, 0, &offer).unwrap();
    let refusal = stranger.command(ins::CONSENT, 0, &grant);
    assert_eq!(refusal, Err(Status::ForeignRoot));
    assert_eq!(stranger.leds(), Pattern::Shipment, "the run is over");
}

#[test]
fn a_module_is_never_master_and_secondary_of_one_run() {
    let root = Root::generate("Test root").unwrap();
    let mut module = Case::all().next().unwrap().master(&root);
    relay::begin(&mut module, Options::default(), 1).unwrap();
    let offer = module.offer().unwrap();
    let refusal = module.command(ins::GRANT, 0, &offer);
    assert_eq!(refusal, Err(Status::SameModule));

    let offer = Module::new("SECOND-1", &root)
        .command(ins::OFFER, 0, &[])
        .unwrap();
    let grant = module.command(ins::GRANT, 0, &offer).unwrap();
    module.offer().unwrap();
    let refusal = module.command(ins::CONSENT, 0, &grant);
    assert_eq!(refusal, Err(Status::SameModule));
}
