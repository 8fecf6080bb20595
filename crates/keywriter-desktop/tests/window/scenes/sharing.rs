//! What is done with files.

use super::{connected, enter, name};
use keywriter_desktop::{
    model::{Event, FilesEvent, FilesOutcome, Intent, Page, Problem, Reason, SharedFile},
    screen::App,
};
use std::path::Path;

pub(super) const CHOSEN: [&str; 3] = ["Contract.pdf", "Budget 2027.ods", "Projects/Bridge"];

pub(super) const RECIPIENT: &str = "age1keywriter1qyqsqqgzqvzq2ps8pqys5zcvp58q7yq3zgf3g9gkzuvpjxsmrsw3u8eqyy3zxfp9ycnjs2f29vkz6t30xqcny\
    ve5x5mrwwpexjqmml0uqe";

/// The page for files, with those and an unlocked device.
pub(super) fn open_files(app: &App, names: &[&str]) {
    enter(app, Some(&name(0)));
    app.hear(connected(2));
    app.act(Intent::OpenPage(Page::Files));
    let paths = names.iter().map(|name| Path::new("/home/ada").join(name));
    app.act(Intent::AddFiles(paths.collect()));
}

pub(super) fn share(app: &App) {
    open_files(app, &CHOSEN);
    app.act(Intent::StartFiles);
}

pub(crate) fn files(app: &App, event: FilesEvent) {
    app.hear(Event::Files(event));
}

pub(super) fn encrypted() -> FilesOutcome {
    let names = [
        "Contract.pdf",
        "Budget 2027.ods",
        "Projects/Bridge/plans/site-2026.dwg",
        "Projects/Bridge/Minutes.odt",
    ];
    let done = names.map(|name| SharedFile {
        input: format!("/home/ada/{name}").into(),
        output: format!("/home/ada/{name}.kw").into(),
    });
    FilesOutcome {
        done: done.into(),
        ..FilesOutcome::default()
    }
}

pub(crate) fn some_failed() -> FilesOutcome {
    let because = |reason| Problem::new(reason);
    FilesOutcome {
        failed: vec![
            (
                "/home/ada/Projects/Bridge/private.key".into(),
                because(Reason::CannotRead).with_detail("Permission denied (os error 13)"),
            ),
            (
                "/home/ada/Projects/Bridge/measured.csv".into(),
                because(Reason::InputChanged),
            ),
        ],
        left_out: vec!["/home/ada/Projects/Bridge/site.ifc".into()],
        shows_blocks: true,
        ..encrypted()
    }
}
