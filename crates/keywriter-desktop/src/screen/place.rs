//! Where the window is, from one launch to the next, and whether it is in front.

use super::ui::AppWindow;
use crate::model::WindowPlace;
use slint::{
    ComponentHandle as _, PhysicalPosition, PhysicalSize,
    winit_030::{
        WinitWindowAccessor as _,
        winit::window::{UserAttentionType, Window},
    },
};

/// Puts the window where it was.
pub(super) fn put(window: &AppWindow, place: WindowPlace) {
    let WindowPlace {
        x,
        y,
        width,
        height,
    } = place;
    let window = window.window();
    let [width, height] = [width, height].map(|length| length.clamp(MIN_LENGTH, MAX_LENGTH));
    window.set_size(PhysicalSize::new(width, height));
    // One that is on no screen any more is put where the system likes.
    if [x, y].iter().all(|at| (0..MAX_PLACE).contains(at)) {
        window.set_position(PhysicalPosition::new(x, y));
    }
}

/// Returns where the window is.
pub(super) fn of(window: &AppWindow) -> WindowPlace {
    let (size, at) = (window.window().size(), window.window().position());
    WindowPlace {
        x: at.x,
        y: at.y,
        width: size.width,
        height: size.height,
    }
}

/// Returns whether the window has the keyboard; `false` before it is shown.
pub(super) fn is_in_front(window: &AppWindow) -> bool {
    let window = window.window();
    window.with_winit_window(Window::has_focus).unwrap_or(false)
}

/// Brings the window to the front. A system that keeps a program from doing that marks it instead.
pub(super) fn bring_forward(window: &AppWindow) {
    let window = window.window();
    window.set_minimized(false);
    window.with_winit_window(|window| {
        window.focus_window();
        if !window.has_focus() {
            window.request_user_attention(Some(UserAttentionType::Informational));
        }
    });
}

/// What a window can measure.
const MIN_LENGTH: u32 = 400;
const MAX_LENGTH: u32 = 16_000;

/// What is further away is on no screen.
const MAX_PLACE: i32 = 16_000;
