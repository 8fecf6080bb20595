//! `keywriter team list|export|import|rekey`

use super::{
    letter::{
        self,
        write::{LeftOut, to_members, write_and_save},
    },
    of_module, person, policy, require_app_pin, root_for_work, survey_all, take, ticket,
};
use crate::{
    args::{Args, RekeyChoices, TeamCommand},
    failure::Failure,
    output::{self, Event},
    table,
};
use keywriter::{
    Options, Serial,
    genuine::TrustedRoot,
    letter::{
        GenuineLetterbox, LetterFor,
        desk::Desk,
        members::{self, Letterboxes, Member, Members},
        post::Post,
    },
    module::ConnectedModule,
    problem::{Problem, Reason},
    protocol::Rekeyed,
    receipt::{self, ReceiptError},
    survey::{Present, Survey},
    team::Rekey,
    text::{counted, hex, listed, shown_path},
    ticket::ApprovedTicket,
};
use std::{collections::BTreeSet, path::Path};

pub(crate) fn run(args: &Args, command: &TeamCommand) -> Result<(), Failure> {
    match command {
        TeamCommand::List { receipts } => list(args, receipts.as_deref()),
        TeamCommand::Export {
            file,
            receipts,
            force,
        } => export(args, receipts.as_deref(), (file, *force)),
        TeamCommand::Import { file, receipts } => import(args, receipts.as_deref(), file),
        TeamCommand::Rekey(choices) => rekey(args, choices),
        TeamCommand::Show { serial, receipts } => policy::show(args, *serial, receipts.as_deref()),
        TeamCommand::Policy {
            policy: choices,
            ticket,
        } => policy::set(args, choices, ticket),
    }
}

/// Shows who is in which team. Only the root and the folder of receipts are needed, no module.
fn list(args: &Args, receipts: Option<&Path>) -> Result<(), Failure> {
    require_app_pin(args)?;
    let folders = args.folders()?;
    let folder = receipts.map_or_else(|| folders.receipts(), Path::to_path_buf);
    let root = root_of_reader(args)?;
    let letterboxes = Letterboxes::new(folders.letterboxes());
    let teams = members::of_all(&folder, &root);
    if teams.is_empty() && !args.json {
        return output::line(&format!("no receipts in {}", shown_path(&folder)));
    }
    for (group, members) in &teams {
        let newest = members.values().map(|member| member.epoch().number).max();
        let row = |(serial, member): (&Serial, &Member)| {
            let epoch = member.epoch();
            Row {
                serial: *serial,
                behind: newest.is_some_and(|newest| epoch.number < newest),
                letterbox: letterboxes.of(*serial, &root).map(|found| found.number()),
                member: member.clone(),
            }
        };
        let rows: Vec<_> = members.iter().map(row).collect();
        if args.json {
            for row in &rows {
                row.json(group).print()?;
            }
        } else {
            let lines: Vec<_> = [HEADING.map(String::from).to_vec()]
                .into_iter()
                .chain(rows.iter().map(Row::cells))
                .collect();
            output::line(&format!("team {}", hex(group)))?;
            output::line(table::render(&lines).trim_end())?;
        }
    }
    Ok(())
}

/// Writes the newest receipt and the letterbox of every member to one file. No module is needed.
fn export(
    args: &Args,
    receipts: Option<&Path>,
    (file, force): (&Path, bool),
) -> Result<(), Failure> {
    letter::check_output(file, force)?;
    require_app_pin(args)?;
    let folders = args.folders()?;
    let folder = receipts.map_or_else(|| folders.receipts(), Path::to_path_buf);
    let root = root_of_reader(args)?;
    let known = Letterboxes::new(folders.letterboxes());
    let mut post = Post::default();
    for members in members::of_all(&folder, &root).values() {
        for (serial, member) in members {
            post.members.push(receipt::load(&member.receipt)?);
            let letterbox = known.of(*serial, &root);
            post.letterboxes
                .extend(letterbox.map(|letterbox| letterbox.as_bytes().to_vec()));
        }
    }
    if post == Post::default() {
        return Err(Failure::about(Reason::NoReceipts, shown_path(&folder)));
    }
    post.save(file, force)?;
    let members = post.members.len();
    if args.json {
        return Event::new("team-exported")
            .with("members", members)
            .with("letterboxes", post.letterboxes.len())
            .path("file", file)
            .print();
    }
    output::line(&format!(
        "{} in {}",
        counted(members, "member", "members"),
        shown_path(file)
    ))
}

/// Keeps the receipts and letterboxes of a file that another computer wrote.
fn import(args: &Args, receipts: Option<&Path>, file: &Path) -> Result<(), Failure> {
    require_app_pin(args)?;
    let folders = args.folders()?;
    let folder = receipts.map_or_else(|| folders.receipts(), Path::to_path_buf);
    let root = root_of_reader(args)?;
    let post = Post::load(file)?;
    if post.members.is_empty() {
        return Err(Failure::about(Reason::NoReceipts, shown_path(file)));
    }
    let (mut new, mut refused) = (0, 0);
    for bytes in &post.members {
        match receipt::import(&folder, bytes, &root) {
            Ok((_, is_new)) => new += usize::from(is_new),
            Err(ReceiptError::Refused { .. }) => refused += 1,
            Err(error) => return Err(error.into()),
        }
    }
    letter::keep(
        &Letterboxes::new(folders.letterboxes()),
        post.letterboxes,
        &root,
    );
    if refused == post.members.len() {
        return Err(Failure::about(Reason::ReceiptNotVerified, shown_path(file)));
    }
    if refused > 0 {
        output::note(&format!(
            "{}: left out, since no module of this root signed what they say\n",
            counted(refused, "receipt", "receipts")
        ));
    }
    if args.json {
        return Event::new("team-imported")
            .with("members", post.members.len() - refused)
            .with("new", new)
            .with("refused", refused)
            .print();
    }
    output::line(&format!(
        "{}, {new} of them new",
        counted(post.members.len() - refused, "member", "members")
    ))
}

/// The root that receipts are read under, where no module is looked for.
fn root_of_reader(args: &Args) -> Result<TrustedRoot, Failure> {
    let root = args.trusted_root()?;
    root.map(|(root, _)| root)
        .ok_or_else(|| Failure::Problem(Reason::NoRoot.into()))
}

const HEADING: [&str; 5] = ["SERIAL", "EPOCH", "CLONED BY", "LETTERBOX", "RECEIPT"];

/// A member as it is shown.
struct Row {
    serial: Serial,
    member: Member,
    /// Whether another member has a newer epoch.
    behind: bool,
    /// The number of its letterbox, if this computer has one: then a letter can be written while it is elsewhere.
    letterbox: Option<u64>,
}

impl Row {
    fn cells(&self) -> Vec<String> {
        let epoch = self.member.epoch().number;
        let behind = if self.behind { " (behind)" } else { "" };
        let letterbox = self.letterbox.map_or("none", |_number| "known");
        vec![
            self.serial.to_string(),
            format!("{epoch}{behind}"),
            self.member.statement.master.serial.to_string(),
            letterbox.to_owned(),
            shown_path(&self.member.receipt),
        ]
    }

    fn json(&self, group: &[u8; 16]) -> Event {
        Event::new("member")
            .with("group", hex(group))
            .text("serial", self.serial)
            .epoch(self.member.epoch())
            .with("behind", self.behind)
            .text("master", self.member.statement.master.serial)
            .with("letterbox", self.letterbox)
            .path("receipt", &self.member.receipt)
    }
}

fn rekey(args: &Args, choices: &RekeyChoices) -> Result<(), Failure> {
    if let Some(file) = &choices.letters {
        letter::check_output(file, false)?;
    }
    require_app_pin(args)?;
    let serial = choices.serial;
    let rekey = Rekey {
        without: choices.without.iter().copied().collect(),
        may_drop: choices.drop_oldest,
    };
    let mut found = survey_all(args)?;
    let mut master = take(&mut found, serial)?;
    warn_of_unknown(&mut master.module, serial, &rekey)?;
    let tickets = if choices.ticket.is_empty() {
        Vec::new()
    } else {
        ticket::load(&choices.ticket, &root_for_work(args)?)?
    };
    ticket::present(&tickets, &mut master.module, serial)?;
    let keys = ("KEY+2", "to let it re-key its team");
    let next = person::allowed(args, serial, keys, || master.module.rekey(&rekey))?;
    if args.json {
        print_json(serial, &rekey, next)?;
    } else {
        print_text(&rekey, next, choices.letters.is_some())?;
    }
    let updated = update_present(args, choices, (&mut master, &mut found), &tickets)?;
    match &choices.letters {
        Some(file) => {
            let others = (found, &updated);
            write_letters(args, choices, (master, others), (&tickets, file))
        }
        None => Ok(()),
    }
}

/// Gives the new epoch at once to the members that are plugged in and unlocked, by a letter that goes nowhere else. Returns
/// those that have it.
fn update_present(
    args: &Args,
    choices: &RekeyChoices,
    (master, found): (&mut Present, &mut Survey),
    tickets: &[ApprovedTicket],
) -> Result<BTreeSet<Serial>, Failure> {
    let group = master.facts.status.map(|status| status.group);
    let is_member = |present: &&mut Present| {
        let status = present.facts.status;
        present.facts.is_genuine()
            && status.is_some_and(|status| Some(status.group) == group)
            && !choices.without.contains(&present.facts.serial)
    };
    let mut members: Vec<_> = found.modules.iter_mut().filter(is_member).collect();
    if members.is_empty() {
        return Ok(BTreeSet::new());
    }
    let (folders, root) = (args.folders()?, root_for_work(args)?);
    let receipts = choices.receipts.clone();
    let receipts = receipts.unwrap_or_else(|| folders.receipts());
    let options = letter::write::options(choices.serial, &folders.master());
    let mut desk = letter::desk(master, &root)?;
    let mut updated = BTreeSet::new();
    for present in &mut members {
        let serial = present.facts.serial;
        match update(
            args,
            &mut desk,
            (present, tickets),
            (options, &root, &receipts),
        ) {
            Ok(()) => {
                updated.insert(serial);
            }
            Err(Failure::Problem(problem)) => letter::print_failed(args, Some(serial), &problem)?,
            Err(failure) => return Err(failure),
        }
    }
    Ok(updated)
}

/// Writes one member its letter, has it taken, and closes it.
fn update(
    args: &Args,
    desk: &mut Desk<'_>,
    (present, tickets): (&mut Present, &[ApprovedTicket]),
    (options, root, receipts): (Options, &TrustedRoot, &Path),
) -> Result<(), Failure> {
    let serial = present.facts.serial;
    let status = present.facts.status;
    let status = status.ok_or_else(|| Failure::about(Reason::Locked, serial))?;
    let letterbox = present.module.letterbox().map_err(of_module(serial))?;
    let letterbox = GenuineLetterbox::check(letterbox, root)
        .map_err(|why| Failure::Problem(Problem::from(why).about(serial)))?;
    let shared = status.epoch;
    let wanted = [(letterbox, LetterFor::Member { shared })];
    for letter in desk.write(options, &wanted)? {
        let letter = letter.map_err(of_module(serial))?;
        let taken = letter::take::take(args, present, (&[letter], tickets), root)?;
        letter::take::print(args, serial, &taken)?;
        let tell = |_aside| ();
        let (path, _) = desk
            .close(taken.receipt, receipts, &tell)
            .map_err(|error| Failure::Problem(Problem::from(&error).about(serial)))?;
        letter::print_closed(args, serial, &path)?;
    }
    let next = present.module.letterbox().ok();
    let known = Letterboxes::new(args.folders()?.letterboxes());
    letter::keep(&known, next.into_iter().collect(), root);
    Ok(())
}

/// Writes letters with the new epoch for all members whose letterbox is known, or can be asked for now. If this fails,
/// the team is re-keyed all the same, and `keywriter letter write --members` writes them.
fn write_letters(
    args: &Args,
    choices: &RekeyChoices,
    (mut master, (others, updated)): (Present, (Survey, &BTreeSet<Serial>)),
    (tickets, file): (&[ApprovedTicket], &Path),
) -> Result<(), Failure> {
    let folders = args.folders()?;
    let root = root_for_work(args)?;
    let known = Letterboxes::new(folders.letterboxes());
    // They may be locked: a letterbox is given in every state.
    let asked = others.modules.into_iter().filter_map(|mut present| {
        let is_genuine = present.facts.is_genuine();
        is_genuine
            .then(|| present.module.letterbox().ok())
            .flatten()
    });
    letter::keep(&known, asked.collect(), &root);
    let status = master.facts.status;
    let members = status.map_or_else(Members::new, |status| {
        let receipts = choices.receipts.clone();
        let receipts = receipts.unwrap_or_else(|| folders.receipts());
        members::of_group(&receipts, &status.group, &root)
    });
    let is_meant = |serial: &Serial, _: &Member| {
        !choices.without.contains(serial) && !updated.contains(serial)
    };
    let wanted = to_members(&members, &known, &root, is_meant);
    let options = letter::write::options(choices.serial, &folders.master());
    let mut desk = letter::desk(&mut master, &root)?;
    write_and_save(
        args,
        (&mut desk, options),
        (&wanted, tickets, LeftOut::Retired),
        (file, false),
    )
}

/// Names modules that are to be retired and that this master never cloned to: a serial number with a slip of the pen
/// would leave the lost module in the team.
fn warn_of_unknown(
    module: &mut ConnectedModule,
    serial: Serial,
    rekey: &Rekey,
) -> Result<(), Failure> {
    if rekey.without.is_empty() {
        return Ok(());
    }
    let journal = module.journal().map_err(of_module(serial))?;
    let is_unknown = |retired: &Serial| journal.table.iter().all(|row| row.serial != *retired);
    let unknown: Vec<_> = rekey.without.iter().copied().filter(is_unknown).collect();
    if !unknown.is_empty() {
        output::note(&format!(
            "not in the journal of {serial}: {}; check the serial number before you allow it\n",
            listed(&unknown)
        ));
    }
    Ok(())
}

/// What was done, what is to be done now, and what no re-key does.
fn print_text(rekey: &Rekey, rekeyed: Rekeyed, has_letters: bool) -> Result<(), Failure> {
    output::line(&format!(
        "the team has epoch {}: it encrypts from now on, older ones only decrypt",
        rekeyed.epoch
    ))?;
    if let Some(dropped) = rekeyed.dropped {
        output::line(&format!(
            "epoch {dropped} was dropped: no module that gets this keyring reads its files any more"
        ))?;
    }
    if !rekey.without.is_empty() {
        let without: Vec<_> = rekey.without.iter().copied().collect();
        output::line(&format!(
            "retired: {}; what it could read, it can still read, and nothing that is encrypted from now on",
            listed(&without)
        ))?;
    }
    if !has_letters {
        output::line(
            "the other modules cannot read what is encrypted from now on until each has the epoch: by letter \
             (`keywriter letter write`), or cloned again (`keywriter clone`)",
        )?;
    }
    output::line("senders of age files need the new recipient: `keywriter recipient`")
}

fn print_json(serial: Serial, rekey: &Rekey, rekeyed: Rekeyed) -> Result<(), Failure> {
    let without: Vec<_> = rekey.without.iter().map(Serial::to_string).collect();
    Event::new("rekeyed")
        .text("serial", serial)
        .epoch(rekeyed.epoch)
        .with("without", without)
        .with("dropped", rekeyed.dropped.map(|epoch| epoch.number))
        .print()
}
