//! Locks the app after a time without input.

use super::{
    App,
    ui::{Sheet, SheetKind, Shell},
};
use crate::model::Intent;
use slint::{ComponentHandle as _, TimerMode, winit_030::winit::event::WindowEvent};
use std::{rc::Rc, time::Duration};

/// Prepares the timer. It runs while the user wants the app to lock.
pub(super) fn connect(app: &Rc<App>) {
    let weak = Rc::downgrade(app);
    app.idle.start(TimerMode::Repeated, MINUTE, move || {
        if let Some(app) = weak.upgrade() {
            lock(&app);
        }
    });
    app.idle.stop();
}

/// Begins the time anew.
pub(super) fn note_input(app: &App) {
    let minutes = app.model().preferences.lock_after;
    if minutes == 0 {
        app.idle.stop();
    } else {
        app.idle.set_interval(MINUTE * u32::from(minutes));
        app.idle.restart();
    }
}

/// Returns whether the user does something.
pub(super) const fn is_input(event: &WindowEvent) -> bool {
    matches!(
        event,
        WindowEvent::KeyboardInput { .. }
            | WindowEvent::CursorMoved { .. }
            | WindowEvent::MouseInput { .. }
            | WindowEvent::MouseWheel { .. }
            | WindowEvent::Touch(_)
    )
}

fn lock(app: &App) {
    let window = app.window();
    window.global::<Sheet>().set_kind(SheetKind::None);
    window.global::<Shell>().set_display_open(false);
    app.act(Intent::Lock);
}

const MINUTE: Duration = Duration::from_mins(1);
