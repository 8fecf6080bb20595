//! Files that are dropped on the window. Of a drop of several, each comes in an event of its own.

use super::{App, ui};
use crate::model::Intent;
use slint::{
    ComponentHandle as _, Timer,
    winit_030::{EventResult, WinitWindowAccessor as _, winit::event::WindowEvent},
};
use std::{cell::RefCell, path::PathBuf, rc::Rc, time::Duration};

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
                                app.act(Intent::AddFiles(dropped.take()));
                            }
                        });
                    }
                }
                _ => {}
            }
            EventResult::Propagate
        });
}

/// How long the files of one drop are gathered.
const GATHER: Duration = Duration::from_millis(50);
