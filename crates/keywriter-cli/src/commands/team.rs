//! `keywriter team export|import|rekey`

use super::{
    members, policy, require_app_pin, root_for_work, survey_all, take, teamwork,
    told::{self, Printer},
};
use crate::{
    args::{Args, RekeyChoices, TeamCommand},
    failure::Failure,
    output::{self, Event},
};
use keywriter::{
    Serial,
    genuine::TrustedRoot,
    letter::{
        members::{self as known_members, Letterboxes},
        post::Post,
    },
    problem::Reason,
    protocol::Rekeyed,
    receipt::{self, ReceiptError},
    team::Rekey,
    teamwork::{Output, tickets},
    text::{counted, listed, shown_path},
};
use std::path::Path;

pub(crate) fn run(args: &Args, command: &TeamCommand) -> Result<(), Failure> {
    match command {
        TeamCommand::List { module, receipts } => members::list(args, *module, receipts.as_deref()),
        TeamCommand::Name { serial, name } => members::name(args, *serial, name.as_deref()),
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

/// Writes the newest receipt and the letterbox of every member to one file. No module is needed.
fn export(
    args: &Args,
    receipts: Option<&Path>,
    (file, force): (&Path, bool),
) -> Result<(), Failure> {
    let output = Output {
        path: file,
        replace: force,
    };
    output.check().map_err(Failure::Problem)?;
    require_app_pin(args)?;
    let folders = args.folders()?;
    let folder = receipts.map_or_else(|| folders.receipts(), Path::to_path_buf);
    let root = root_of_reader(args)?;
    let known = Letterboxes::new(folders.letterboxes());
    let mut post = Post::default();
    for members in known_members::of_all(&folder, &root).values() {
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
    let folder = args.folders()?.receipts();
    let folder = receipts.unwrap_or(&folder);
    let root = root_of_reader(args)?;
    let post = Post::load(file)?;
    if post.members.is_empty() {
        return Err(Failure::about(Reason::NoReceipts, shown_path(file)));
    }
    let (mut new, mut refused) = (0, 0);
    for bytes in &post.members {
        match receipt::import(folder, bytes, &root) {
            Ok((_, is_new)) => new += usize::from(is_new),
            Err(ReceiptError::Refused { .. }) => refused += 1,
            Err(error) => return Err(error.into()),
        }
    }
    let printer = Printer::new(args);
    let tell = |told| printer.tell(told);
    teamwork(args, &root, None, &tell)?.keep(post.letterboxes);
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
pub(super) fn root_of_reader(args: &Args) -> Result<TrustedRoot, Failure> {
    let root = args.trusted_root()?;
    root.map(|(root, _)| root)
        .ok_or_else(|| Failure::Problem(Reason::NoRoot.into()))
}

fn rekey(args: &Args, choices: &RekeyChoices) -> Result<(), Failure> {
    let letters = choices.letters.as_deref().map(|path| Output {
        path,
        replace: false,
    });
    if let Some(output) = letters {
        output.check().map_err(Failure::Problem)?;
    }
    require_app_pin(args)?;
    let serial = choices.serial;
    let rekey = Rekey {
        without: choices.without.iter().copied().collect(),
        may_drop: choices.drop_oldest,
    };
    let root = root_for_work(args)?;
    let given = tickets::load(&choices.ticket, &root).map_err(Failure::Problem)?;
    let mut found = survey_all(args)?;
    let mut master = take(&mut found, serial)?;
    let printer = Printer::new(args);
    let tell = |told| printer.tell(told);
    let work = teamwork(args, &root, choices.receipts.as_deref(), &tell)?;
    let next = work.rekey(&mut master, &rekey, &given);
    let next = next.map_err(Failure::Problem)?;
    let shown = if args.json {
        print_json(serial, &rekey, next)
    } else {
        print_text(&rekey, next, letters.is_some())
    };
    // The members get the epoch even if that cannot be shown.
    let spread = work.spread(&mut master, found, (&rekey.without, &given), letters);
    let tally = printer.finish(spread)?;
    shown?;
    told::all(tally)
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
