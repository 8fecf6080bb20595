//! Why a program with a window ends, in a dialog: without a console nobody reads standard error.

use std::panic::{self, PanicHookInfo};

/// Shows a text.
pub(crate) fn show(text: &str) {
    rfd::MessageDialog::new()
        .set_level(rfd::MessageLevel::Error)
        .set_title("KeyWriter")
        .set_description(text)
        .show();
}

/// Shows what a panic says, and what to do where that is known.
pub(crate) fn show_panics() {
    let to_stderr = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        to_stderr(panic);
        show(&text_of(panic));
    }));
}

fn text_of(panic: &PanicHookInfo<'_>) -> String {
    // docs/UPSTREAM.md
    let is_of_display = panic
        .location()
        .is_some_and(|location| location.file().ends_with("frame_throttle.rs"));
    if is_of_display {
        "Windows reports no refresh rate for this display (0 Hz), and the window cannot be drawn without one. Set a rate \
         in Settings, System, Display, Advanced display."
            .to_owned()
    } else {
        format!("KeyWriter ended because of a fault of its own. Please report this:\n\n{panic}")
    }
}
