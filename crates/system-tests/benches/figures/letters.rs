//! A re-key for a team that is elsewhere: time and bytes, by the number of members; and one letter against the bare
//! operations that it is made of.

use crate::{
    clone::Bare,
    timing::{cpu, measured, median, median_cpu, ms, ratio},
};
use hsm_core::crypto::{Provider, rust_crypto::RustCrypto};
use hsm_factory::Root;
use hsm_protocol::{EpochName, cloning::Options, command::ins, letter::LetterKind};
use hsm_testbench::{Bench, letters, relay};
use hsm_virtual::aws_lc::AwsLc;
use std::time::Duration;

pub(crate) fn run() {
    println!("A re-key and a letter for each member, in processor time of the master, with aws-lc");
    let mut each = Vec::new();
    for members in [9, 63, 250] {
        let (took, bytes) = team(members);
        let one = took / u32::from(members);
        println!(
            "  {members:3} members  {}  {bytes} bytes  {} each",
            ms(took),
            ms(one)
        );
        each.push(one);
    }
    if let [few, .., many] = each.as_slice() {
        println!("  one of 250 ÷ one of 9: {:.2}", ratio(*many, *few));
    }
    println!("One letter in processor time ÷ its operations, each key and signature tested");
    against_bare::<RustCrypto>("RustCrypto", 3);
    against_bare::<AwsLc>("aws-lc", 20);
}

/// A master that its Administrator has unlocked.
fn master<P: Provider>(root: &Root) -> Bench<P> {
    let mut master = Bench::new("MASTER-1", root);
    master.set_up();
    master.unlock_admin();
    relay::begin(&mut master, Options::default(), 1).expect("a cycle");
    master
}

/// Re-keys a team of so many members, and writes a letter for each.
fn team(members: u16) -> (Duration, usize) {
    let root = Root::generate("Bench root").expect("a root");
    let mut master = master::<AwsLc>(&root);
    let shared = master.epoch();
    let letterboxes: Vec<_> = (0..members)
        .map(|number| {
            let mut member = Bench::<AwsLc>::new(&format!("MEMBER-{number}"), &root);
            letters::letterbox(&mut member).expect("a letterbox")
        })
        .collect();
    let mut bytes = 0;
    let took = measured(cpu, || {
        master.command(ins::REKEY, 0, &[]).expect_err("asks");
        master.press("KEY+2:1s");
        master.command(ins::REKEY, 0, &[]).expect("re-keyed");
        relay::begin(&mut master, Options::default(), members).expect("a cycle");
        for letterbox in &letterboxes {
            bytes += write(&mut master, shared, letterbox).len();
        }
    })();
    (took, bytes)
}

fn write<P: Provider>(master: &mut Bench<P>, shared: EpochName, letterbox: &[u8]) -> Vec<u8> {
    let data = [&shared.to_bytes()[..], letterbox].concat();
    master
        .command(ins::LETTER_WRITE, LetterKind::Epoch.to_byte(), &data)
        .expect("a letter")
}

fn against_bare<P: Provider>(name: &str, calls: u32) {
    let root = Root::generate("Bench root").expect("a root");
    let mut master = master::<P>(&root);
    let mut member = Bench::<P>::new("MEMBER-1", &root);
    assert_eq!(
        relay::run(&mut master, &mut member, 0, |_, _| {}).refused,
        None
    );
    member.unlock_user();
    let shared = master.epoch();
    let mut bare = Bare::<P>::new();
    let written = median(calls, || {
        let letterbox = letters::letterbox(&mut member).expect("a letterbox");
        measured(cpu, || drop(write(&mut master, shared, &letterbox)))()
    });
    // A key, a share, the secret of the letterbox; the letter is signed; letterbox and certificate are verified.
    let writing = median_cpu(calls, || {
        bare.make_ecdh();
        bare.agree();
        bare.encapsulate();
        bare.sign();
        bare.verify(1);
        bare.verify_certificates(1);
    });
    println!(
        "  {name:10}  written  {} ÷ {} = {:.2}",
        ms(written),
        ms(writing),
        ratio(written, writing)
    );
    let taken = median(calls, || {
        let letterbox = letters::letterbox(&mut member).expect("a letterbox");
        let letter = write(&mut master, shared, &letterbox);
        measured(cpu, || {
            drop(letters::take_epochs(&mut member, &letter).expect("taken"));
        })()
    });
    // Both secrets, from keys that are derived from what is stored; the Receipt is signed; letter and certificate are
    // verified; and the next letterbox is made, derived and tested.
    let taking = median_cpu(calls, || {
        bare.derive_letterbox();
        bare.agree();
        bare.decapsulate();
        bare.sign();
        bare.verify(1);
        bare.verify_certificates(1);
        bare.derive_letterbox();
        bare.agree();
        bare.encapsulate();
        bare.decapsulate();
    });
    println!(
        "  {name:10}  taken    {} ÷ {} = {:.2}",
        ms(taken),
        ms(taking),
        ratio(taken, taking)
    );
}
