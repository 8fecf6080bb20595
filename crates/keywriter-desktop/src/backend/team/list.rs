//! Reads who is in which team, and which cycles were run, by the receipts on this computer. No module is needed.

use crate::{
    backend::files,
    model::{Member, PastCycle, Team},
};
use keywriter::{
    Serial,
    folders::Folders,
    letter::members::{self, Letterboxes},
    license::Day,
    protocol::Permission,
    receipt,
};
use std::{
    cmp::Reverse,
    collections::BTreeMap,
    fs::{self, DirEntry},
    path::Path,
    time::UNIX_EPOCH,
};

/// Reads who is in which team, by the receipts on this computer.
pub(in crate::backend) fn list(root: Option<&Path>, folders: &Folders) -> Vec<Team> {
    let Ok(Some(root)) = files::root(root, folders) else {
        return Vec::new();
    };
    let letterboxes = Letterboxes::new(folders.letterboxes());
    let member = |(serial, member): (Serial, members::Member)| Member {
        serial,
        epoch: member.epoch().number,
        master: member.statement.master.serial,
        has_letterbox: letterboxes.of(serial, &root).is_some(),
        since: member
            .since()
            .map_or_else(String::new, |day| day.to_string()),
        is_outstanding: letterboxes.is_outstanding(serial, &member, &root),
        certificate: member.statement.secondary.certificate,
        cycle: member.statement.cycle.number,
        is_by_ticket: matches!(member.statement.permission, Permission::Ticket(_)),
    };
    let teams = members::of_all(&folders.receipts(), &root);
    let teams = teams.into_iter().map(|(group, members)| Team {
        group,
        members: members.into_iter().map(member).collect(),
    });
    teams.collect()
}

/// Reads which cycles have receipts on this computer, the newest first. Files that do not verify are left out.
pub(in crate::backend) fn history(root: Option<&Path>, folders: &Folders) -> Vec<PastCycle> {
    let Ok(Some(root)) = files::root(root, folders) else {
        return Vec::new();
    };
    let mut cycles: BTreeMap<(Serial, u32), (u64, PastCycle)> = BTreeMap::new();
    let kept = fs::read_dir(folders.receipts())
        .into_iter()
        .flatten()
        .flatten();
    for entry in kept {
        let path = entry.path();
        let is_receipt = path.extension().is_some_and(|ending| ending == "pem");
        let verified = is_receipt.then(|| receipt::verify(&path, &root).ok());
        let Some(verified) = verified.flatten() else {
            continue;
        };
        let (master, cycle) = (
            verified.statement().master.serial,
            verified.statement().cycle,
        );
        let (seconds, past) = cycles.entry((master, cycle.number)).or_insert_with(|| {
            let past = PastCycle {
                day: String::new(),
                master,
                number: cycle.number,
                options: cycle.options,
                receipts: Vec::new(),
            };
            (0, past)
        });
        *seconds = (*seconds).max(kept_at(&entry));
        past.receipts.push(path);
    }
    let mut cycles: Vec<_> = cycles.into_values().collect();
    cycles.sort_by_key(|(seconds, past)| Reverse((*seconds, past.number)));
    let past = cycles.into_iter().map(|(seconds, mut past)| {
        past.day = Day::from_unix(seconds).to_string();
        past.receipts.sort();
        past
    });
    past.collect()
}

/// Returns when a file was written, in seconds since 1970.
fn kept_at(entry: &DirEntry) -> u64 {
    let modified = entry.metadata().and_then(|metadata| metadata.modified());
    let since = modified
        .ok()
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| since.as_secs())
}
