//! `keywriter register`

use super::{now, of_file};
use crate::{
    args::{Args, RegisterChoices},
    failure::Failure,
    output::{self, Event},
    pin::PinSource,
};
use keywriter::{
    license::{Anchors, Launched, LicenseFile, Portal, RequestCode, ResponseCode},
    problem::Reason,
};
use std::{
    fs,
    io::{self, BufRead, IsTerminal},
};

pub(crate) fn run(args: &Args, choices: &RegisterChoices) -> Result<(), Failure> {
    let store = args.license_store()?;
    if choices.offline {
        offline(args, &store, choices)
    } else {
        online(args, &store, choices)
    }
}

fn online(args: &Args, store: &LicenseFile, choices: &RegisterChoices) -> Result<(), Failure> {
    // The address first: a wrong one is reported before a PIN is asked for.
    let portal = Portal::new(&choices.portal.portal)?;
    let pin = PinSource::open(args)?.ask("PIN number, as received: ")?;
    let license = (choices.license, &pin);
    let session = store.register(&portal, license, &Anchors::of_this_build(), now())?;
    print(args, &session)
}

fn offline(args: &Args, store: &LicenseFile, choices: &RegisterChoices) -> Result<(), Failure> {
    let request = store.request(choices.license)?;
    let typed = if let Some(path) = &choices.response {
        fs::read_to_string(path).map_err(of_file(Reason::CannotRead, path))?
    } else {
        show(args, &request)?;
        type_in().map_err(Failure::NoTerminal)?
    };
    if typed.trim().is_empty() {
        // The request stays the same: the response may come another day.
        return Ok(());
    }
    let response = ResponseCode::parse(&typed)?;
    let mut source = PinSource::open(args)?;
    let pin = source.ask("PIN number, as received: ")?;
    // The portal is not asked, so only this can find a mistyped PIN.
    if source.ask("The same PIN again: ")?.expose() != pin.expose() {
        return Err(Failure::Problem(Reason::PinsDiffer.into()));
    }
    let codes = (&request, &response);
    let session = store.complete(codes, &pin, &Anchors::of_this_build(), now())?;
    print(args, &session)
}

fn show(args: &Args, request: &RequestCode) -> Result<(), Failure> {
    let code = request.to_string();
    if args.json {
        return Event::new("request-code")
            .text("license", request.number)
            .with("code", code)
            .print();
    }
    output::line(&format!(
        "request code, for the portal's page \"Offline registration\" on another computer:\n\n{code}\n"
    ))?;
    if io::stdin().is_terminal() {
        output::line(
            "type the response code and then an empty line; or only an empty line, to enter it later:",
        )?;
    }
    Ok(())
}

/// Reads lines up to an empty one, the end, or a whole code.
fn type_in() -> io::Result<String> {
    let mut typed = String::new();
    for line in io::stdin().lock().lines().take(LINES) {
        let line = line?;
        if line.trim().is_empty() {
            break;
        }
        typed.push_str(&line);
        typed.push('\n');
        if ResponseCode::parse(&typed).is_ok() {
            break;
        }
    }
    Ok(typed)
}

fn print(args: &Args, session: &Launched) -> Result<(), Failure> {
    let claims = session.registration().claims()?;
    let last = claims.expires.map(|day| day.to_string());
    if args.json {
        return Event::new("registered")
            .text("license", claims.number)
            .with("name", claims.holder.name())
            .with("company", claims.holder.company())
            .with("expires", last)
            .print();
    }
    let until = last.map_or(String::new(), |day| format!(", until {day}"));
    output::line(&format!(
        "registration successful: license {}{until}",
        claims.number
    ))
}

/// More lines than any way of writing a code has.
const LINES: usize = 64;
