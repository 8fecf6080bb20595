//! What a user prefers, from one launch to the next.

/// Light or dark colors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Appearance {
    /// As the system is set.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// A language of the app.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// German.
    #[serde(rename = "de")]
    German,
    /// French.
    #[serde(rename = "fr")]
    French,
}

/// A user's preferences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Preferences {
    /// The language; `None`: the system's.
    #[serde(default)]
    pub language: Option<Language>,
    /// Light or dark.
    #[serde(default)]
    pub appearance: Appearance,
    /// Where the window was; `None`: where the system puts it.
    #[serde(default)]
    pub window: Option<WindowPlace>,
    /// Steps of text size above the normal one, 0 to [`TEXT_STEPS`].
    #[serde(default)]
    pub text: u8,
    /// Minutes without input until the app asks for its PIN again; 0: never.
    #[serde(default)]
    pub lock_after: u8,
}

/// Size and place of the window, in the screen's pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowPlace {
    /// From the left.
    pub x: i32,
    /// From the top.
    pub y: i32,
    /// How wide.
    pub width: u32,
    /// How high.
    pub height: u32,
}

/// The minutes that the user chooses from.
pub const LOCKS: [u8; 4] = [0, 5, 15, 60];

/// The most steps of text size.
pub const TEXT_STEPS: u8 = 4;
