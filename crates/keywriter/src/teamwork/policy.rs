//! Who the custodians are, and how many of them must agree.

use super::Teamwork;
use crate::{
    Serial,
    asking::Asked,
    problem::{Problem, Reason},
    survey::{Present, Survey},
    team::Policy,
    ticket::ApprovedTicket,
};
use std::collections::BTreeSet;

/// Whom a policy is to ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Custodians {
    /// How many must agree; 0 asks nobody.
    pub quorum: u8,
    /// The modules whose approvals count.
    pub serials: BTreeSet<Serial>,
}

impl Teamwork<'_> {
    /// Returns the policy with the certificates of its custodians, who are plugged in or known by their receipts.
    pub fn policy(
        &self,
        wanted: &Custodians,
        master: &Present,
        others: &Survey,
    ) -> Result<Policy, Problem> {
        let members = self.members_of(master);
        let certificate = |serial: &Serial| {
            let here = [master].into_iter().chain(&others.modules);
            let mut here = here.filter(|present| present.facts.serial == *serial);
            let here = here.find_map(|present| present.facts.party());
            let known = || members.get(serial).map(|member| member.statement.secondary);
            here.or_else(known)
                .map(|party| party.certificate)
                .ok_or_else(|| Problem::new(Reason::CustodianUnknown).about(serial))
        };
        let custodians = wanted.serials.iter().map(certificate);
        Ok(Policy {
            quorum: wanted.quorum,
            custodians: custodians.collect::<Result<_, _>>()?,
        })
    }

    /// Gives a team a policy, on a master that its Administrator unlocked.
    pub fn set_policy(
        &self,
        master: &mut Present,
        policy: &Policy,
        tickets: &[ApprovedTicket],
    ) -> Result<(), Problem> {
        self.present(tickets, master)?;
        let serial = master.facts.serial;
        let module = &mut master.module;
        self.allowed(serial, Asked::Policy, || module.set_policy(policy))
    }
}

impl Policy {
    /// Returns whether the loss of one custodian's module would leave too few for ever.
    pub fn is_tight(&self) -> bool {
        self.quorum > 0 && self.custodians.len() == usize::from(self.quorum)
    }
}
