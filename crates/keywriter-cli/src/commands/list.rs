//! `keywriter list`

use super::{require_app_pin, survey_all};
use crate::{args::Args, failure::Failure, output, table, words};
use keywriter::{
    Serial,
    module::ModuleError,
    problem::{Problem, Reason},
    protocol::{LockState, Role},
    settings::MasterState,
    survey::{ModuleFacts, Survey},
    transport::Location,
};
use serde::Serialize;

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    require_app_pin(args)?;
    // A state that cannot be read marks no master; `master show` says why.
    let master = MasterState::load(&args.folders()?.master())
        .ok()
        .map(|state| state.master);
    let found = survey_all(args)?;
    if args.json {
        print_json(&found, master)?;
    } else {
        print_text(&found, master)?;
    }
    if found.modules.is_empty() && found.duplicates.is_empty() {
        Err(Failure::Problem(Reason::NoModule.into()))
    } else {
        Ok(())
    }
}

fn print_text(found: &Survey, master: Option<Serial>) -> Result<(), Failure> {
    if !found.modules.is_empty() {
        let header = ["SERIAL", "STATE", "ROLE", "CLONING", "GENUINE", "LOCATION"];
        let mut rows = vec![header.map(String::from).to_vec()];
        let facts = found.modules.iter().map(|present| &present.facts);
        rows.extend(facts.map(|facts| row(facts, master)));
        output::line(table::render(&rows).trim_end())?;
    }
    for duplicate in &found.duplicates {
        let problem = Problem::new(Reason::DuplicateSerial).about(duplicate.serial);
        eprintln!("keywriter: {}", words::line(&problem));
        for location in &duplicate.locations {
            eprintln!("  {location}");
        }
    }
    for (location, error) in &found.unusable {
        Failure::Problem(Problem::from(error).about(location)).report(false);
    }
    Ok(())
}

fn row(facts: &ModuleFacts, master: Option<Serial>) -> Vec<String> {
    let dash = || "-".to_owned();
    let role = facts
        .role()
        .map_or_else(dash, |role| role_name(role).to_owned());
    let cloning = facts.cloning().map_or_else(dash, |is_on| {
        if is_on { "enabled" } else { "disabled" }.to_owned()
    });
    let mut genuine = facts.certificate.authenticity.name().to_owned();
    if facts.certificate.is_virtual == Some(true) {
        genuine.push_str(" (virtual)");
    }
    let mut location = facts.location.to_string();
    if master == Some(facts.serial) {
        location.push_str("  <- master");
    }
    vec![
        facts.serial.to_string(),
        lock_name(facts.lock).to_owned(),
        role,
        cloning,
        genuine,
        location,
    ]
}

fn print_json(found: &Survey, master: Option<Serial>) -> Result<(), Failure> {
    for present in &found.modules {
        output::json(&ModuleLine::of(&present.facts, master))?;
    }
    for duplicate in &found.duplicates {
        output::json(&DuplicateLine {
            event: "twins",
            serial: duplicate.serial.to_string(),
            places: duplicate.locations.iter().map(Location::name).collect(),
            reason: Reason::DuplicateSerial.code(),
            advice: words::of(Reason::DuplicateSerial).advice,
        })?;
    }
    for (location, error) in &found.unusable {
        output::json(&UnusableLine::of(location, error))?;
    }
    Ok(())
}

/// A module, as `list --json` and `master show --json` print it.
#[derive(Serialize)]
pub(crate) struct ModuleLine {
    event: &'static str,
    serial: String,
    state: &'static str,
    role: Option<&'static str>,
    cloning: Option<bool>,
    genuine: &'static str,
    #[serde(rename = "virtual")]
    is_virtual: Option<bool>,
    transport: &'static str,
    place: String,
    firmware: String,
    master: bool,
}

impl ModuleLine {
    pub(crate) fn of(facts: &ModuleFacts, master: Option<Serial>) -> Self {
        let [major, minor, patch] = facts.firmware;
        Self {
            event: "module",
            serial: facts.serial.to_string(),
            state: lock_name(facts.lock),
            role: facts.role().map(role_name),
            cloning: facts.cloning(),
            genuine: facts.certificate.authenticity.name(),
            is_virtual: facts.certificate.is_virtual,
            transport: facts.location.kind(),
            place: facts.location.name(),
            firmware: format!("{major}.{minor}.{patch}"),
            master: master == Some(facts.serial),
        }
    }
}

#[derive(Serialize)]
struct DuplicateLine {
    event: &'static str,
    serial: String,
    places: Vec<String>,
    reason: &'static str,
    advice: &'static str,
}

/// A location without a useful answer, as `list --json` and `clone --json` print it.
#[derive(Serialize)]
pub(crate) struct UnusableLine {
    event: &'static str,
    transport: &'static str,
    place: String,
    reason: &'static str,
    error: String,
    advice: &'static str,
}

impl UnusableLine {
    pub(crate) fn of(location: &Location, error: &ModuleError) -> Self {
        let problem = Problem::from(error);
        Self {
            event: "unusable",
            transport: location.kind(),
            place: location.name(),
            reason: problem.reason.code(),
            error: words::line(&problem),
            advice: words::of(problem.reason).advice,
        }
    }
}

const fn lock_name(lock: LockState) -> &'static str {
    match lock {
        LockState::Shipment => "shipment",
        LockState::Reset => "reset",
        LockState::Locked => "locked",
        LockState::Unlocked => "unlocked",
    }
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Administrator => "administrator",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keywriter::genuine::{Authenticity, CertificateCheck};

    fn facts() -> ModuleFacts {
        ModuleFacts {
            serial: "VM0001".parse().unwrap(),
            firmware: [0, 1, 0],
            lock: LockState::Locked,
            status: None,
            certificate: CertificateCheck {
                authenticity: Authenticity::Genuine,
                is_virtual: Some(true),
                digest: Some([0; 48]),
            },
            location: Location::Socket("/run/VM0001.sock".into()),
        }
    }

    #[test]
    fn a_module_is_one_json_object_of_this_shape() {
        let line = serde_json::to_string(&ModuleLine::of(&facts(), None)).unwrap();
        assert_eq!(
            line,
            r#"{"event":"module","serial":"VM0001","state":"locked","role":null,"cloning":null,"genuine":"yes","virtual":true,"transport":"socket","place":"/run/VM0001.sock","firmware":"0.1.0","master":false}"#
        );
    }

    #[test]
    fn a_row_has_a_dash_for_what_is_not_told() {
        assert_eq!(
            row(&facts(), Some("VM0001".parse().unwrap())),
            [
                "VM0001",
                "locked",
                "-",
                "-",
                "yes (virtual)",
                "socket /run/VM0001.sock  <- master"
            ]
        );
    }
}
