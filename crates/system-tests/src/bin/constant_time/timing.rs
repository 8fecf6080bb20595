//! Times: the same entry with the User's PIN and with the Self-Destruct one, on copies of one module, in random order; and
//! Welch's t-test between the two (dudect: Reparaz, Balasch and Verbauwhede 2017).

use crate::watched::{Fault, Watched, plant};
use hsm_core::{
    keypad::{Key, KeyEvent},
    leds::Pattern,
};
use hsm_factory::Root;
use hsm_testbench::{
    Bench, SELF_DESTRUCT_PIN, USER_PIN,
    board::{Flash, Recorded},
};
use hsm_virtual::aws_lc::AwsLc;
use std::{hint::black_box, time::Instant};

/// Measurements of each class.
const SAMPLES: usize = 4_000;

/// Above it, two distributions are told apart (dudect's own bound).
const LEAK: f64 = 10.0;

/// Measures and prints; whether the planted fault was found, and nothing else.
pub(crate) fn run() -> bool {
    let root = Root::generate("Test root").expect("random");
    let mut module = Bench::<Watched<AwsLc>>::new("VM0001", &root);
    module.set_all_pins();
    let chips = (module.flash.copy(), module.recorded.copy());

    let same = report("User against User", &chips, [USER_PIN, USER_PIN]);
    let pair = [USER_PIN, SELF_DESTRUCT_PIN];
    let real = report("User against Self-Destruct", &chips, pair);
    let wrong = report("User against a wrong PIN", &chips, [USER_PIN, "99999999"]);
    plant(Fault::Time);
    let planted = report("control: a fault of 20 iterations", &chips, pair);
    plant(Fault::None);
    println!("(a wrong PIN may be told apart: it shows. |t| of {wrong:.1} is no finding)");
    same < LEAK && real < LEAK && planted > LEAK
}

type Chips = (Flash, Recorded);

/// The greatest |t| over the crops.
fn report(name: &str, chips: &Chips, pins: [&str; 2]) -> f64 {
    let mut times = [const { Vec::new() }; 2];
    let mut coin = 0x9E37_79B9_7F4A_7C15_u64;
    // The first ones warm the processor.
    for number in 0..2 * SAMPLES + 200 {
        coin ^= coin << 13;
        coin ^= coin >> 7;
        coin ^= coin << 17;
        let class = usize::from(coin >> 32 & 1 == 1);
        let time = measure(chips, pins[class]);
        if number >= 200 {
            times[class].push(time);
        }
    }
    let mut pooled = times.concat();
    pooled.sort_by(f64::total_cmp);
    let mut greatest = 0.0_f64;
    print!("{name:34}");
    for percent in [25, 50, 75, 90] {
        let bound = pooled[(pooled.len() - 1) * percent / 100];
        let [a, b] = times.each_ref().map(|times| Moments::below(times, bound));
        let t = a.welch(&b);
        let difference = (b.mean - a.mean) / 1_000.0;
        print!("  {percent}%: t = {t:6.2}, {difference:+.3} µs");
        greatest = greatest.max(t.abs());
    }
    println!("  (median {:.0} µs)", pooled[pooled.len() / 2] / 1_000.0);
    greatest
}

/// Nanoseconds from the key that completes an entry to what the LEDs show then.
fn measure((flash, recorded): &Chips, pin: &str) -> f64 {
    let mut module = Bench::<Watched<AwsLc>>::over("VM0001", flash.copy(), recorded.copy());
    module.press(&format!("SHIFT+KEY {pin}"));
    let now = module.now;
    let door = module.module();
    door.key(KeyEvent::Down(Key::Key), now);
    let start = Instant::now();
    door.key(KeyEvent::Up(Key::Key), now);
    let leds = black_box(door.leds());
    let time = start.elapsed();
    assert!([Pattern::Unlocked, Pattern::Refused].contains(&leds));
    time.as_secs_f64() * 1e9
}

struct Moments {
    count: f64,
    mean: f64,
    variance: f64,
}

impl Moments {
    /// Of those that are not above a bound: what an interrupt fell into says nothing.
    fn below(times: &[f64], bound: f64) -> Self {
        let kept: Vec<f64> = times
            .iter()
            .copied()
            .filter(|time| *time <= bound)
            .collect();
        let count = f64::from(u32::try_from(kept.len()).expect("few"));
        let mean = kept.iter().sum::<f64>() / count;
        let squares = kept.iter().map(|time| (time - mean).powi(2)).sum::<f64>();
        Self {
            count,
            mean,
            variance: squares / (count - 1.0),
        }
    }

    fn welch(&self, other: &Self) -> f64 {
        if self.count.min(other.count) < 2.0 {
            // A crop that leaves nothing of one class tells them apart.
            return f64::INFINITY;
        }
        let error = self.variance / self.count + other.variance / other.count;
        (self.mean - other.mean) / error.sqrt()
    }
}
