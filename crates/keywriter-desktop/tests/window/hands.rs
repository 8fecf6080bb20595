//! Stands in for a user: reads labels, uses mouse and keyboard.

use i_slint_backend_testing::{
    AccessibleRole, ElementHandle, ElementQuery, init_no_event_loop, mock_elapsed_time,
};
use keywriter_desktop::screen::App;
use slint::{
    ComponentHandle as _, LogicalSize, SharedString,
    platform::{Key, WindowEvent},
};
use std::{collections::BTreeSet, rc::Rc, time::Duration};

use super::scenes::{self, Commands};

/// Opens an app in a focused window, tall enough that nothing is scrolled out of view and so counts as invisible.
pub(crate) fn open() -> (Rc<App>, Commands) {
    open_at("/home/ada".into())
}

pub(crate) fn open_at(home: std::path::PathBuf) -> (Rc<App>, Commands) {
    init_no_event_loop();
    let (app, commands) = scenes::app(home);
    let window = app.window().window();
    window.set_size(LogicalSize::new(1180.0, 2400.0));
    app.window().show().unwrap();
    window.dispatch_event(WindowEvent::WindowActiveChanged(true));
    (app, commands)
}

/// Finds the one element with that label. If a tab and the button on its page share it, the button.
pub(crate) fn find(app: &App, label: &str) -> ElementHandle {
    let mut found: Vec<_> = ElementHandle::find_by_accessible_label(app.window(), label).collect();
    if found.len() > 1 {
        let is_pressed = |role| {
            matches!(
                role,
                Some(AccessibleRole::Button | AccessibleRole::RadioButton)
            )
        };
        found.retain(|element| is_pressed(element.accessible_role()));
    }
    assert_eq!(
        found.len(),
        1,
        "elements with the label {label:?}; there are {:#?}",
        labels(app)
    );
    found.remove(0)
}

pub(crate) fn shows(app: &App, label: &str) -> bool {
    ElementHandle::find_by_accessible_label(app.window(), label)
        .next()
        .is_some()
}

/// Returns every label with its position, because a query may return an element more than once.
pub(crate) fn labels(app: &App) -> BTreeSet<String> {
    let all = ElementQuery::from_root(app.window())
        .match_descendants()
        .find_all();
    let label = |element: &ElementHandle| {
        let at = element.absolute_position();
        Some(format!(
            "{} @ {},{}",
            element.accessible_label()?,
            at.x,
            at.y
        ))
    };
    all.iter().filter_map(label).collect()
}

/// Returns whether a label contains that text.
pub(crate) fn says(app: &App, part: &str) -> bool {
    labels(app).iter().any(|label| label.contains(part))
}

pub(crate) fn press(app: &App, label: &str) {
    let element = find(app, label);
    assert_ne!(
        element.accessible_enabled(),
        Some(false),
        "{label:?} is disabled"
    );
    element.invoke_accessible_default_action();
    pass(app);
}

pub(crate) fn is_enabled(app: &App, label: &str) -> bool {
    find(app, label).accessible_enabled() != Some(false)
}

pub(crate) fn key(app: &App, key: Key) {
    let text: SharedString = key.into();
    type_text(app, &text);
}

/// Presses Shift and Tab.
pub(crate) fn back_tab(app: &App) {
    let shift: SharedString = Key::Shift.into();
    let window = app.window().window();
    window.dispatch_event(WindowEvent::KeyPressed {
        text: shift.clone(),
    });
    let backtab: SharedString = Key::Backtab.into();
    window.dispatch_event(WindowEvent::KeyPressed {
        text: backtab.clone(),
    });
    window.dispatch_event(WindowEvent::KeyReleased { text: backtab });
    window.dispatch_event(WindowEvent::KeyReleased { text: shift });
    pass(app);
}

pub(crate) fn type_text(app: &App, text: &str) {
    for letter in text.chars() {
        let text: SharedString = letter.into();
        let window = app.window().window();
        window.dispatch_event(WindowEvent::KeyPressed { text: text.clone() });
        window.dispatch_event(WindowEvent::KeyReleased { text });
    }
    pass(app);
}

/// Advances the window's time by a second.
pub(crate) fn wait() {
    mock_elapsed_time(Duration::from_secs(1));
}

/// Advances to the next frame: handlers of changed properties run between frames.
pub(crate) fn pass(_app: &App) {
    mock_elapsed_time(Duration::from_millis(20));
}
