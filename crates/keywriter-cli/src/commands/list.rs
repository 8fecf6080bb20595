//! `keywriter list`

use super::{require_app_pin, survey_with};
use crate::{
    args::Args,
    failure::Failure,
    output::{self, Event},
    table, words,
};
use keywriter::{
    Serial,
    genuine::{Authenticity, TrustedRoot},
    module::ModuleError,
    nicknames::Nicknames,
    problem::{Problem, Reason},
    protocol::{LockState, Role},
    settings::MasterState,
    survey::{ModuleFacts, Survey},
    text::{counted, shown},
    transport::Location,
};

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    require_app_pin(args)?;
    // A state that cannot be read marks no master; `master show` says why.
    let master = MasterState::load(&args.folders()?.master())
        .ok()
        .map(|state| state.master);
    let root = args.trusted_root()?.map(|(root, _)| root);
    let found = survey_with(args, root.as_ref())?;
    // If the names cannot be read, the list shows none; `team name` says why.
    let names = Nicknames::load(&args.folders()?.nicknames()).unwrap_or_default();
    if args.json {
        print_json(&found, (master, &names))?;
    } else {
        print_text(&found, (master, root.as_ref()), &names)?;
    }
    if found.modules.is_empty() && found.duplicates.is_empty() {
        Err(Failure::Problem(found.missing(None)))
    } else {
        Ok(())
    }
}

fn print_text(
    found: &Survey,
    (master, trusted): (Option<Serial>, Option<&TrustedRoot>),
    names: &Nicknames,
) -> Result<(), Failure> {
    let facts = || {
        let modules = found.modules.iter().map(|present| &present.facts);
        modules.chain(&found.impostors)
    };
    if facts().next().is_some() {
        let header = ["SERIAL", "STATE", "ROLE", "CLONING", "GENUINE", "LOCATION"];
        let mut rows = vec![header.map(String::from).to_vec()];
        rows.extend(facts().map(|facts| row(facts, master)));
        if facts().any(|facts| !names.of(facts.serial).is_empty()) {
            let column = facts().map(|facts| names.of(facts.serial));
            let column = std::iter::once("NAME").chain(column);
            for (row, name) in rows.iter_mut().zip(column) {
                row.insert(
                    1,
                    if name.is_empty() {
                        "-".to_owned()
                    } else {
                        shown(name)
                    },
                );
            }
        }
        output::line(table::render(&rows).trim_end())?;
    }
    for duplicate in &found.duplicates {
        let problem = Problem::new(Reason::DuplicateSerial).about(duplicate.serial);
        output::note(&format!("keywriter: {}\n", words::line(&problem)));
        for location in &duplicate.locations {
            output::note(&format!("  {location}\n"));
        }
    }
    for facts in facts() {
        if let Some(left) = facts.few_writes() {
            output::note(&format!(
                "keywriter: {}: its memory can be written {} more\n  clone it to another module while it can, \
                 and use that one\n",
                facts.serial,
                counted(left, "time", "times")
            ));
        }
    }
    for root in found.other_roots() {
        let trusted = match trusted {
            Some(trusted) => format!("this computer trusts {}", trusted.summary()),
            None => "this computer trusts no root yet".to_owned(),
        };
        let shown = root.summary();
        output::note(&format!(
            "keywriter: {trusted}\n  modules here are certified under {shown}\n  `keywriter root pin FILE` trusts a \
             root; --root FILE names one for one command\n"
        ));
    }
    // The first one ends the command if no module was found.
    let is_empty = found.modules.is_empty() && found.duplicates.is_empty();
    for (location, error) in found.unusable.iter().skip(usize::from(is_empty)) {
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
    if is_master(facts, master) {
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

fn print_json(
    found: &Survey,
    (master, names): (Option<Serial>, &Nicknames),
) -> Result<(), Failure> {
    let modules = found.modules.iter().map(|present| &present.facts);
    for facts in modules.chain(&found.impostors) {
        let name = Some(names.of(facts.serial)).filter(|name| !name.is_empty());
        module(facts, master).some("name", name).print()?;
    }
    for duplicate in &found.duplicates {
        let places: Vec<_> = duplicate.locations.iter().map(Location::name).collect();
        Event::new("twins")
            .text("serial", duplicate.serial)
            .with("places", places)
            .with("reason", Reason::DuplicateSerial.code())
            .with("advice", words::of(Reason::DuplicateSerial).advice)
            .print()?;
    }
    for (location, error) in &found.unusable {
        unusable(location, error).print()?;
    }
    Ok(())
}

fn module(facts: &ModuleFacts, master: Option<Serial>) -> Event {
    let [major, minor, patch] = facts.firmware;
    Event::new("module")
        .text("serial", facts.serial)
        .with("state", lock_name(facts.lock))
        .with("role", facts.role().map(role_name))
        .with("cloning", facts.cloning())
        .with("genuine", facts.certificate.authenticity.name())
        .with("virtual", facts.certificate.is_virtual)
        .place(&facts.location)
        .some(
            "root_sha256",
            facts
                .other_root
                .as_ref()
                .map(|root| root.shown.fingerprint()),
        )
        .with("firmware", format!("{major}.{minor}.{patch}"))
        .some("writes_left", facts.status.map(|status| status.writes_left))
        .with("master", is_master(facts, master))
}

/// Returns whether it is the master of this computer. A device that only claims its serial number is not.
fn is_master(facts: &ModuleFacts, master: Option<Serial>) -> bool {
    let may_be = match facts.certificate.authenticity {
        // Without a root, no module can be told from one that only claims it.
        Authenticity::Genuine | Authenticity::UnknownRoot => true,
        Authenticity::NotGenuine | Authenticity::NotCertified | Authenticity::ForeignRoot => false,
    };
    may_be && master == Some(facts.serial)
}

/// Returns the event of a location without a useful answer, for `list` and `clone`.
pub(crate) fn unusable(location: &Location, error: &ModuleError) -> Event {
    Event::new("unusable")
        .place(location)
        .problem("error", &error.into())
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
    use keywriter::genuine::CertificateCheck;

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
            other_root: None,
            location: Location::Socket("/run/VM0001.sock".into()),
        }
    }

    #[test]
    fn a_module_is_one_json_object_of_this_shape() {
        let line = serde_json::to_string(&module(&facts(), None)).unwrap();
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
