//! Converts the model's enums to Slint's. A variant missing on either side does not compile.

use super::ui;
use crate::model::{
    Appearance, CardState, CheckState, Language, LicenseState, MasterStatus, Page, Part, Problem,
    Reason,
};
use keywriter::genuine::TrustedRoot;

/// Converts an enum to the Slint enum with the same variants.
macro_rules! mirror {
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

mirror!(Page [Starting Register Registered Login Clone Files Team ChangePin About]);
mirror!(MasterStatus [None Unassigned Active Disabled NotReady]);

impl From<ui::Page> for Page {
    fn from(page: ui::Page) -> Self {
        match page {
            ui::Page::Starting => Self::Starting,
            ui::Page::Register => Self::Register,
            ui::Page::Registered => Self::Registered,
            ui::Page::Login => Self::Login,
            ui::Page::Clone => Self::Clone,
            ui::Page::Files => Self::Files,
            ui::Page::Team => Self::Team,
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

/// Converts a problem, or none.
pub(super) fn problem(problem: Option<&Problem>) -> ui::Problem {
    let Some(problem) = problem else {
        return ui::Problem::default();
    };
    let roots = problem.roots.as_deref();
    let summary =
        |root: Option<&TrustedRoot>| root.map(TrustedRoot::summary).unwrap_or_default().into();
    ui::Problem {
        is_some: true,
        reason: problem.reason.code().into(),
        subject: problem.subject.as_str().into(),
        retry_after: count(problem.retry_after.unwrap_or(0)),
        detail: detail(problem).into(),
        root_shown: summary(roots.map(|roots| &roots.shown)),
        root_trusted: summary(roots.and_then(|roots| roots.trusted.as_ref())),
        remedy: match problem.reason {
            Reason::NotRegistered | Reason::LicenseNeeded => ui::Remedy::Register,
            Reason::LicenseExpired | Reason::ClockWrong => ui::Remedy::Renew,
            _ => ui::Remedy::None,
        },
        field: match problem.reason {
            Reason::NumberMistyped | Reason::NumberInvalid => ui::TypedField::Number,
            Reason::PinInvalid => ui::TypedField::Pin,
            _ => ui::TypedField::None,
        },
        is_routine: matches!(
            problem.reason,
            Reason::Absent
                | Reason::NotSetUp
                | Reason::Locked
                | Reason::NoModule
                | Reason::NoSecondary
                | Reason::NoUnlockedModule
                | Reason::SeveralGroups
        ),
    }
}

/// Returns the cause in English, as a sentence, where title and advice do not say everything.
fn detail(problem: &Problem) -> String {
    let is_cause = matches!(
        problem.reason,
        Reason::CannotRead
            | Reason::CannotWrite
            | Reason::CannotConnect
            | Reason::NoService
            | Reason::CommandRefused
            | Reason::Incompatible
            | Reason::SystemFailed
    );
    if is_cause {
        sentence(&problem.detail)
    } else {
        String::new()
    }
}

/// Makes a sentence of an error's text, without the system's number and without what is said twice.
fn sentence(text: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split(": ") {
        let part = part.split(" (os error").next().unwrap_or(part).trim();
        if !part.is_empty() && !parts.contains(&part) {
            parts.push(part);
        }
    }
    let mut letters = parts.join(": ").chars().collect::<Vec<_>>();
    if let Some(first) = letters.first_mut() {
        first.make_ascii_uppercase();
        letters.push('.');
    }
    letters.into_iter().collect()
}

/// Returns a card's kind, step and problem.
pub(super) fn card_state(state: &CardState) -> (ui::CardKind, u8, ui::Problem) {
    use ui::CardKind as Kind;
    let plain = |kind| (kind, 0, problem(None));
    match state {
        CardState::Empty => plain(Kind::Empty),
        CardState::Preflight(Part::None) => plain(Kind::Present),
        CardState::Preflight(Part::Clone) => plain(Kind::Clone),
        CardState::Preflight(Part::Replace) => plain(Kind::Replace),
        CardState::Preflight(Part::Finish) => plain(Kind::Finish),
        CardState::Preflight(Part::IsClone) => plain(Kind::IsClone),
        CardState::Preflight(Part::LeftOut) => plain(Kind::LeftOut),
        CardState::Preflight(Part::Refused(why)) | CardState::Refused(why) => {
            (Kind::Refused, 0, problem(Some(why)))
        }
        CardState::Waiting => plain(Kind::Waiting),
        CardState::Asks => plain(Kind::Asks),
        CardState::Cloning(step) => (Kind::Cloning, *step, problem(None)),
        CardState::Cloned { already: false } => plain(Kind::Cloned),
        CardState::Cloned { already: true } => plain(Kind::ClonedEarlier),
        CardState::Failed(why) => (Kind::Failed, 0, problem(Some(why))),
    }
}

/// Returns what the header says about the license.
pub(super) fn license_status(license: &LicenseState) -> ui::LicenseStatus {
    match license {
        LicenseState::Unknown => ui::LicenseStatus::None,
        LicenseState::Unregistered => ui::LicenseStatus::Unregistered,
        LicenseState::Unreadable(_) => ui::LicenseStatus::Problem,
        LicenseState::Registered(view) => match &view.problem {
            None => ui::LicenseStatus::Licensed,
            Some(problem) if problem.reason == Reason::LicenseExpired => ui::LicenseStatus::Expired,
            Some(_) => ui::LicenseStatus::Problem,
        },
    }
}

/// Returns a language's code, as its texts are compiled in, and its place in the header.
pub(super) const fn language(language: Language) -> (&'static str, i32) {
    match language {
        Language::English => ("en", 0),
        Language::German => ("de", 1),
        Language::French => ("fr", 2),
    }
}

/// Returns the language at a place in the header.
pub(super) const fn language_at(place: i32) -> Language {
    match place {
        1 => Language::German,
        2 => Language::French,
        _ => Language::English,
    }
}

/// Returns an appearance's place among the three.
pub(super) const fn appearance(appearance: Appearance) -> i32 {
    match appearance {
        Appearance::System => 0,
        Appearance::Light => 1,
        Appearance::Dark => 2,
    }
}

/// Returns the appearance at a place.
pub(super) const fn appearance_at(place: i32) -> Appearance {
    match place {
        1 => Appearance::Light,
        2 => Appearance::Dark,
        _ => Appearance::System,
    }
}

/// Converts a number to Slint's `int`.
pub(super) fn count(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_becomes_a_sentence() {
        for (said, shown) in [
            ("not JSON: not JSON", "Not JSON."),
            (
                "cannot connect: Connection refused (os error 111)",
                "Cannot connect: Connection refused.",
            ),
            ("", ""),
        ] {
            assert_eq!(sentence(said), shown);
        }
    }
}
