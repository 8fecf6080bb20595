//! `keywriter ticket new|show|approve|withdraw`

use super::{
    find, policy, require_app_pin, root_for_work, survey_all, take, teamwork, told::Printer,
};
use crate::{
    args::{Args, CopyChoices, NewTicket, TicketCommand},
    failure::Failure,
    output::{self, Event},
    table,
};
use keywriter::{
    Options, Serial,
    license::Portal,
    problem::{Problem, Reason},
    team::Rekey,
    teamwork::{
        Output,
        tickets::{self, Names},
    },
    text::{counted, hex, listed, shown_path},
    ticket::{
        Allows, ApprovedTicket, To, ToModules,
        screen::{Qr, grouped},
    },
};
use std::{
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
};

pub(crate) fn run(args: &Args, command: &TicketCommand) -> Result<(), Failure> {
    match command {
        TicketCommand::New(new) => make(args, new),
        TicketCommand::Show { files, qr, portal } => {
            show(args, files, qr.then_some(portal.portal.as_str()))
        }
        TicketCommand::Approve { serial, file } => approve(args, *serial, file),
        TicketCommand::Withdraw { serial, file } => withdraw(args, *serial, file),
    }
}

fn make(args: &Args, new: &NewTicket) -> Result<(), Failure> {
    let (serial, path, receipts) = match new {
        NewTicket::Clone(choices) | NewTicket::Letter(choices) => {
            (choices.serial, &choices.output, None)
        }
        NewTicket::Rekey { serial, output, .. } => (*serial, output, None),
        NewTicket::Policy { policy, output } => (policy.serial, output, policy.receipts.as_deref()),
    };
    let output = Output {
        path,
        replace: false,
    };
    output.check().map_err(Failure::Problem)?;
    require_app_pin(args)?;
    let root = root_for_work(args)?;
    let mut found = survey_all(args)?;
    let mut master = take(&mut found, serial)?;
    let printer = Printer::new(args);
    let tell = |told| printer.tell(told);
    let work = teamwork(args, &root, receipts, &tell)?;
    let allows = match new {
        NewTicket::Clone(choices) => work.may_clone(serial, to(choices)),
        NewTicket::Letter(choices) => work.may_write(serial, to(choices)),
        NewTicket::Rekey {
            without,
            drop_oldest,
            ..
        } => Allows::Rekey(Rekey {
            without: without.iter().copied().collect(),
            may_drop: *drop_oldest,
        }),
        NewTicket::Policy {
            policy: choices, ..
        } => Allows::Policy(policy::wanted(&work, choices, &master, &found)?),
    };
    let made = work.make_ticket(&mut master, &allows, output);
    let (approved, team) = printer.finish(made)?;
    if args.json {
        return Event::new("ticket-made")
            .text("serial", serial)
            .with("ticket", hex(&approved.ticket.hash()))
            .with("quorum", team.policy.quorum)
            .path("file", path)
            .print();
    }
    let quorum = usize::from(team.policy.quorum);
    if quorum == 0 {
        return output::line(&format!(
            "{}: the team asks for no ticket now; it has no quorum",
            shown_path(path)
        ));
    }
    output::line(&format!(
        "{}: have {} run `keywriter ticket approve` on it",
        shown_path(path),
        counted(quorum, "custodian", "custodians")
    ))
}

fn to(choices: &CopyChoices) -> To {
    match choices.count {
        Some(count) => To::Any(count),
        None => To::Named(choices.to.iter().copied().collect()),
    }
}

/// Shows tickets, each with a code, and the QR code of a portal's page. Needs the root, and no module.
fn show(args: &Args, files: &[PathBuf], portal: Option<&str>) -> Result<(), Failure> {
    require_app_pin(args)?;
    // The address is checked as one to register at is.
    portal.map(Portal::new).transpose()?;
    let root = args.trusted_root()?;
    let (root, _) = root.ok_or_else(|| Failure::Problem(Reason::NoRoot.into()))?;
    let names = Names::read(&args.folders()?.receipts(), &root);
    for approved in tickets::load(files, &root).map_err(Failure::Problem)? {
        let code = approved
            .ticket
            .code()
            .map_err(|error| Failure::Problem(Problem::from(&error)))?;
        if args.json {
            let address = portal.map(|portal| approved.ticket.address(portal));
            let event = json(&approved, &names).with("code", code);
            event.some("address", address).print()?;
        } else {
            output::line(text(&approved, &names).trim_end())?;
            output::line(&format!("code      {}", grouped(&code)))?;
            output::line(
                "A custodian who agrees types the code on the keypad of the own module, then KEY. Read it on another \
                 screen than that of the computer which the module is plugged into: that computer could show you one \
                 ticket and have the module sign another.",
            )?;
            if let Some(portal) = portal {
                let qr = approved.ticket.qr(portal);
                draw(
                    &qr.map_err(|error| Failure::Problem(Problem::from(&error)))?,
                    portal,
                )?;
            }
        }
    }
    Ok(())
}

/// Draws a QR code: on a terminal in black on white, whatever its colors are.
fn draw(qr: &Qr, portal: &str) -> Result<(), Failure> {
    let (begin, end) = if io::stdout().is_terminal() {
        ("\x1b[30;107m", "\x1b[0m")
    } else {
        ("", "")
    };
    for line in qr.lines() {
        output::line(&format!("{begin}{line}{end}"))?;
    }
    output::line(&format!(
        "Scan it with a phone, and compare the address that its browser shows: {}/ticket",
        portal.trim_end_matches('/')
    ))
}

fn approve(args: &Args, serial: Serial, file: &Path) -> Result<(), Failure> {
    require_app_pin(args)?;
    let root = root_for_work(args)?;
    // A file that cannot be read is reported before anybody is asked for anything.
    tickets::load_one(file, &root).map_err(Failure::Problem)?;
    let mut custodian = find(args, serial)?;
    let printer = Printer::new(args);
    let tell = |told| printer.tell(told);
    let approved = teamwork(args, &root, None, &tell)?.approve(&mut custodian, file);
    let approved = printer.finish(approved)?;
    let approvals = approved.approvals.len();
    if args.json {
        return Event::new("ticket-approved")
            .text("serial", serial)
            .with("ticket", hex(&approved.ticket.hash()))
            .with("approvals", approvals)
            .path("file", file)
            .print();
    }
    output::line(&format!(
        "{serial} approved it; {} in {}",
        counted(approvals, "approval", "approvals"),
        shown_path(file)
    ))
}

fn withdraw(args: &Args, serial: Serial, file: &Path) -> Result<(), Failure> {
    require_app_pin(args)?;
    let root = root_for_work(args)?;
    let (approved, _) = tickets::load_one(file, &root).map_err(Failure::Problem)?;
    let mut master = find(args, serial)?;
    let printer = Printer::new(args);
    let tell = |told| printer.tell(told);
    let ended = teamwork(args, &root, None, &tell)?.withdraw(&mut master, &approved);
    printer.finish(ended)?;
    if args.json {
        return Event::new("ticket-withdrawn")
            .text("serial", serial)
            .with("ticket", hex(&approved.ticket.hash()))
            .print();
    }
    output::line(&format!("{serial} takes this ticket no more"))
}

fn allowed(allows: &Allows, names: &Names) -> String {
    let to = |copies: &ToModules| match &copies.to {
        To::Any(1) => "one module, whichever it is".to_owned(),
        To::Any(count) => format!("{count} modules, whichever they are"),
        To::Named(serials) => {
            let serials: Vec<_> = serials.iter().copied().collect();
            format!("{}, once", listed(&serials))
        }
    };
    match allows {
        Allows::Clone(copies) => format!("clone to {}", to(copies)),
        Allows::Letter(copies) => format!("clone by letter to {}", to(copies)),
        Allows::Rekey(rekey) => {
            let without: Vec<_> = rekey.without.iter().copied().collect();
            let without = if without.is_empty() {
                "retire nobody".to_owned()
            } else {
                format!("retire {}", listed(&without))
            };
            let dropped = if rekey.may_drop {
                ", and drop the oldest epoch"
            } else {
                ""
            };
            format!("re-key, {without}{dropped}")
        }
        Allows::Policy(policy) if policy.quorum == 0 => "ask nobody any more".to_owned(),
        Allows::Policy(policy) => {
            let custodians = policy.custodians.iter().map(|one| names.of(one));
            let mut custodians: Vec<_> = custodians.collect();
            custodians.sort_unstable();
            format!("let {} of {} decide", policy.quorum, custodians.join(", "))
        }
    }
}

fn choices(allows: &Allows) -> Option<Options> {
    match allows {
        Allows::Clone(copies) | Allows::Letter(copies) => Some(copies.options),
        Allows::Rekey(_) | Allows::Policy(_) => None,
    }
}

fn text(approved: &ApprovedTicket, names: &Names) -> String {
    let ticket = &approved.ticket;
    let mut rows = vec![
        vec!["ticket".to_owned(), hex(&ticket.number)],
        vec!["allows".to_owned(), allowed(&ticket.allows, names)],
    ];
    if let Some(options) = choices(&ticket.allows) {
        let chosen = [
            (options.auto_lock, "auto-lock"),
            (options.user_pin_policy, "User PIN policy"),
            (options.disable_master, "disable master"),
        ];
        let chosen: Vec<_> = chosen
            .iter()
            .filter_map(|(is_chosen, name)| is_chosen.then_some(*name))
            .collect();
        let chosen = if chosen.is_empty() {
            "none".to_owned()
        } else {
            chosen.join(", ")
        };
        rows.push(vec!["choices".to_owned(), chosen]);
    }
    let approvals: Vec<_> = approved.approvals.keys().copied().collect();
    let approvals = if approvals.is_empty() {
        "nobody yet".to_owned()
    } else {
        listed(&approvals)
    };
    rows.extend([
        vec!["master".to_owned(), names.of(&ticket.master)],
        vec![
            "team".to_owned(),
            format!("{}, epoch {}", hex(&ticket.group), ticket.epoch),
        ],
        vec!["approved".to_owned(), approvals],
    ]);
    table::render(&rows)
}

fn json(approved: &ApprovedTicket, names: &Names) -> Event {
    let ticket = &approved.ticket;
    let approvals = approved.approvals.keys().map(Serial::to_string);
    let event = Event::new("ticket")
        .with("number", hex(&ticket.number))
        .with("ticket", hex(&ticket.hash()))
        .with("group", hex(&ticket.group))
        .epoch(ticket.epoch)
        .with("master", names.of(&ticket.master))
        .with("allows", allowed(&ticket.allows, names))
        .with("approved", approvals.collect::<Vec<_>>());
    match choices(&ticket.allows) {
        Some(options) => event.choices(options),
        None => event,
    }
}
