//! Medians of batches, in processor time and in wall time.

use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

/// Processor time of this process so far.
pub(crate) fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.try_into().expect("positive"),
        time.tv_nsec.try_into().expect("small"),
    )
}

/// The median processor time of one call, over batches.
pub(crate) fn median_cpu(calls: u32, work: impl FnMut()) -> Duration {
    median(calls, measured(cpu, work))
}

/// The median wall time of one call, over batches.
pub(crate) fn median_wall(calls: u32, work: impl FnMut()) -> Duration {
    let start = Instant::now();
    median(calls, measured(move || start.elapsed(), work))
}

/// The median over batches of what `work` says it took.
pub(crate) fn median(calls: u32, mut work: impl FnMut() -> Duration) -> Duration {
    let mut batches: Vec<Duration> = (0..BATCHES)
        .map(|_| (0..calls).map(|_| work()).sum::<Duration>() / calls)
        .collect();
    batches.sort();
    batches[BATCHES / 2]
}

/// What `work` takes by `clock`.
pub(crate) fn measured(
    clock: impl Fn() -> Duration,
    mut work: impl FnMut(),
) -> impl FnMut() -> Duration {
    move || {
        let began = clock();
        work();
        clock().saturating_sub(began)
    }
}

const BATCHES: usize = 15;

/// `a ÷ b`.
pub(crate) fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

/// Milliseconds with three digits behind the point.
pub(crate) fn ms(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1e3)
}
