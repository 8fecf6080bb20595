//! Measures the stages of a long command: a table with processor time and elapsed time, in seconds.

use anyhow::{Context, Result};
use std::{
    fmt::Write as _,
    fs,
    time::{Duration, Instant},
};

/// The stages that have run so far.
#[derive(Default)]
pub(crate) struct Stages(Vec<Stage>);

struct Stage {
    name: &'static str,
    /// Processor time of all programs that were started and waited for, their own programs included.
    processor: Duration,
    wall: Duration,
    note: String,
}

impl Stages {
    /// Runs a stage. Its result is in its row of the table, even if a later stage fails.
    pub(crate) fn run(
        &mut self,
        name: &'static str,
        stage: impl FnOnce() -> Result<String>,
    ) -> Result<()> {
        let (processor, start) = (children()?, Instant::now());
        let outcome = stage();
        self.0.push(Stage {
            name,
            processor: children()?.saturating_sub(processor),
            wall: start.elapsed(),
            note: outcome
                .as_ref()
                .map_or_else(|_error| "failed".into(), Clone::clone),
        });
        outcome.map(drop)
    }

    /// Returns the table, with a last row that adds everything up.
    pub(crate) fn table(&self) -> String {
        let mut table = format!(
            "{:<28}{:>13}{:>13}\n",
            "stage", "processor s", "wall-clock s"
        );
        let mut total = (Duration::ZERO, Duration::ZERO);
        for stage in &self.0 {
            total = (total.0 + stage.processor, total.1 + stage.wall);
            table += &row(stage.name, stage.processor, stage.wall, &stage.note);
        }
        table + &row("all", total.0, total.1, "")
    }
}

fn row(name: &str, processor: Duration, wall: Duration, note: &str) -> String {
    let mut row = format!(
        "{name:<28}{:>13.0}{:>13.0}  {note}",
        processor.as_secs_f64(),
        wall.as_secs_f64()
    );
    row.truncate(row.trim_end().len());
    // Writing to a string cannot fail.
    writeln!(row).unwrap_or_default();
    row
}

/// Returns the processor time of all programs that have ended (proc(5): `cutime` and `cstime`).
fn children() -> Result<Duration> {
    let text = fs::read_to_string("/proc/self/stat").context("/proc/self/stat")?;
    parse(&text).context("/proc/self/stat has an unexpected format")
}

fn parse(stat: &str) -> Option<Duration> {
    // The name of the program, in parentheses, may hold spaces: fields are counted after it.
    let fields = stat.rsplit_once(')')?.1;
    let mut ticks = fields
        .split_whitespace()
        .skip(13)
        .map(|field| field.parse::<u64>().ok());
    let ticks = ticks.next()?? + ticks.next()??;
    // 100 ticks a second, on every Linux (USER_HZ).
    Some(Duration::from_millis(ticks * 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_counted_after_the_name_of_the_program() {
        let stat = "1 (a) b) S 1 1 1 0 -1 4194304 9 9 0 0 5 6 120 30 20 0 1 0 7 8 9";
        assert_eq!(parse(stat), Some(Duration::from_millis(1500)));
        assert_eq!(parse("1 (short) S 1"), None);
    }

    #[test]
    fn a_stage_that_fails_has_a_row_too() {
        let mut stages = Stages::default();
        stages.run("one", || Ok("7 tests".into())).unwrap();
        stages.run("two", || anyhow::bail!("no")).unwrap_err();
        let table = stages.table();
        let lines: Vec<_> = table.lines().collect();
        assert!(lines[1].starts_with("one ") && lines[1].ends_with("7 tests"));
        assert!(lines[2].starts_with("two ") && lines[2].ends_with("failed"));
        assert!(lines[3].starts_with("all "));
    }

    #[test]
    fn a_program_that_works_is_counted() {
        let before = children().unwrap();
        let busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        crate::run::output(&["sh", "-c", busy]).unwrap();
        assert!(children().unwrap() > before);
    }
}
