//! What a screen reader says.

use super::{hands, pictures::LANGUAGES, scenes};
use i_slint_backend_testing::{AccessibleRole, ElementQuery};
use keywriter_desktop::{
    model::{Appearance, Intent, Preferences},
    screen::ui::Shell,
};
use slint::ComponentHandle as _;

const CONTROLS: &[AccessibleRole] = &[
    AccessibleRole::Button,
    AccessibleRole::Checkbox,
    AccessibleRole::RadioButton,
    AccessibleRole::RadioGroup,
    AccessibleRole::Tab,
    AccessibleRole::TextInput,
    AccessibleRole::ProgressIndicator,
    AccessibleRole::ListItem,
    AccessibleRole::Region,
    AccessibleRole::Main,
    AccessibleRole::Banner,
    AccessibleRole::TabList,
];

#[test]
fn every_control_has_a_name_on_every_page_in_every_language() {
    for (name, scene) in scenes::SCENES {
        // Each gets its own thread, and so its own backend.
        std::thread::spawn(move || {
            let (app, _) = hands::open();
            scene(&app);
            for (code, language) in LANGUAGES {
                app.act(Intent::Prefer(Preferences {
                    language: Some(language),
                    appearance: Appearance::Dark,
                    ..Preferences::default()
                }));
                app.window().global::<Shell>().set_display_open(true);
                hands::pass(&app);
                let controls = ElementQuery::from_root(app.window())
                    .match_descendants()
                    .match_predicate(|element| {
                        element
                            .accessible_role()
                            .is_some_and(|role| CONTROLS.contains(&role))
                    })
                    .find_all();
                assert!(controls.len() > 8, "{name} {code}: {}", controls.len());
                for control in controls {
                    let has_name = control
                        .accessible_label()
                        .is_some_and(|label| !label.is_empty());
                    assert!(
                        has_name,
                        "{name} {code}: {:?} {:?}",
                        control.id(),
                        control.type_name()
                    );
                }
            }
        })
        .join()
        .expect("a scene");
    }
}
