//! Tickets that are made, approved, shown to a master, and withdrawn.

use super::{Mail, Output, Teamwork, Told, of_module};
use crate::{
    Options,
    asking::Asked,
    genuine::TrustedRoot,
    letter::{
        members::{self, Members},
        post::Post,
    },
    problem::{Problem, Reason},
    survey::Present,
    team::TeamFacts,
    text::{hex, shown_path},
    ticket::{self, Allows, ApprovedTicket, TicketFacts, To, ToModules},
};
use hsm_protocol::Serial;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Reads the tickets of files, each with all its approvals.
pub fn load(files: &[PathBuf], root: &TrustedRoot) -> Result<Vec<ApprovedTicket>, Problem> {
    let mut posts = Vec::new();
    for file in files {
        let post = Post::load(file).map_err(|error| Problem::from(&error))?;
        if post.tickets.is_empty() {
            return Err(Problem::new(Reason::NoTicket).about(shown_path(file)));
        }
        posts.push(post);
    }
    ticket::approved(posts, root).map_err(|why| {
        let files = files.iter().map(|file| shown_path(file));
        Problem::from(why).about(files.collect::<Vec<_>>().join(", "))
    })
}

/// Reads the one ticket of a file, and what else is in it.
pub fn load_one(file: &Path, root: &TrustedRoot) -> Result<(ApprovedTicket, Post), Problem> {
    let post = Post::load(file).map_err(|error| Problem::from(&error))?;
    let tickets = ticket::approved([post.clone()], root)
        .map_err(|why| Problem::from(why).about(shown_path(file)))?;
    match <[ApprovedTicket; 1]>::try_from(tickets) {
        Ok([ticket]) => Ok((ticket, post)),
        Err(_none_or_many) => Err(Problem::new(Reason::NoTicket).about(shown_path(file))),
    }
}

impl Teamwork<'_> {
    /// Returns what a ticket allows that lets a master clone in runs, by the choices of that master.
    pub fn may_clone(&self, master: Serial, to: To) -> Allows {
        let options = self.choices(master);
        Allows::Clone(ToModules { options, to })
    }

    /// Returns what a ticket allows that lets a master write letters that make clones.
    pub fn may_write(&self, master: Serial, to: To) -> Allows {
        let options: Options = self.options(master);
        Allows::Letter(ToModules { options, to })
    }

    /// Makes a ticket for a master that its Administrator unlocked, and saves it. Returns what the master tells of its
    /// team, too: whether that asks for tickets.
    pub fn make_ticket(
        &self,
        master: &mut Present,
        allows: &Allows,
        output: Output<'_>,
    ) -> Result<(ApprovedTicket, TeamFacts), Problem> {
        let serial = master.facts.serial;
        let (party, status) = (master.facts.party(), master.facts.status);
        let party = party.ok_or_else(|| Problem::new(Reason::NotGenuine).about(serial))?;
        let status = status.ok_or_else(|| Problem::new(Reason::Locked).about(serial))?;
        let team = master.module.team().map_err(of_module(serial))?;
        let ticket = TicketFacts::new(&status, &team, &party, allows)
            .map_err(|error| Problem::from(&error))?;
        let made = ApprovedTicket {
            ticket,
            approvals: BTreeMap::new(),
        };
        let mut post = Post::default();
        made.put_into(&mut post);
        output.save(&post)?;
        (self.tell)(Told::Saved(Mail::Ticket, output.path.to_owned(), 1));
        Ok((made, team))
    }

    /// Has a custodian approve the one ticket of a file, and adds the approval to the file. Whatever else is in it stays
    /// there.
    pub fn approve(&self, custodian: &mut Present, file: &Path) -> Result<ApprovedTicket, Problem> {
        let serial = custodian.facts.serial;
        let (mut approved, mut post) = load_one(file, self.root)?;
        let module = &mut custodian.module;
        let approval = self.allowed(serial, Asked::Code, || {
            module.approve_ticket(&approved.ticket, self.root)
        })?;
        post.approvals.push(approval.as_bytes().to_vec());
        approved.approvals.insert(serial, approval);
        let output = Output {
            path: file,
            replace: true,
        };
        output.save(&post)?;
        let approvals = approved.approvals.len();
        (self.tell)(Told::Saved(Mail::Ticket, file.to_owned(), approvals));
        Ok(approved)
    }

    /// Ends a ticket on its master before it is used up.
    pub fn withdraw(&self, master: &mut Present, approved: &ApprovedTicket) -> Result<(), Problem> {
        let serial = master.facts.serial;
        let party = master.facts.party();
        if party.is_none_or(|party| party.certificate != approved.ticket.master) {
            return Err(Problem::new(Reason::OtherTicket).about(serial));
        }
        let module = &mut master.module;
        self.allowed(serial, Asked::Withdraw, || {
            module.withdraw_ticket(&approved.ticket.number)
        })
    }

    /// Shows a module tickets, and tells how far each of them is.
    pub fn present(
        &self,
        tickets: &[ApprovedTicket],
        present: &mut Present,
    ) -> Result<(), Problem> {
        let serial = present.facts.serial;
        for approved in tickets {
            let agreed = approved.present(&mut present.module);
            let agreed = agreed.map_err(of_module(serial))?;
            (self.tell)(Told::Approvals {
                serial,
                given: approved.approvals.len(),
                counted: agreed.approvals,
                quorum: agreed.quorum,
            });
        }
        Ok(())
    }
}

/// The serial numbers of modules that receipts name, by their certificates.
#[derive(Clone, Debug, Default)]
pub struct Names(BTreeMap<[u8; 48], Serial>);

impl FromIterator<([u8; 48], Serial)> for Names {
    fn from_iter<I: IntoIterator<Item = ([u8; 48], Serial)>>(named: I) -> Self {
        Self(named.into_iter().collect())
    }
}

impl Names {
    /// Reads the receipts of a folder.
    pub fn read(receipts: &Path, root: &TrustedRoot) -> Self {
        let groups = members::of_all(receipts, root);
        let members = groups.values().flat_map(Members::values);
        let parties =
            members.flat_map(|member| [member.statement.master, member.statement.secondary]);
        parties
            .map(|party| (party.certificate, party.serial))
            .collect()
    }

    /// Adds a module that is here.
    pub fn add(&mut self, present: &Present) {
        if let Some(party) = present.facts.party() {
            self.0.insert(party.certificate, party.serial);
        }
    }

    /// Returns a module's serial number, if it is known.
    pub fn serial(&self, certificate: &[u8; 48]) -> Option<Serial> {
        self.0.get(certificate).copied()
    }

    /// Returns a module's serial number, or else the beginning of its certificate's hash.
    pub fn of(&self, certificate: &[u8; 48]) -> String {
        self.serial(certificate).map_or_else(
            || {
                let [a, b, c, d, ..] = certificate;
                format!("certificate {}...", hex(&[*a, *b, *c, *d]))
            },
            |serial| serial.to_string(),
        )
    }
}
