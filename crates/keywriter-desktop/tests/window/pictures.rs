//! The manual's pictures, drawn without a display, and looked at for what is cut off.

use super::scenes;
use i_slint_backend_testing::{
    AccessibleRole, ElementQuery, TestingBackend, TestingBackendOptions, mock_elapsed_time,
};
use keywriter_desktop::{
    model::{Appearance, Intent, Language, Preferences},
    screen::{
        App,
        ui::{Sheet, Shell},
    },
};
use slint::{ComponentHandle as _, LogicalSize, Rgba8Pixel, SharedPixelBuffer};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

pub(crate) const LANGUAGES: [(&str, Language); 3] = [
    ("en", Language::English),
    ("de", Language::German),
    ("fr", Language::French),
];

fn folder() -> PathBuf {
    let target = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target"));
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or(target, PathBuf::from)
        .join("manual-pictures")
}

fn software() {
    let options = TestingBackendOptions {
        mock_time: true,
        threading: false,
        renderer_name: Some("software".into()),
    };
    slint::platform::set_platform(Box::new(TestingBackend::new(options))).unwrap();
}

fn draw(app: &App, width: f32, height: f32) -> SharedPixelBuffer<Rgba8Pixel> {
    app.window()
        .window()
        .set_size(LogicalSize::new(width, height));
    app.window().show().unwrap();
    mock_elapsed_time(Duration::from_secs(2));
    app.window().window().take_snapshot().unwrap()
}

fn save(picture: &SharedPixelBuffer<Rgba8Pixel>, folder: &Path, name: &str) {
    fs::create_dir_all(folder).unwrap();
    let file = fs::File::create(folder.join(name)).unwrap();
    let mut encoder = png::Encoder::new(
        std::io::BufWriter::new(file),
        picture.width(),
        picture.height(),
    );
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder
        .write_header()
        .unwrap()
        .write_image_data(picture.as_bytes())
        .unwrap();
}

#[test]
fn the_manuals_pictures_are_drawn() {
    software();
    // For a look at a few: the beginning of their names.
    let wanted = std::env::var("KEYWRITER_PICTURES").unwrap_or_default();
    let scenes = scenes::SCENES.iter();
    for (name, scene) in scenes.filter(|(name, _)| name.starts_with(&wanted)) {
        for (code, language) in LANGUAGES {
            for (theme, appearance) in [("light", Appearance::Light), ("dark", Appearance::Dark)] {
                let (app, _) = scenes::app("/home/ada".into());
                scene(&app);
                let preferences = Preferences {
                    language: Some(language),
                    appearance,
                    ..Preferences::default()
                };
                let opened = app.window().global::<Sheet>().get_kind();
                app.act(Intent::Prefer(preferences));
                app.window().global::<Sheet>().set_kind(opened);
                save(
                    &draw(&app, 1180.0, 760.0),
                    &folder(),
                    &format!("{name}-{code}-{theme}.png"),
                );
            }
        }
    }
}

/// The height of the header.
const HEADER: f32 = 64.0;

/// The least room at the right edge.
const MARGIN: f32 = 20.0;

/// What must not stick out: what is pressed, typed in or read.
const WHOLE: &[AccessibleRole] = &[
    AccessibleRole::Button,
    AccessibleRole::Checkbox,
    AccessibleRole::RadioButton,
    AccessibleRole::Tab,
    AccessibleRole::TextInput,
    AccessibleRole::ListItem,
    AccessibleRole::Text,
];

#[test]
fn the_smallest_window_has_room_for_large_text_in_every_language() {
    fits("small", (800.0, 540.0), 2);
}

#[test]
fn a_usual_window_has_room_for_text_of_twice_the_size_in_every_language() {
    fits("double", (1366.0, 700.0), 4);
}

fn fits(prefix: &str, (width, height): (f32, f32), text: u8) {
    software();
    for (name, scene) in scenes::SCENES {
        for (code, language) in LANGUAGES {
            let (app, _) = scenes::app("/home/ada".into());
            scene(&app);
            app.act(Intent::Prefer(Preferences {
                language: Some(language),
                appearance: Appearance::Light,
                text,
                ..Preferences::default()
            }));
            let picture = draw(&app, width, height);
            save(
                &picture,
                Path::new(env!("CARGO_TARGET_TMPDIR")),
                &format!("{prefix}-{name}-{code}.png"),
            );
            let all = ElementQuery::from_root(app.window())
                .match_descendants()
                .match_predicate(|element| {
                    element
                        .accessible_role()
                        .is_some_and(|role| WHOLE.contains(&role))
                })
                .find_all();
            for element in all {
                let (at, size) = (element.absolute_position(), element.size());
                let label = element.accessible_label();
                assert!(
                    at.x >= 0.0 && at.x + size.width <= width - MARGIN,
                    "{name} {code}: {label:?} at {at:?}, {size:?}"
                );
            }
            assert_apart(&app, &format!("{name} {code}"));
        }
    }
}

/// No two buttons or tabs lie on each other.
fn assert_apart(app: &App, place: &str) {
    let pressed = [
        AccessibleRole::Button,
        AccessibleRole::Tab,
        AccessibleRole::RadioButton,
    ];
    if app.window().global::<Shell>().get_is_sheet_open() {
        return;
    }
    let mut boxes: Vec<(f32, f32, f32, f32, String)> = ElementQuery::from_root(app.window())
        .match_descendants()
        .match_predicate(move |element| {
            element
                .accessible_role()
                .is_some_and(|role| pressed.contains(&role))
        })
        .find_all()
        .iter()
        // What scrolls is cut off at the edge of its view: only the header's radio buttons do not.
        .filter(|element| {
            element.accessible_role() != Some(AccessibleRole::RadioButton)
                || element.absolute_position().y < HEADER
        })
        .map(|element| {
            let (at, size) = (element.absolute_position(), element.size());
            let label = element.accessible_label().unwrap_or_default().to_string();
            (at.x, at.y, at.x + size.width, at.y + size.height, label)
        })
        .collect();
    boxes.dedup();
    for (index, a) in boxes.iter().enumerate() {
        for b in &boxes[index + 1..] {
            let is_same = a == b;
            let overlaps = a.0 + 1.0 < b.2 && b.0 + 1.0 < a.2 && a.1 + 1.0 < b.3 && b.1 + 1.0 < a.3;
            assert!(is_same || !overlaps, "{place}: {a:?} lies on {b:?}");
        }
    }
}
