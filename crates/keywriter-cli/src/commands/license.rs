//! `keywriter license show|refresh`

use super::now;
use crate::{
    args::{Args, LicenseCommand},
    failure::Failure,
    output::{self, Event},
    table, words,
};
use keywriter::{
    license::{Anchors, GateRefusal, Portal, Registration, is_development_build},
    problem::{Problem, Reason},
};

pub(crate) fn run(args: &Args, command: &LicenseCommand) -> Result<(), Failure> {
    let store = args.license_store()?;
    let registration = match command {
        LicenseCommand::Show => store.registration()?,
        LicenseCommand::Refresh(choice) => {
            let portal = Portal::new(&choice.portal)?;
            Some(store.refresh(&portal, &Anchors::of_this_build(), now())?)
        }
    };
    match registration {
        Some(registration) => print(args, &registration),
        None if args.json => Event::new("license")
            .with("registered", false)
            .with("development", is_development_build())
            .print(),
        None => output::line(&format!(
            "this app is not registered: it can be tried out with virtual modules\n  {}",
            words::of(Reason::NotRegistered).advice
        )),
    }
}

fn print(args: &Args, registration: &Registration) -> Result<(), Failure> {
    let claims = registration.claims()?;
    let refusal = registration.decide(&Anchors::of_this_build(), now()).err();
    let problem = refusal.as_ref().map(Problem::from);
    let expires = claims.expires.map(|day| day.to_string());
    if args.json {
        return Event::new("license")
            .with("registered", true)
            .text("license", claims.number)
            .with("name", claims.holder.name())
            .with("company", claims.holder.company())
            .text("issued", claims.issued)
            .with("expires", expires)
            .with("standing", standing(refusal))
            .some("reason", problem.map(|problem| problem.reason.code()))
            .text("installation", registration.installation())
            .with("development", is_development_build())
            .print();
    }
    let dash = |text: &str| if text.is_empty() { "-" } else { text }.to_owned();
    let status = problem.as_ref().map_or("valid".to_owned(), words::line);
    let mut text = table::pairs([
        ("license", claims.number.to_string()),
        ("name", dash(claims.holder.name())),
        ("company", dash(claims.holder.company())),
        ("issued", claims.issued.to_string()),
        ("last day", dash(expires.as_deref().unwrap_or_default())),
        ("status", status),
        ("installation", registration.installation().to_string()),
    ]);
    if let Some(problem) = problem {
        text.push('\n');
        text.push_str(words::of(problem.reason).advice);
    }
    output::line(text.trim_end())
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
