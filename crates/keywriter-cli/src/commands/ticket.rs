//! `keywriter ticket new|show|approve|withdraw`

use super::{find, of_module, person, policy, require_app_pin, root_for_work, survey_all, take};
use crate::{
    args::{Args, CopyChoices, NewTicket, TicketCommand},
    commands::letter::check_output,
    failure::Failure,
    output::{self, Event},
    table,
};
use keywriter::{
    Options, Serial,
    genuine::TrustedRoot,
    letter::{
        members::{self, Members},
        post::Post,
    },
    module::ConnectedModule,
    problem::{Problem, Reason},
    settings::MasterState,
    team::Rekey,
    text::{counted, hex, listed, shown_path},
    ticket::{self, Allows, ApprovedTicket, TicketFacts, To, ToModules},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

pub(crate) fn run(args: &Args, command: &TicketCommand) -> Result<(), Failure> {
    match command {
        TicketCommand::New(new) => make(args, new),
        TicketCommand::Show { files } => show(args, files),
        TicketCommand::Approve { serial, file } => approve(args, *serial, file),
        TicketCommand::Withdraw { serial, file } => withdraw(args, *serial, file),
    }
}

fn make(args: &Args, new: &NewTicket) -> Result<(), Failure> {
    let (serial, output) = match new {
        NewTicket::Clone(choices) | NewTicket::Letter(choices) => (choices.serial, &choices.output),
        NewTicket::Rekey { serial, output, .. } => (*serial, output),
        NewTicket::Policy { policy, output } => (policy.serial, output),
    };
    check_output(output, false)?;
    require_app_pin(args)?;
    let mut found = survey_all(args)?;
    let mut master = take(&mut found, serial)?;
    let allows = match new {
        NewTicket::Clone(choices) => {
            let options = MasterState::load(&args.folders()?.master()).ok();
            let options = options.filter(|state| state.master == serial);
            let options = options.map_or_else(Options::default, |state| state.options);
            Allows::Clone(copies(choices, options))
        }
        NewTicket::Letter(choices) => {
            let options = super::letter::write::options(serial, &args.folders()?.master());
            Allows::Letter(copies(choices, options))
        }
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
        } => Allows::Policy(policy::wanted(args, choices, &master, &found)?),
    };
    let (party, status) = (master.facts.party(), master.facts.status);
    let party = party.ok_or_else(|| Failure::about(Reason::NotGenuine, serial))?;
    let status = status.ok_or_else(|| Failure::about(Reason::Locked, serial))?;
    let team = master.module.team().map_err(of_module(serial))?;
    let made = TicketFacts::new(&status, &team, &party, &allows)
        .map_err(|error| Failure::Problem(Problem::from(&error)))?;
    let approved = ApprovedTicket {
        ticket: made,
        approvals: BTreeMap::new(),
    };
    let mut post = Post::default();
    approved.put_into(&mut post);
    post.save(output, false)?;
    if args.json {
        return Event::new("ticket-made")
            .text("serial", serial)
            .with("ticket", hex(&approved.ticket.hash()))
            .with("quorum", team.policy.quorum)
            .path("file", output)
            .print();
    }
    let quorum = usize::from(team.policy.quorum);
    if quorum == 0 {
        return output::line(&format!(
            "{}: the team asks for no ticket now; it has no quorum",
            shown_path(output)
        ));
    }
    output::line(&format!(
        "{}: have {} run `keywriter ticket approve` on it",
        shown_path(output),
        counted(quorum, "custodian", "custodians")
    ))
}

fn copies(choices: &CopyChoices, options: Options) -> ToModules {
    ToModules {
        options,
        to: match choices.count {
            Some(count) => To::Any(count),
            None => To::Named(choices.to.iter().copied().collect()),
        },
    }
}

/// Shows tickets, each with a code. Needs the root, and no module.
fn show(args: &Args, files: &[PathBuf]) -> Result<(), Failure> {
    require_app_pin(args)?;
    let root = args.trusted_root()?;
    let (root, _) = root.ok_or_else(|| Failure::Problem(Reason::NoRoot.into()))?;
    let names = Names::read(args, None, &root)?;
    for approved in load(files, &root)? {
        let code = approved
            .ticket
            .code()
            .map_err(|error| Failure::Problem(Problem::from(&error)))?;
        if args.json {
            json(&approved, &names).with("code", code).print()?;
        } else {
            output::line(text(&approved, &names).trim_end())?;
            let grouped: Vec<_> = code
                .as_bytes()
                .chunks(4)
                .map(|four| String::from_utf8_lossy(four))
                .collect();
            output::line(&format!("code      {}", grouped.join(" ")))?;
            output::line(
                "A custodian who agrees types the code on the keypad of the own module, then KEY. Read it on another \
                 screen than that of the computer which the module is plugged into: that computer could show you one \
                 ticket and have the module sign another.",
            )?;
        }
    }
    Ok(())
}

fn approve(args: &Args, serial: Serial, file: &Path) -> Result<(), Failure> {
    require_app_pin(args)?;
    let root = root_for_work(args)?;
    let mut post = Post::load(file)?;
    let mut approved = one(file, ticket::approved([post.clone()], &root))?;
    let mut custodian = find(args, serial)?;
    let module = &mut custodian.module;
    let approval = person::typed(args, serial, &shown_path(file), || {
        module.approve_ticket(&approved.ticket, &root)
    })?;
    // Whatever else is in the file stays there.
    post.approvals.push(approval.as_bytes().to_vec());
    approved.approvals.insert(serial, approval);
    post.save(file, true)?;
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
    let approved = one(file, ticket::approved([Post::load(file)?], &root))?;
    let mut master = find(args, serial)?;
    let party = master.facts.party();
    if party.is_none_or(|party| party.certificate != approved.ticket.master) {
        return Err(Failure::about(Reason::OtherTicket, serial));
    }
    let keys = ("KEY+5", "to let it end this ticket");
    person::allowed(args, serial, keys, || {
        master.module.withdraw_ticket(&approved.ticket.number)
    })?;
    if args.json {
        return Event::new("ticket-withdrawn")
            .text("serial", serial)
            .with("ticket", hex(&approved.ticket.hash()))
            .print();
    }
    output::line(&format!("{serial} takes this ticket no more"))
}

/// The one ticket of a file.
fn one(
    file: &Path,
    tickets: Result<Vec<ApprovedTicket>, keywriter::letter::PostRefusal>,
) -> Result<ApprovedTicket, Failure> {
    let tickets =
        tickets.map_err(|why| Failure::Problem(Problem::from(why).about(shown_path(file))))?;
    match <[ApprovedTicket; 1]>::try_from(tickets) {
        Ok([ticket]) => Ok(ticket),
        Err(_none_or_many) => Err(Failure::about(Reason::NoTicket, shown_path(file))),
    }
}

/// Reads the tickets of files, each with all its approvals.
pub(crate) fn load(files: &[PathBuf], root: &TrustedRoot) -> Result<Vec<ApprovedTicket>, Failure> {
    let mut posts = Vec::new();
    for file in files {
        let post = Post::load(file)?;
        if post.tickets.is_empty() {
            return Err(Failure::about(Reason::NoTicket, shown_path(file)));
        }
        posts.push(post);
    }
    ticket::approved(posts, root).map_err(|why| {
        let files = files.iter().map(|file| shown_path(file));
        Failure::Problem(Problem::from(why).about(files.collect::<Vec<_>>().join(", ")))
    })
}

/// Shows a module the tickets; says of one that too few approved how many are missing.
pub(crate) fn present(
    tickets: &[ApprovedTicket],
    module: &mut ConnectedModule,
    serial: Serial,
) -> Result<(), Failure> {
    for approved in tickets {
        let agreed = approved.present(module).map_err(of_module(serial))?;
        if approved.approvals.is_empty() {
            output::note("nobody has approved the ticket yet\n");
        } else if agreed.approvals == 0 {
            output::note(&format!(
                "{serial} counts none of the approvals: they are not from custodians of its team\n"
            ));
        } else if agreed.approvals < agreed.quorum {
            output::note(&format!(
                "{serial} counts {} of {} approvals\n",
                agreed.approvals, agreed.quorum
            ));
        }
    }
    Ok(())
}

/// The serial numbers of modules that the receipts of this computer name, by their certificates.
pub(super) struct Names(pub(super) BTreeMap<[u8; 48], Serial>);

impl Names {
    pub(super) fn read(
        args: &Args,
        receipts: Option<&Path>,
        root: &TrustedRoot,
    ) -> Result<Self, Failure> {
        let folders = args.folders()?;
        let folder = receipts.map_or_else(|| folders.receipts(), Path::to_path_buf);
        let groups = members::of_all(&folder, root);
        let members = groups.values().flat_map(Members::values);
        let parties =
            members.flat_map(|member| [member.statement.master, member.statement.secondary]);
        Ok(Self(
            parties
                .map(|party| (party.certificate, party.serial))
                .collect(),
        ))
    }

    /// The serial number of a module, or else the beginning of its certificate's hash.
    pub(super) fn of(&self, certificate: &[u8; 48]) -> String {
        self.0.get(certificate).map_or_else(
            || {
                let [a, b, c, d, ..] = certificate;
                format!("certificate {}...", hex(&[*a, *b, *c, *d]))
            },
            Serial::to_string,
        )
    }
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
