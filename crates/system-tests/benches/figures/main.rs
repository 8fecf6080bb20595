//! The figures: ratios of what was measured in one run. `cargo xtask bench` runs them all.

#![expect(clippy::expect_used, reason = "a benchmark that fails has no figures")]

mod clone;
mod hub;
mod letters;
mod softhsm;
mod timing;

fn main() {
    // `cargo test --benches` asks for nothing but a build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let clone = clone::run();
    softhsm::run(clone);
    letters::run();
    hub::run();
}
