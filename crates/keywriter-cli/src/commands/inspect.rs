//! `keywriter inspect`: the header of an encrypted file. It needs no module.

use super::{
    file_mode_name,
    share::{self, Ends},
};
use crate::{
    args::Args,
    failure::Failure,
    output::{self, Event},
    table,
};
use keywriter::{share::inspect, text::counted};
use std::path::Path;

pub(crate) fn run(args: &Args, file: &Path) -> Result<(), Failure> {
    let job = Ends {
        input: (file != Path::new("-")).then(|| file.to_owned()),
        output: None,
    };
    let mut input = share::open_input(&job)?;
    let inspection = inspect(&mut input).map_err(|source| share::of_input(&job, &input, source))?;
    let header = inspection.header;
    let salt = super::hex(&header.salt);
    let mode = file_mode_name(header.mode);
    if args.json {
        return Event::new("inspected")
            .path("file", job.input())
            .with("version", 1)
            .with("mode", mode)
            .with("salt", salt)
            .with("chunk_size", header.chunk_size)
            .with("chunks", inspection.chunks)
            .with("bytes", inspection.plain)
            .with("size", inspection.size)
            .with("verified", false)
            .print();
    }
    let text = table::pairs([
        ("mode", mode.to_owned()),
        ("salt", salt),
        ("plain", counted(inspection.plain, "byte", "bytes")),
        (
            "file",
            format!(
                "{}, {} of {}",
                counted(inspection.size, "byte", "bytes"),
                counted(inspection.chunks, "chunk", "chunks"),
                header.chunk_size
            ),
        ),
    ]);
    output::line(text.trim_end())?;
    output::line(
        "not verified: only a module of its team can tell whose it is, and whether it was changed",
    )
}
