//! Pictures of the window, for the manual, and checks of their colors.

use crate::hands::{self, button, click, one, open};
use hsm_core::leds::{Pattern, ReadOut};
use hsm_virtual::control::{ClockLine, LedsLine, ModuleLine};
use hub_panel::{
    model::{Event, Language, Report},
    screen::{Screen, shown},
    ui::{Theme, Words},
};
use i_slint_backend_testing::{
    AccessibleRole, ElementQuery, TestingBackend, TestingBackendOptions,
};
use slint::{
    ComponentHandle, LogicalPosition, LogicalSize, Rgba8Pixel, SharedPixelBuffer,
    platform::WindowEvent,
};
use std::{fs, path::Path, time::Duration};

const PICTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/manual-pictures");

fn drawn() -> Screen {
    let options = TestingBackendOptions {
        mock_time: true,
        threading: false,
        renderer_name: Some("software".into()),
    };
    slint::platform::set_platform(Box::new(TestingBackend::new(options))).unwrap();
    open(Path::new("/home/anna/.local/state/keywriter/hub"))
}

fn see(screen: &Screen) {
    let read_out = Pattern::ReadOut(ReadOut {
        tens: 1,
        units: 5,
        flag: false,
    });
    let patterns = [
        (Pattern::Shipment, true),
        (Pattern::Unlocked, true),
        (Pattern::Cloning, true),
        (Pattern::AwaitingNew, true),
        (Pattern::Standby, true),
        (Pattern::AdminMode, true),
        (read_out, true),
        (Pattern::Reset, true),
        (Pattern::Idle, false),
        (Pattern::Standby, false),
    ];
    let modules = (1..)
        .zip(patterns)
        .map(|(number, (pattern, plugged))| ModuleLine {
            serial: format!("VM{number:04}"),
            plugged,
            leds: LedsLine::of((pattern, 100)),
        });
    let (clock, modules) = (ClockLine::Real, modules.collect());
    screen.update(Event::Hub(Report::Seen { clock, modules }));
}

fn picture(screen: &Screen, name: &str) -> SharedPixelBuffer<Rgba8Pixel> {
    picture_in(PICTURES, screen, name)
}

fn picture_in(folder: &str, screen: &Screen, name: &str) -> SharedPixelBuffer<Rgba8Pixel> {
    i_slint_backend_testing::mock_elapsed_time(Duration::from_secs(1));
    let picture = screen.window().window().take_snapshot().unwrap();
    fs::create_dir_all(folder).unwrap();
    let file = fs::File::create(format!("{folder}/{name}.png")).unwrap();
    let mut encoder = png::Encoder::new(file, picture.width(), picture.height());
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(picture.as_bytes()).unwrap();
    picture
}

fn has_color(picture: &SharedPixelBuffer<Rgba8Pixel>, [red, green, blue]: [u8; 3]) -> bool {
    let near = |a: u8, b: u8| a.abs_diff(b) < 12;
    picture
        .as_slice()
        .iter()
        .any(|pixel| near(pixel.r, red) && near(pixel.g, green) && near(pixel.b, blue))
}

#[test]
fn the_window_is_drawn_in_three_languages_and_two_themes() {
    let screen = drawn();
    for language in Language::ALL {
        screen.select_language(language);
        for (is_dark, theme, background) in [
            (false, "light", [0xf3, 0xf5, 0xf9]),
            (true, "dark", [0x0e, 0x13, 0x20]),
        ] {
            screen.window().global::<Theme>().set_dark(is_dark);
            // Once per language, so that every picture shows the LEDs at the same moment.
            see(&screen);
            let picture = picture(&screen, &format!("hub-panel-{}-{theme}", language.code()));
            assert_eq!((picture.width(), picture.height()), (1180, 800));
            assert!(has_color(&picture, background), "{language:?} {theme}");
            // GREEN is lit.
            assert!(has_color(&picture, [69, 255, 152]), "{language:?} {theme}");
        }
    }
}

/// As on a screen of 1366 × 768 at a scale of 1.25.
#[test]
fn a_small_screen_has_room_for_the_window_and_shows_all_of_it() {
    let screen = drawn();
    see(&screen);
    let (width, height) = (1092.0, 540.0);
    screen
        .window()
        .window()
        .set_size(LogicalSize::new(width, height));
    for language in Language::ALL {
        screen.select_language(language);
        let folder = env!("CARGO_TARGET_TMPDIR");
        let picture = picture_in(folder, &screen, &format!("small-{}", language.code()));
        assert_eq!((picture.width(), picture.height()), (1092, 540));
        let buttons = ElementQuery::from_root(screen.window())
            .match_descendants()
            .match_predicate(|element| element.accessible_role() == Some(AccessibleRole::Button))
            .find_all();
        assert!(buttons.len() > 12, "the keypad's, and more");
        for button in buttons {
            let (at, size) = (button.absolute_position(), button.size());
            let label = button.accessible_label();
            assert!(
                at.x >= 0.0 && at.x + size.width <= width,
                "{label:?} at {at:?}"
            );
        }
    }
    // What is below is scrolled to.
    let key = one(&screen, "KEY");
    let before = key.absolute_position().y;
    let position = LogicalPosition::new(450.0, 300.0);
    screen
        .window()
        .window()
        .dispatch_event(WindowEvent::PointerScrolled {
            position,
            delta_x: 0.0,
            delta_y: -500.0,
        });
    let after = one(&screen, "KEY").absolute_position().y;
    assert!(after < before, "{before} {after}");
}

/// A longer one would move what is below it.
#[test]
fn no_pattern_s_meaning_needs_a_third_line() {
    let screen = drawn();
    let words = screen.window().global::<Words>();
    for language in Language::ALL {
        screen.select_language(language);
        for pattern in Pattern::ALL {
            hands::see(&screen, &[pattern]);
            let meaning = words.invoke_meaning(shown(pattern));
            let height = one(&screen, &meaning).size().height;
            assert!(height < 50.0, "{meaning}: {height}");
        }
    }
}

#[test]
fn the_window_without_a_hub_is_drawn() {
    let screen = drawn();
    screen.update(Event::Hub(Report::Gone));
    let picture = picture(&screen, "hub-panel-no-hub");
    assert!(has_color(&picture, [0x24, 0x58, 0xe6]));
}

#[test]
fn what_a_hub_refuses_and_the_about_box_are_drawn() {
    let screen = drawn();
    screen.select_language(Language::French);
    see(&screen);
    let modules = vec![ModuleLine {
        serial: "VM0001".into(),
        plugged: false,
        leds: LedsLine::of((Pattern::AdminBlockedAgain, 100)),
    }];
    let clock = ClockLine::Manual;
    screen.update(Event::Hub(Report::Seen { clock, modules }));
    let why = "the hub has no module VM0099: `virtual-hub list` shows its modules";
    screen.update(Event::Hub(Report::Refused(why.into())));
    let folder = env!("CARGO_TARGET_TMPDIR");
    let refused = picture_in(folder, &screen, "hub-panel-refused");
    assert!(has_color(&refused, [0xfd, 0xea, 0xec]));
    click(&button(&screen, "À propos"));
    let about = picture_in(folder, &screen, "hub-panel-about");
    let corner = |picture: &SharedPixelBuffer<Rgba8Pixel>| picture.as_slice().last().unwrap().r;
    assert!(corner(&about) < corner(&refused), "dimmed");
}
