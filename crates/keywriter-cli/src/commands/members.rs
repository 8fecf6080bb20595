//! `keywriter team list|name`

use super::{find, of_module, permission_name, require_app_pin, team::root_of_reader};
use crate::{
    args::Args,
    failure::Failure,
    output::{self, Event},
    table,
};
use keywriter::{
    Serial,
    genuine::TrustedRoot,
    letter::members::{self, Letterboxes, Member, Members},
    license::Day,
    nicknames::Nicknames,
    team::TeamFacts,
    text::{hex, shown, shown_path},
};
use std::path::Path;

/// Shows who is in which team. Only the root and the folder of receipts are needed; a module is asked if one is named.
pub(super) fn list(
    args: &Args,
    module: Option<Serial>,
    receipts: Option<&Path>,
) -> Result<(), Failure> {
    require_app_pin(args)?;
    let folders = args.folders()?;
    let folder = receipts.map_or_else(|| folders.receipts(), Path::to_path_buf);
    let root = root_of_reader(args)?;
    let told = module.map(|serial| ask(args, serial)).transpose()?;
    let teams = members::of_all(&folder, &root);
    if teams.is_empty() && !args.json {
        return output::line(&format!("no receipts in {}", shown_path(&folder)));
    }
    let known = Known {
        letterboxes: Letterboxes::new(folders.letterboxes()),
        names: Nicknames::load(&folders.nicknames())?,
        root,
    };
    for (group, members) in &teams {
        let told = told.as_ref().filter(|(of, _)| of == group);
        let rows = known.rows(members, told.map(|(_, told)| told));
        if args.json {
            for row in &rows {
                row.json(group).print()?;
            }
        } else {
            output::line(&format!("team {}", hex(group)))?;
            output::line(render(&rows).trim_end())?;
        }
    }
    Ok(())
}

/// Asks a module what it knows of its team.
fn ask(args: &Args, serial: Serial) -> Result<([u8; 16], TeamFacts), Failure> {
    use keywriter::problem::Reason;
    let mut present = find(args, serial)?;
    let status = present.facts.status;
    let status = status.ok_or_else(|| Failure::about(Reason::NoUnlockedModule, serial))?;
    let told = present.module.team().map_err(of_module(serial))?;
    Ok((status.group, told))
}

/// What this computer knows beside the receipts.
struct Known {
    letterboxes: Letterboxes,
    names: Nicknames,
    root: TrustedRoot,
}

impl Known {
    fn rows(&self, members: &Members, told: Option<&TeamFacts>) -> Vec<Row> {
        let newest = members.values().map(|member| member.epoch().number).max();
        let row = |(serial, member): (&Serial, &Member)| {
            let certificate = member.statement.secondary.certificate;
            let letterbox = self.letterboxes.of(*serial, &self.root);
            Row {
                serial: *serial,
                name: self.names.of(*serial).to_owned(),
                behind: newest.is_some_and(|newest| member.epoch().number < newest),
                since: member.since(),
                letterbox: letterbox.map(|found| found.number()),
                outstanding: self.letterboxes.is_outstanding(*serial, member, &self.root),
                marks: told.map(|told| Marks {
                    custodian: told.policy.custodians.contains(&certificate),
                    retired: told.retired.contains(serial),
                }),
                member: member.clone(),
            }
        };
        members.iter().map(row).collect()
    }
}

/// What a module of the team says of a member.
struct Marks {
    custodian: bool,
    retired: bool,
}

/// A member as it is shown.
struct Row {
    serial: Serial,
    name: String,
    member: Member,
    /// Whether another member has a newer epoch.
    behind: bool,
    since: Option<Day>,
    /// The number of its letterbox, if this computer has one: then a letter can be written while it is elsewhere.
    letterbox: Option<u64>,
    /// Whether a letter is under way to it, or its reply.
    outstanding: bool,
    /// `None`: no module was asked.
    marks: Option<Marks>,
}

const HEADING: [&str; 8] = [
    "SERIAL",
    "NAME",
    "EPOCH",
    "SINCE",
    "CLONED BY",
    "LETTER",
    "CERTIFICATE",
    "RECEIPT",
];

fn render(rows: &[Row]) -> String {
    let lines: Vec<_> = [HEADING.map(String::from).to_vec()]
        .into_iter()
        .chain(rows.iter().map(Row::cells))
        .collect();
    table::render(&lines)
}

impl Row {
    fn cells(&self) -> Vec<String> {
        let or_dash = |text: String| {
            if text.is_empty() {
                "-".to_owned()
            } else {
                text
            }
        };
        let marks = self.marks.as_ref();
        let epoch = [
            (self.behind, "behind"),
            (marks.is_some_and(|marks| marks.custodian), "custodian"),
            (marks.is_some_and(|marks| marks.retired), "retired"),
        ];
        let epoch: Vec<_> = epoch
            .iter()
            .filter_map(|(is_so, word)| is_so.then_some(*word))
            .collect();
        let number = self.member.epoch().number;
        let [a, b, c, d, ..] = self.member.statement.secondary.certificate;
        vec![
            self.serial.to_string(),
            or_dash(shown(&self.name)),
            if epoch.is_empty() {
                number.to_string()
            } else {
                format!("{number} ({})", epoch.join(", "))
            },
            or_dash(self.since.map_or_else(String::new, |day| day.to_string())),
            self.member.statement.master.serial.to_string(),
            match (self.outstanding, self.letterbox) {
                (true, _) => "under way",
                (false, Some(_)) => "can be written",
                (false, None) => "no letterbox",
            }
            .to_owned(),
            format!("{}...", hex(&[a, b, c, d])),
            shown_path(&self.member.receipt),
        ]
    }

    fn json(&self, group: &[u8; 16]) -> Event {
        let statement = &self.member.statement;
        let event = Event::new("member")
            .with("group", hex(group))
            .text("serial", self.serial)
            .with("name", self.name.as_str())
            .epoch(self.member.epoch())
            .with("behind", self.behind)
            .with("since", self.since.map(|day| day.to_string()))
            .text("master", statement.master.serial)
            .with("cycle", statement.cycle.number)
            .with("ticket", permission_name(statement.permission))
            .with("certificate", hex(&statement.secondary.certificate))
            .with("letterbox", self.letterbox)
            .with("letter_outstanding", self.outstanding)
            .path("receipt", &self.member.receipt);
        match &self.marks {
            Some(marks) => event
                .with("custodian", marks.custodian)
                .with("retired", marks.retired),
            None => event,
        }
    }
}

/// Gives a module a name.
pub(super) fn name(args: &Args, serial: Serial, name: Option<&str>) -> Result<(), Failure> {
    require_app_pin(args)?;
    let path = args.folders()?.nicknames();
    let mut names = Nicknames::load(&path)?;
    names.set(serial, name.unwrap_or_default());
    names.save(&path)?;
    let name = names.of(serial);
    if args.json {
        return Event::new("named")
            .text("serial", serial)
            .with("name", name)
            .print();
    }
    output::line(&if name.is_empty() {
        format!("{serial} has no name any more")
    } else {
        format!("{serial} is called {} on this computer", shown(name))
    })
}
