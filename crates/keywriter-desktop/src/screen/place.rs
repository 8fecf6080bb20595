//! Where the window is, from one launch to the next.

use super::ui::AppWindow;
use crate::model::WindowPlace;
use slint::{ComponentHandle as _, PhysicalPosition, PhysicalSize};

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

/// What a window can measure.
const MIN_LENGTH: u32 = 400;
const MAX_LENGTH: u32 = 16_000;

/// What is further away is on no screen.
const MAX_PLACE: i32 = 16_000;
