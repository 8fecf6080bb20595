//! What support asks for first. In English, as those who read it do.

use crate::model::{LicenseState, LicenseView, Model, ModuleView};
use std::env::consts::{ARCH, OS};

/// Returns the text: version, system, license and connected modules.
pub(super) fn text(model: &Model, version: &str, is_development: bool) -> String {
    let kind = if is_development {
        " (development build)"
    } else {
        ""
    };
    let mut lines = vec![
        format!("KeyWriter {version}{kind}"),
        format!("{OS}, {ARCH}"),
    ];
    lines.push(match &model.license {
        LicenseState::Registered(view) => license(view),
        LicenseState::Unknown | LicenseState::Unregistered => "Not registered".to_owned(),
        LicenseState::Unreadable(problem) => format!("License: {}", problem.reason.code()),
    });
    lines.extend(model.cloning.modules().iter().map(module));
    lines.join("\n")
}

fn license(view: &LicenseView) -> String {
    let day = view.last_day.as_deref().unwrap_or("without end");
    let problem = view.problem.as_ref().map(|problem| problem.reason.code());
    let standing = problem.unwrap_or("valid");
    format!("License {}, {day}, {standing}", view.number)
}

fn module(module: &ModuleView) -> String {
    let [major, minor, patch] = module.firmware;
    let kind = if module.is_virtual { ", virtual" } else { "" };
    format!("{} {major}.{minor}.{patch}{kind}", module.serial)
}
