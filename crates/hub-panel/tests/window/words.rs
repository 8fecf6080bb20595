//! Every pattern has a text of its own in every language.

use crate::hands::screen;
use hsm_core::leds::Pattern;
use hub_panel::{
    model::Language,
    screen::shown,
    ui::{Light, Words},
};
use slint::ComponentHandle;
use std::collections::BTreeSet;

#[test]
fn the_screens_name_each_pattern_as_the_core_does() {
    for pattern in Pattern::ALL {
        let screens = format!("{:?}", shown(pattern));
        assert_eq!(screens.to_lowercase(), pattern.name().replace('-', ""));
    }
}

#[test]
fn every_pattern_and_every_light_has_words_of_its_own_in_every_language() {
    let screen = screen();
    let words = screen.window().global::<Words>();
    let lights = [
        Light::Off,
        Light::On,
        Light::Blink,
        Light::Fast,
        Light::Pulse,
        Light::Alternate,
        Light::Count,
    ];
    let mut said = BTreeSet::new();
    for language in Language::ALL {
        screen.select_language(language);
        for pattern in Pattern::ALL {
            said.insert(words.invoke_meaning(shown(pattern)));
        }
        for light in lights {
            said.insert(words.invoke_light(light));
        }
    }
    assert_eq!(
        said.len(),
        Language::ALL.len() * (Pattern::ALL.len() + lights.len())
    );
}
