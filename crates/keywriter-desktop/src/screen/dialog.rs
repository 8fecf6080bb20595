//! The system's dialogs for files: on Linux those of the desktop portal. Where none answers, paths are typed into a sheet.

use super::{
    App, file,
    ui::{Sheet, SheetKind},
};
use crate::model::Intent;
use rfd::{AsyncFileDialog, FileHandle};
use slint::ComponentHandle as _;
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    rc::Rc,
};

/// Asks for the file or files that something needs, and does it.
pub(super) fn open(app: &Rc<App>, kind: SheetKind) {
    let suggested = file::suggest(kind, &app.info.home);
    let dialog = dialog(app, kind, &suggested);
    let weak = Rc::downgrade(app);
    let asked = slint::spawn_local({
        let suggested = suggested.clone();
        async move {
            if is_available().await {
                let chosen = ask(dialog, kind).await;
                if let Some(app) = weak.upgrade() {
                    take(&app, kind, chosen);
                }
            } else if let Some(app) = weak.upgrade() {
                open_sheet(&app, kind, &suggested);
            }
        }
    });
    // There is no event loop.
    if asked.is_err() {
        open_sheet(app, kind, &suggested);
    }
}

/// Does what the files were chosen for, unless the user has to be asked about one of them.
fn take(app: &Rc<App>, kind: SheetKind, chosen: Vec<PathBuf>) {
    match &chosen[..] {
        // The dialog has asked about this file only.
        [path] if file::replaces_more(kind, path) => open_sheet(app, kind, path),
        _ => finish(app, kind, chosen),
    }
}

/// Does what the files were chosen for. None: the user canceled.
pub(super) fn finish(app: &Rc<App>, kind: SheetKind, chosen: Vec<PathBuf>) {
    let Some(intent) = intent(kind, chosen) else {
        return;
    };
    app.act(intent);
    if kind == SheetKind::Requests {
        open(app, SheetKind::Letters);
    }
}

fn intent(kind: SheetKind, chosen: Vec<PathBuf>) -> Option<Intent> {
    let path = chosen.last()?.clone();
    Some(match kind {
        SheetKind::None => return None,
        SheetKind::Export => Intent::ExportSettings(path),
        SheetKind::Import => Intent::ImportSettings(path),
        SheetKind::Report => Intent::SaveReport(path),
        SheetKind::PastReport => Intent::SavePastReport(path),
        SheetKind::Files | SheetKind::Folder => Intent::AddFiles(chosen),
        SheetKind::Output => Intent::SetOutput(Some(path)),
        SheetKind::Request => Intent::RequestLetter(path),
        SheetKind::Take => Intent::TakeLetters(path),
        SheetKind::Requests => Intent::ChooseRequests(chosen),
        SheetKind::Letters => Intent::WriteLetters(path),
        SheetKind::Replies => Intent::CloseLetters(chosen),
        SheetKind::Rekey => Intent::Rekey(path),
        SheetKind::Ticket => Intent::SaveTicket(path),
        SheetKind::Tickets => Intent::OpenTicket(chosen),
    })
}

fn open_sheet(app: &App, kind: SheetKind, path: &Path) {
    let sheet = app.window().global::<Sheet>();
    // One that is not text is left to be typed.
    sheet.set_path(path.to_str().unwrap_or_default().into());
    sheet.set_file(file::look(kind, path));
    sheet.set_last(kind);
    sheet.set_kind(kind);
}

fn dialog(app: &App, kind: SheetKind, suggested: &Path) -> AsyncFileDialog {
    let window = app.window();
    let title = window.global::<Sheet>().invoke_title(kind);
    let folder = suggested.parent().unwrap_or(suggested);
    let dialog = AsyncFileDialog::new()
        .set_title(title)
        .set_directory(folder)
        .set_parent(&window.window().window_handle());
    match kind {
        _ if file::is_written(kind) => {
            let name = suggested.file_name().and_then(OsStr::to_str);
            dialog.set_file_name(name.unwrap_or_default())
        }
        _ => dialog,
    }
}

async fn ask(dialog: AsyncFileDialog, kind: SheetKind) -> Vec<PathBuf> {
    let paths = |files: Vec<FileHandle>| files.iter().map(|file| file.path().to_owned()).collect();
    match kind {
        SheetKind::Files | SheetKind::Requests | SheetKind::Replies | SheetKind::Tickets => {
            dialog.pick_files().await.map(paths)
        }
        SheetKind::Folder => dialog.pick_folders().await.map(paths),
        SheetKind::Output => dialog.pick_folder().await.map(|folder| paths(vec![folder])),
        SheetKind::Import | SheetKind::Take => {
            dialog.pick_file().await.map(|file| paths(vec![file]))
        }
        _ => dialog.save_file().await.map(|file| paths(vec![file])),
    }
    .unwrap_or_default()
}

/// Returns whether a desktop portal answers that has dialogs for files.
#[cfg(target_os = "linux")]
async fn is_available() -> bool {
    use zbus::{conn::Builder, proxy::Builder as ProxyBuilder};
    let version = async {
        let bus = Builder::session()?.method_timeout(PATIENCE).build().await?;
        let chooser: zbus::Proxy<'_> = ProxyBuilder::new(&bus)
            .destination("org.freedesktop.portal.Desktop")?
            .path("/org/freedesktop/portal/desktop")?
            .interface("org.freedesktop.portal.FileChooser")?
            .cache_properties(zbus::proxy::CacheProperties::No)
            .build()
            .await?;
        chooser.get_property::<u32>("version").await
    };
    match version.await {
        Ok(_) => true,
        Err(error) => {
            tracing::info!(%error, "no desktop portal: paths are typed");
            false
        }
    }
}

/// How long a portal may take to answer: the bus may have to start it.
#[cfg(target_os = "linux")]
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

#[cfg(not(target_os = "linux"))]
async fn is_available() -> bool {
    true
}
