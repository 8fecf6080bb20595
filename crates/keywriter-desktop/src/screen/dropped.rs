//! Files that are dropped on the window. Of a drop of several, each comes in an event of its own.

use super::{
    App, dialog, idle,
    ui::{self, SheetKind},
};
use crate::model::{Intent, Page};
use keywriter::{letter::post::Post, teamwork::Mail};
use slint::{
    ComponentHandle as _, Timer,
    winit_030::{EventResult, WinitWindowAccessor as _, winit::event::WindowEvent},
};
use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    rc::Rc,
    time::Duration,
};

/// Takes what is dropped, where the system says what that is: X11, Windows, macOS. On Wayland it says nothing.
pub(super) fn connect(app: &Rc<App>) {
    let weak = Rc::downgrade(app);
    let dropped = Rc::<RefCell<Vec<PathBuf>>>::default();
    app.window()
        .window()
        .on_winit_window_event(move |_, event| {
            let Some(app) = weak.upgrade() else {
                return EventResult::Propagate;
            };
            if idle::is_input(event) {
                idle::note_input(&app);
            }
            let files = app.window().global::<ui::Files>();
            match event {
                WindowEvent::HoveredFile(_) => files.set_is_hovered(true),
                WindowEvent::HoveredFileCancelled => files.set_is_hovered(false),
                WindowEvent::DroppedFile(path) => {
                    files.set_is_hovered(false);
                    // Under a question, the window takes nothing but its answer.
                    if app.window().global::<ui::Shell>().get_is_sheet_open() {
                        return EventResult::Propagate;
                    }
                    let is_first = dropped.borrow().is_empty();
                    dropped.borrow_mut().push(path.clone());
                    if is_first {
                        let (weak, dropped) = (weak.clone(), Rc::clone(&dropped));
                        Timer::single_shot(GATHER, move || {
                            if let Some(app) = weak.upgrade() {
                                take(&app, dropped.take());
                            }
                        });
                    }
                }
                _ => {}
            }
            EventResult::Propagate
        });
}

/// Takes letters, requests and replies to the page of the team, and all other files to be encrypted or decrypted.
fn take(app: &Rc<App>, dropped: Vec<PathBuf>) {
    let (mut letters, mut requests, mut replies) = (None, vec![], vec![]);
    let (mut tickets, mut others) = (vec![], vec![]);
    for file in dropped {
        match mail(&file) {
            Some(Mail::Letters) => letters = Some(file),
            Some(Mail::Request) => requests.push(file),
            Some(Mail::Reply) => replies.push(file),
            Some(Mail::Ticket) => tickets.push(file),
            None => others.push(file),
        }
    }
    app.act(Intent::AddFiles(others));
    let mails = [
        (SheetKind::Take, letters.into_iter().collect()),
        (SheetKind::Replies, replies),
        (SheetKind::Requests, requests),
        (SheetKind::Tickets, tickets),
    ];
    for (kind, files) in mails {
        if !files.is_empty() {
            app.act(Intent::OpenPage(Page::Team));
            dialog::finish(app, kind, files);
        }
    }
}

/// Returns what a file holds, if it came by mail.
fn mail(file: &Path) -> Option<Mail> {
    let is_text = file.extension().is_some_and(|ending| ending == "pem");
    let post = is_text.then(|| Post::load(file).ok()).flatten()?;
    Some(if !post.letters.is_empty() {
        Mail::Letters
    } else if !post.receipts.is_empty() {
        Mail::Reply
    } else if post.letterboxes.is_empty() && !post.tickets.is_empty() {
        Mail::Ticket
    } else {
        Mail::Request
    })
}

/// How long the files of one drop are gathered.
const GATHER: Duration = Duration::from_millis(50);
