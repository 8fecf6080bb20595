//! The model's enums as Slint's. A variant that one side lacks does not compile.

use super::ui;
use crate::model::{
    Appearance, CardState, CheckState, Language, LicenseState, MasterStatus, Page, Part, Reason,
    Trouble,
};

/// Maps one enum to its mirror, variant by variant.
macro_rules! mirror {
    ($model:ident => $all:ident [ $($variant:ident)* ]) => {
        mirror!($model [ $($variant)* ]);

        /// Every reason, for whoever wants to see that each has its words.
        pub const $all: &[$model] = &[$($model::$variant),*];
    };
    ($model:ident [ $($variant:ident)* ]) => {
        impl From<$model> for ui::$model {
            fn from(it: $model) -> Self {
                match it {
                    $($model::$variant => Self::$variant,)*
                }
            }
        }
    };
}

mirror!(Reason => REASONS [
    Absent Twins NotCertified ForeignRoot NotGenuine UnknownRoot Fresh Locked UnlockedAsUser CloningDisabled LockedNotFresh
    PulledOut MasterLost InUse Silent NoService OtherKind NotProved ModuleRefused NoModule TwoMasters NoSecondary TooMany
    SameModule Stopped Unregistered Lapsed Revoked ClockWrong LicenseUseless OtherBuild PortalUnreachable PortalRefused
    PortalSlowDown PortalFull PortalStrange NumberSlip NumberMalformed PinMalformed PinWrong PinWait PinSame PinsDiffer CannotRead
    CannotWrite WrongFile NewerFile BadReceipt NoBrowser System
]);
mirror!(Page [Starting Register Registered Login Clone ChangePin About]);
mirror!(MasterStatus [None Unassigned Active NotReady]);

impl From<ui::Page> for Page {
    fn from(page: ui::Page) -> Self {
        match page {
            ui::Page::Starting => Self::Starting,
            ui::Page::Register => Self::Register,
            ui::Page::Registered => Self::Registered,
            ui::Page::Login => Self::Login,
            ui::Page::Clone => Self::Clone,
            ui::Page::ChangePin => Self::ChangePin,
            ui::Page::About => Self::About,
        }
    }
}

impl From<CheckState> for ui::Check {
    fn from(state: CheckState) -> Self {
        match state {
            CheckState::Unknown => Self::Unknown,
            CheckState::Set => Self::IsSet,
            CheckState::NotSet => Self::NotSet,
        }
    }
}

/// A trouble, or none.
pub(super) fn trouble(trouble: Option<&Trouble>) -> ui::Trouble {
    let Some(trouble) = trouble else {
        return ui::Trouble::default();
    };
    ui::Trouble {
        is_some: true,
        reason: trouble.reason.into(),
        what: trouble.what.as_str().into(),
        seconds: count(trouble.seconds),
        detail: trouble.detail.as_str().into(),
    }
}

/// How a card stands: its kind, its step and its trouble.
pub(super) fn card_state(state: &CardState) -> (ui::CardKind, u8, ui::Trouble) {
    use ui::CardKind as Kind;
    let plain = |kind| (kind, 0, trouble(None));
    match state {
        CardState::Empty => plain(Kind::Empty),
        CardState::Preflight(Part::None) => plain(Kind::Present),
        CardState::Preflight(Part::Clone) => plain(Kind::Clone),
        CardState::Preflight(Part::Replace) => plain(Kind::Replace),
        CardState::Preflight(Part::Finish) => plain(Kind::Finish),
        CardState::Preflight(Part::IsClone) => plain(Kind::IsClone),
        CardState::Preflight(Part::Refused(why)) => (Kind::Refused, 0, trouble(Some(why))),
        CardState::Waiting => plain(Kind::Waiting),
        CardState::Cloning(step) => (Kind::Cloning, *step, trouble(None)),
        CardState::Cloned { already: false } => plain(Kind::Cloned),
        CardState::Cloned { already: true } => plain(Kind::ClonedEarlier),
        CardState::Failed(why) => (Kind::Failed, 0, trouble(Some(why))),
    }
}

/// What the header says of the license.
pub(super) fn standing(license: &LicenseState) -> ui::Standing {
    match license {
        LicenseState::Unknown => ui::Standing::None,
        LicenseState::Unregistered => ui::Standing::Unregistered,
        LicenseState::Unreadable(_) => ui::Standing::Problem,
        LicenseState::Registered(view) => match &view.problem {
            None => ui::Standing::Licensed,
            Some(trouble) if trouble.reason == Reason::Lapsed => ui::Standing::Lapsed,
            Some(_) => ui::Standing::Problem,
        },
    }
}

/// The name under which a language's texts are compiled in, and its place in the header.
pub(super) const fn language(language: Language) -> (&'static str, i32) {
    match language {
        Language::English => ("en", 0),
        Language::German => ("de", 1),
        Language::French => ("fr", 2),
    }
}

/// The language at a place in the header.
pub(super) const fn language_at(place: i32) -> Language {
    match place {
        1 => Language::German,
        2 => Language::French,
        _ => Language::English,
    }
}

/// An appearance's place among the three.
pub(super) const fn appearance(appearance: Appearance) -> i32 {
    match appearance {
        Appearance::System => 0,
        Appearance::Light => 1,
        Appearance::Dark => 2,
    }
}

/// The appearance at a place.
pub(super) const fn appearance_at(place: i32) -> Appearance {
    match place {
        1 => Appearance::Light,
        2 => Appearance::Dark,
        _ => Appearance::System,
    }
}

/// A number as Slint counts.
pub(super) fn count(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}
