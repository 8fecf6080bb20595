//! Writes the seeds of every target, `seeds VECTORS CORPUS`, and prints the names of the targets.

use std::{collections::HashMap, env, fs, io, path::PathBuf};

// The counters that everything here is built with end in its runtime.
use libfuzzer_sys as _;

fn main() -> io::Result<()> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let (Some(vectors), Some(corpus)) = (arguments.next(), arguments.next()) else {
        return Err(io::Error::other("usage: seeds VECTORS CORPUS"));
    };
    for (target, _) in fuzz::TARGETS {
        fs::create_dir_all(corpus.join(target))?;
        println!("{target}");
    }
    let mut counts = HashMap::new();
    for (target, seed) in fuzz::seeds::all(&vectors)? {
        let count = counts.entry(target).or_insert(0_u32);
        fs::write(corpus.join(target).join(format!("seed-{count}")), seed)?;
        *count += 1;
    }
    Ok(())
}
