//! `keywriter license show|refresh`

use super::now;
use crate::{
    args::{Args, LicenseCommand},
    failure::Failure,
    output, table, words,
};
use keywriter::{
    license::{Anchor, GateRefusal, LicenseNumber, Portal, Registration, is_development_build},
    problem::{Problem, Reason},
};
use serde::Serialize;

pub(crate) fn run(args: &Args, command: &LicenseCommand) -> Result<(), Failure> {
    let store = args.license_store()?;
    let registration = match command {
        LicenseCommand::Show => store.registration()?,
        LicenseCommand::Refresh(choice) => {
            let portal = Portal::new(&choice.portal)?;
            Some(store.refresh(&portal, &Anchor::of_this_build(), now())?)
        }
    };
    match registration {
        Some(registration) => print(args, &registration),
        None if args.json => output::json(&UnregisteredLine {
            event: "license",
            registered: false,
            development: is_development_build(),
        }),
        None => output::line(&format!(
            "this app is not registered: it can be tried out with virtual modules\n  {}",
            words::of(Reason::NotRegistered).advice
        )),
    }
}

fn print(args: &Args, registration: &Registration) -> Result<(), Failure> {
    let claims = registration.claims()?;
    let refusal = registration.decide(&Anchor::of_this_build(), now()).err();
    let problem = refusal.as_ref().map(Problem::from);
    let line = LicenseLine {
        event: "license",
        registered: true,
        license: claims.number,
        name: claims.holder.name(),
        company: claims.holder.company(),
        issued: claims.issued.to_string(),
        expires: claims.expires.map(|day| day.to_string()),
        standing: standing(refusal),
        reason: problem.as_ref().map(|problem| problem.reason.code()),
        installation: registration.installation().to_string(),
        development: is_development_build(),
    };
    if args.json {
        return output::json(&line);
    }
    output::line(line.text(problem.as_ref()).trim_end())
}

const fn standing(refusal: Option<GateRefusal>) -> &'static str {
    match refusal {
        None => "current",
        Some(GateRefusal::Lapsed(_)) => "lapsed",
        Some(GateRefusal::Revoked) => "revoked",
        Some(GateRefusal::NotYet(_)) => "not-yet",
        Some(GateRefusal::OtherInstallation) => "other-installation",
        Some(_) => "not-verified",
    }
}

#[derive(Serialize)]
struct UnregisteredLine {
    event: &'static str,
    registered: bool,
    development: bool,
}

#[derive(Serialize)]
struct LicenseLine<'a> {
    event: &'static str,
    registered: bool,
    #[serde(serialize_with = "super::as_text")]
    license: LicenseNumber,
    name: &'a str,
    company: &'a str,
    issued: String,
    expires: Option<String>,
    standing: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    installation: String,
    development: bool,
}

impl LicenseLine<'_> {
    fn text(&self, problem: Option<&Problem>) -> String {
        let dash = |text: &str| if text.is_empty() { "-" } else { text }.to_owned();
        let rows = [
            ("license", self.license.to_string()),
            ("name", dash(self.name)),
            ("company", dash(self.company)),
            ("issued", self.issued.clone()),
            (
                "last day",
                dash(self.expires.as_deref().unwrap_or_default()),
            ),
            ("status", problem.map_or("valid".to_owned(), words::line)),
            ("installation", self.installation.clone()),
        ];
        let table = table::pairs(rows);
        match problem {
            Some(problem) => format!("{table}\n{}", words::of(problem.reason).advice),
            None => table,
        }
    }
}
