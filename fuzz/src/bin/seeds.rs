//! Writes every target's seeds: `seeds VECTORS CORPUS`.

use std::{collections::HashMap, env, fs, io, path::PathBuf};

// The counters that everything here is built with end in its runtime.
use libfuzzer_sys as _;

fn main() -> io::Result<()> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let (Some(vectors), Some(corpus)) = (arguments.next(), arguments.next()) else {
        return Err(io::Error::other("usage: seeds VECTORS CORPUS"));
    };
    let mut counts = HashMap::new();
    for (target, seed) in fuzz::seeds::all(&vectors)? {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder)?;
        let count = counts.entry(target).or_insert(0_u32);
        fs::write(folder.join(format!("seed-{count}")), seed)?;
        *count += 1;
    }
    Ok(())
}
