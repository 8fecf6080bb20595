//! Files and folders that the user names: suggested paths, and what exists there.

use super::ui::{FileState, SheetKind};
use std::path::{Path, PathBuf};

/// The settings' usual name.
const SETTINGS: &str = "keywriter-settings.json";
/// A report's usual name.
const REPORT: &str = "keywriter-report";
/// The usual names of what is mailed.
const REQUEST: &str = "keywriter-request.pem";
const LETTERS: &str = "keywriter-letters.pem";
const TICKET: &str = "keywriter-ticket.pem";

/// Suggests a path. For a report, the name of a file that does not exist yet.
pub(super) fn suggest(kind: SheetKind, home: &Path) -> PathBuf {
    match kind {
        // What is in it is typed after it.
        SheetKind::Files
        | SheetKind::Folder
        | SheetKind::Output
        | SheetKind::Take
        | SheetKind::Requests
        | SheetKind::Replies
        | SheetKind::Tickets => home.join(""),
        SheetKind::Ticket => home.join(TICKET),
        SheetKind::Request => home.join(REQUEST),
        SheetKind::Letters | SheetKind::Rekey => home.join(LETTERS),
        SheetKind::None | SheetKind::Export | SheetKind::Import => home.join(SETTINGS),
        SheetKind::Report | SheetKind::PastReport => {
            let numbered = (2..).map(|number| home.join(format!("{REPORT}-{number}.json")));
            std::iter::once(home.join(format!("{REPORT}.json")))
                .chain(numbered)
                .find(|path| look(kind, path) != FileState::Exists)
                .unwrap_or_default()
        }
    }
}

/// Resolves the path that was typed: `~` is the home folder, and relative paths start there.
pub(super) fn resolve(typed: &str, home: &Path) -> PathBuf {
    let typed = typed.trim();
    home.join(
        typed
            .strip_prefix("~/")
            .or_else(|| typed.strip_prefix("~\\"))
            .unwrap_or(typed),
    )
}

/// Returns what exists at a path.
pub(super) fn look(kind: SheetKind, path: &Path) -> FileState {
    let is_there = match kind {
        SheetKind::Files | SheetKind::Folder => Some(path.exists()),
        SheetKind::Output => Some(path.is_dir()),
        _ => None,
    };
    if let Some(is_there) = is_there {
        if is_there {
            FileState::Exists
        } else {
            FileState::Missing
        }
    } else if path.is_dir() || path.file_name().is_none() {
        FileState::Unusable
    } else if path.exists() || replaces_more(kind, path) {
        FileState::Exists
    } else if !is_written(kind) {
        FileState::Missing
    } else if path.parent().is_some_and(Path::is_dir) {
        FileState::New
    } else {
        FileState::Unusable
    }
}

/// Returns whether a file is written that the user names.
pub(super) const fn is_written(kind: SheetKind) -> bool {
    matches!(
        kind,
        SheetKind::Export
            | SheetKind::Report
            | SheetKind::PastReport
            | SheetKind::Request
            | SheetKind::Letters
            | SheetKind::Rekey
            | SheetKind::Ticket
    )
}

/// Returns whether more would be replaced than the file that was named: a report is two, whatever its extension.
pub(super) fn replaces_more(kind: SheetKind, path: &Path) -> bool {
    let both = ["json", "html"].map(|ending| path.with_extension(ending));
    let is_report = matches!(kind, SheetKind::Report | SheetKind::PastReport);
    is_report && both.iter().any(|file| file != path && file.exists())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_suggested_report_never_replaces_one() {
        let home = tempfile::tempdir().unwrap();
        let first = suggest(SheetKind::Report, home.path());
        assert_eq!(first, home.path().join("keywriter-report.json"));
        fs::write(first, "").unwrap();
        fs::write(home.path().join("keywriter-report-2.html"), "").unwrap();
        let third = suggest(SheetKind::Report, home.path());
        assert_eq!(third, home.path().join("keywriter-report-3.json"));
    }

    #[test]
    fn what_is_replaced_with_a_report_is_not_only_what_was_named() {
        let home = tempfile::tempdir().unwrap();
        let [data, page] = ["r.json", "r.html"].map(|name| home.path().join(name));
        fs::write(&data, "").unwrap();
        assert!(
            !replaces_more(SheetKind::Report, &data),
            "the one that was named"
        );
        assert!(replaces_more(SheetKind::Report, &page));
        fs::write(&page, "").unwrap();
        assert!(replaces_more(SheetKind::Report, &data), "its page, too");
        assert!(!replaces_more(SheetKind::Export, &data));
    }

    #[test]
    fn a_bare_name_goes_home_and_so_does_a_tilde() {
        let home = Path::new("/home/someone");
        assert_eq!(resolve("a.json", home), home.join("a.json"));
        assert_eq!(resolve(" ~/b/a.json", home), home.join("b/a.json"));
        assert_eq!(resolve("/tmp/a.json", home), Path::new("/tmp/a.json"));
    }

    #[test]
    fn a_file_differs_from_a_folder_and_from_nothing() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("a.json");
        assert_eq!(look(SheetKind::Import, &file), FileState::Missing);
        assert_eq!(look(SheetKind::Export, &file), FileState::New);
        fs::write(&file, "").unwrap();
        assert_eq!(look(SheetKind::Export, &file), FileState::Exists);
        assert_eq!(look(SheetKind::Export, home.path()), FileState::Unusable);
        assert_eq!(look(SheetKind::Files, home.path()), FileState::Exists);
        assert_eq!(look(SheetKind::Output, home.path()), FileState::Exists);
        assert_eq!(look(SheetKind::Output, &file), FileState::Missing);
        assert_eq!(
            look(SheetKind::Export, &home.path().join("no/a.json")),
            FileState::Unusable
        );
    }
}
