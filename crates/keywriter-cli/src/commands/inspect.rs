//! `keywriter inspect`: the header of an encrypted file. It needs no module.

use super::{
    mode_name,
    share::{self, Ends},
};
use crate::{args::Args, failure::Failure, output};
use keywriter::share::inspect;
use serde::Serialize;
use std::path::Path;

pub(crate) fn run(args: &Args, file: &Path) -> Result<(), Failure> {
    let job = Ends {
        input: (file != Path::new("-")).then(|| file.to_owned()),
        output: None,
    };
    let (mut input, _) = share::open_input(&job)?;
    let inspection = inspect(&mut input).map_err(|source| share::of(&job, source))?;
    let header = inspection.header;
    let line = InspectedLine {
        event: "inspected",
        file: job.name(),
        version: 1,
        group: super::hex(&header.group),
        epoch: header.epoch,
        mode: mode_name(header.mode),
        salt: super::hex(&header.salt),
        chunk_size: header.chunk_size,
        chunks: inspection.chunks,
        bytes: inspection.plain,
        size: inspection.size,
        verified: false,
    };
    if args.json {
        return output::json(&line);
    }
    output::line(&format!(
        "group   {}\nepoch   {}\nmode    {}\nsalt    {}\nplain   {} bytes\nfile    {} bytes in {} chunks of {}",
        line.group,
        line.epoch,
        line.mode,
        line.salt,
        line.bytes,
        line.size,
        line.chunks,
        line.chunk_size
    ))?;
    output::line("not verified: only a module of its group can tell whether it was changed")
}

#[derive(Serialize)]
struct InspectedLine {
    event: &'static str,
    file: String,
    version: u8,
    group: String,
    epoch: u32,
    mode: &'static str,
    salt: String,
    chunk_size: u32,
    chunks: u64,
    bytes: u64,
    size: u64,
    verified: bool,
}
