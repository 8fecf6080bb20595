//! Tells by the desktop that work has ended, while the window is not in front.

use super::{App, mirror, place, ui};
use crate::model::{CycleEvent, Event, FilesEvent, Problem};
use slint::{ComponentHandle as _, SharedString};

/// The end of work that nobody has to wait for in front of the window.
pub(super) enum End {
    Cycle,
    Files,
    Failed(Problem),
}

impl End {
    /// Returns the end that an event reports, if it does.
    pub(super) fn of(event: &Event) -> Option<Self> {
        match event {
            Event::Cycle(CycleEvent::Ended(Ok(_))) => Some(Self::Cycle),
            Event::Cycle(CycleEvent::Ended(Err(problem))) => Some(Self::Failed(problem.clone())),
            Event::Files(FilesEvent::Ended(_)) => Some(Self::Files),
            _ => None,
        }
    }

    /// Tells it, in the words of the page.
    pub(super) fn tell(&self, app: &App) {
        if place::is_in_front(app.window()) {
            return;
        }
        let text = self.text(app.window());
        let told = slint::spawn_local(async move { send(&text).await });
        if let Err(error) = told {
            tracing::debug!(%error, "no notification");
        }
    }

    fn text(&self, window: &ui::AppWindow) -> SharedString {
        match self {
            Self::Cycle => window.global::<ui::Secondaries>().invoke_bar_text(),
            Self::Files => window.global::<ui::Files>().invoke_bar_text(),
            Self::Failed(problem) => {
                let problems = window.global::<ui::Problems>();
                problems.invoke_sentence(mirror::problem(Some(problem)))
            }
        }
    }
}

#[cfg(target_os = "linux")]
async fn send(text: &str) {
    use notify_rust::{Hint, Notification};
    let sent = Notification::new()
        .appname("KeyWriter")
        .summary("KeyWriter")
        .body(text)
        .icon("keywriter")
        .hint(Hint::DesktopEntry("keywriter".to_owned()))
        .show_async()
        .await;
    // Not every desktop has notifications.
    if let Err(error) = sent {
        tracing::info!(%error, "no notification");
    }
}

#[cfg(not(target_os = "linux"))]
async fn send(_text: &str) {}
