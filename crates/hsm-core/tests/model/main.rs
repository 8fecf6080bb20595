//! Random hands, hosts, clocks and power cuts over a plain reference model: module and model never differ.
//!
//! `KEYWRITER_STEPS` is how many deeds are done (50,000; 1,000,000 and more in the long profile), `KEYWRITER_SEED` where they
//! start, `KEYWRITER_CASE` the one case to run. A failing case is cut down to the deeds that it needs, and these are shown.
//! `cargo test -p hsm-core --test model -- --nocapture` prints the figures.

#![expect(clippy::expect_used, reason = "a test may panic")]

mod answer;
mod anything;
mod command;
mod deed;
mod device;
mod disk;
mod entries;
mod files;
mod generate;
mod hand;
mod host;
mod leds;
mod message;
mod pins;
mod power;
mod random;
mod scenarios;
mod shared;
mod shrink;
mod team;
mod wire;
mod world;

use deed::Deed;
use generate::Generator;
use hsm_core::leds::Pattern;
use std::{env, thread, time::Instant};
use world::{MODULES, Totals, World};

#[test]
fn module_and_model_never_differ() {
    let start = Instant::now();
    let seed = setting("KEYWRITER_SEED").unwrap_or(1);
    if let Some(number) = setting("KEYWRITER_CASE") {
        run(seed, number);
        return;
    }
    let steps = setting("KEYWRITER_STEPS").unwrap_or(50_000);
    let workers = thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let totals = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers)
            .map(|worker| scope.spawn(move || work(seed, worker, workers, steps)))
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("no case differs"))
            .fold(Totals::default(), Totals::plus)
    });
    for pattern in Pattern::ALL {
        let is_seen = totals.seen.contains_key(pattern.name());
        assert!(is_seen || steps < 50_000, "{pattern:?} was never shown");
    }
    println!("seed {seed}, {:.1?}: {totals:#?}", start.elapsed());
}

/// Every so-many-th case, until the steps are done.
fn work(seed: u64, first: u64, every: u64, steps: u64) -> Totals {
    let mut totals = Totals::default();
    let mut number = first;
    while totals.steps * every < steps {
        totals = totals.plus(run(seed, number));
        number += every;
    }
    totals
}

/// One case. Where module and model differ, it shows how, and panics.
fn run(seed: u64, number: u64) -> Totals {
    let mut deeds = Vec::new();
    match case(seed, number, &mut deeds) {
        Ok(totals) => totals,
        Err(error) => {
            let count = deeds.len();
            let (deeds, error) = shrink::shrink(deeds, error);
            let list: Vec<String> = deeds.iter().map(|deed| format!("  {deed}")).collect();
            let list = list.join("\n");
            panic!(
                "KEYWRITER_SEED={seed} KEYWRITER_CASE={number} differs after {count} deeds, of which these are enough:\n{list}\n{error}"
            );
        }
    }
}

fn case(seed: u64, number: u64, deeds: &mut Vec<Deed>) -> Result<Totals, String> {
    let mut world = World::new();
    let mut generator = Generator::new(seed.wrapping_mul(1_000_003).wrapping_add(number));
    for _ in 0..CASE {
        let deed = generator.next(&world);
        deeds.push(deed.clone());
        world.act(&deed)?;
    }
    for module in 0..MODULES {
        for deed in Generator::closing(&world, module) {
            deeds.push(deed.clone());
            world.act(&deed)?;
        }
    }
    world.assert_nothing_leaked(number.is_multiple_of(16))?;
    Ok(world.totals)
}

/// The provider of these tests: the fast one.
type Crypto = hsm_virtual::aws_lc::AwsLc;

/// Deeds in a case.
const CASE: usize = 400;

fn setting(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}
