//! The ticket that a host presented to an unlocked module, and the custodians who approved it (PROTOCOL § 6.4): what a
//! group with a quorum wants to see before its keys go anywhere, or change.

use crate::vault::{
    csp::keyring::Keyring,
    ledger::{Ledger, NotUsed, Use, UseKind},
    team::Team,
};
use heapless::Vec;
use hsm_protocol::{
    Serial, Sha384Digest, Status, Verifier,
    cloning::{Options, Permission},
    limits,
    policy::Policy,
    rekey::Rekey,
    ticket::{Act, Agreed, Copies, Receivers, Ticket},
};

/// One ticket at a time. It ends with the session.
#[derive(Default)]
pub(crate) struct Presented {
    ticket: Vec<u8, { limits::TICKET }>,
    /// The certificates of the custodians whose approvals were verified.
    approved: Vec<Sha384Digest, { limits::CUSTODIANS }>,
}

/// In which way CSPs go to a module.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Run,
    Letter,
}

/// Why a ticket does not allow something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotAllowed {
    /// None was presented, or too few custodians approved it.
    NeedsTicket,
    /// It allows something else, or to another master, or was made in another epoch.
    OtherTicket,
    /// It is used up or withdrawn.
    UsedUp,
    /// The list of used tickets is full.
    Full,
}

/// What a ticket allows, and allows now: by what, and the use that must be stored first.
#[derive(Clone, Copy)]
pub(crate) struct Allowed {
    pub(crate) permission: Permission,
    pub(crate) of: Option<Use>,
}

impl Allowed {
    /// The group has no quorum.
    const FREELY: Self = Self {
        permission: Permission::Unrestricted,
        of: None,
    };

    /// It was done already, by that permission.
    pub(crate) const fn before(permission: Permission) -> Self {
        Self {
            permission,
            of: None,
        }
    }

    /// Enters the use, if it is one of a ticket.
    pub(crate) fn spend(&self, ledger: &mut Ledger) -> Result<(), NotAllowed> {
        Ok(self.of.map_or(Ok(()), |of| ledger.spend(of))?)
    }

    fn check(self, ledger: &Ledger) -> Result<Self, NotAllowed> {
        self.of.map_or(Ok(()), |of| ledger.check(of))?;
        Ok(self)
    }
}

impl From<NotUsed> for NotAllowed {
    fn from(reason: NotUsed) -> Self {
        match reason {
            NotUsed::UsedUp => Self::UsedUp,
            NotUsed::Full => Self::Full,
        }
    }
}

impl From<NotAllowed> for Status {
    fn from(reason: NotAllowed) -> Self {
        match reason {
            NotAllowed::NeedsTicket => Self::NeedsTicket,
            NotAllowed::OtherTicket => Self::OtherTicket,
            NotAllowed::UsedUp => Self::TicketUsed,
            NotAllowed::Full => Self::TooLarge,
        }
    }
}

/// For whom a ticket must be, besides for what.
pub(crate) struct Here<'a> {
    pub(crate) keyring: &'a Keyring,
    /// The hash of this module's certificate.
    pub(crate) certificate: Sha384Digest,
    pub(crate) ledger: &'a Ledger,
}

impl Presented {
    /// Takes a ticket that a custodian approved. Another ticket takes the place of the one before.
    pub(crate) fn take(&mut self, ticket: &[u8], custodian: &Sha384Digest) {
        if self.ticket != ticket {
            self.ticket.clear();
            self.approved.clear();
            // A ticket was parsed, so that it fits.
            self.ticket.extend_from_slice(ticket).unwrap_or_default();
        }
        if !self.approved.contains(custodian) {
            // There are as many places as custodians, and only they are entered.
            self.approved.push(*custodian).unwrap_or_default();
        }
    }

    /// Returns how many of the team's custodians approved it.
    pub(crate) fn agreed(&self, team: &Team) -> Agreed {
        let approved = self.approved.iter();
        let count = approved.filter(|one| team.is_custodian(one)).count();
        Agreed {
            approvals: u8::try_from(count).unwrap_or(0),
            quorum: team.policy().quorum,
        }
    }

    /// Returns the ticket, if enough custodians of the team approved it.
    fn approved(&self, team: &Team) -> Result<Ticket<'_>, NotAllowed> {
        let Agreed { approvals, quorum } = self.agreed(team);
        if approvals < quorum {
            return Err(NotAllowed::NeedsTicket);
        }
        Ticket::parse(&self.ticket).map_err(|_none| NotAllowed::NeedsTicket)
    }

    fn permission<V: Verifier>(&self) -> Permission {
        Permission::Ticket(Ticket::hash::<V>(&self.ticket))
    }

    /// Returns the ticket, if this master may use it now.
    fn ticket_here(&self, here: &Here<'_>) -> Result<Ticket<'_>, NotAllowed> {
        let ticket = self.approved(here.keyring.team())?;
        let is_here = ticket.group == *here.keyring.group()
            && ticket.epoch == here.keyring.current().name
            && ticket.master == here.certificate
            && ticket.ledger == *here.ledger.name();
        if is_here {
            Ok(ticket)
        } else {
            Err(NotAllowed::OtherTicket)
        }
    }

    /// Returns by what a cycle with these options may let keys go; `None` if the policy wants a ticket and none is there.
    pub(crate) fn opens_cycle<V: Verifier>(
        &self,
        here: &Here<'_>,
        options: Options,
    ) -> Result<Option<Permission>, NotAllowed> {
        if here.keyring.team().policy().quorum == 0 {
            return Ok(Some(Permission::Unrestricted));
        }
        if self.approved(here.keyring.team()).is_err() {
            return Ok(None);
        }
        match self.ticket_here(here).map(|ticket| ticket.act) {
            Ok(Act::Clone(copies) | Act::Letter(copies)) if copies.options == options => {
                Ok(Some(self.permission::<V>()))
            }
            Ok(Act::Clone(_) | Act::Letter(_)) => Err(NotAllowed::OtherTicket),
            Ok(Act::Rekey(_) | Act::Policy(_)) | Err(_) => Ok(None),
        }
    }

    /// Returns what allows keys to go to that module, in a cycle that was begun by `permission`.
    pub(crate) fn allows_copy<V: Verifier>(
        &self,
        here: &Here<'_>,
        permission: Option<Permission>,
        (way, to): (Way, Serial),
    ) -> Result<Allowed, NotAllowed> {
        if here.keyring.team().policy().quorum == 0 {
            return Ok(Allowed::FREELY);
        }
        let ticket = self.ticket_here(here)?;
        let ((Act::Clone(copies), Way::Run) | (Act::Letter(copies), Way::Letter)) =
            (ticket.act, way)
        else {
            return Err(NotAllowed::OtherTicket);
        };
        if permission != Some(self.permission::<V>()) {
            return Err(NotAllowed::OtherTicket);
        }
        let kind = use_of(&copies, to).ok_or(NotAllowed::OtherTicket)?;
        self.once::<V>(&ticket, kind).check(here.ledger)
    }

    /// Returns what allows a re-key that retires these modules.
    pub(crate) fn allows_rekey<V: Verifier>(
        &self,
        here: &Here<'_>,
        rekey: &Rekey<'_>,
    ) -> Result<Allowed, NotAllowed> {
        self.allows::<V>(here, &Act::Rekey(*rekey))
    }

    /// Returns what allows the group to get that policy.
    pub(crate) fn allows_policy<V: Verifier>(
        &self,
        here: &Here<'_>,
        policy: &Policy<'_>,
    ) -> Result<Allowed, NotAllowed> {
        self.allows::<V>(here, &Act::Policy(*policy))
    }

    fn allows<V: Verifier>(&self, here: &Here<'_>, act: &Act<'_>) -> Result<Allowed, NotAllowed> {
        if here.keyring.team().policy().quorum == 0 {
            return Ok(Allowed::FREELY);
        }
        let ticket = self.ticket_here(here)?;
        if ticket.act != *act {
            return Err(NotAllowed::OtherTicket);
        }
        self.once::<V>(&ticket, UseKind::Whole).check(here.ledger)
    }

    fn once<V: Verifier>(&self, ticket: &Ticket<'_>, kind: UseKind) -> Allowed {
        Allowed {
            permission: self.permission::<V>(),
            of: Some(Use {
                number: ticket.number,
                kind,
            }),
        }
    }

    /// Checks that a member which holds `own` may take `next` from a master that says by what it became so: by a ticket
    /// that enough of the member's own custodians approved, for exactly the last step to it.
    pub(crate) fn warrants<V: Verifier>(
        &self,
        own: &Keyring,
        next: &Keyring,
        (master, permission): (&Sha384Digest, Permission),
    ) -> Result<(), NotAllowed> {
        if own.team().policy().quorum == 0 {
            return Ok(());
        }
        let ticket = self.approved(own.team())?;
        let is_named = permission == self.permission::<V>()
            && ticket.master == *master
            && ticket.group == *own.group();
        if is_named && leads_to(&ticket, own, next) {
            Ok(())
        } else {
            Err(NotAllowed::OtherTicket)
        }
    }
}

/// Returns the use of a ticket by a copy to that module, if it allows one.
fn use_of(copies: &Copies<'_>, to: Serial) -> Option<UseKind> {
    match copies.to {
        Receivers::Any(count) => Some(UseKind::Counted(count)),
        Receivers::Named(serials) => {
            let place = serials.iter().position(|serial| serial == to)?;
            u8::try_from(place).ok().map(UseKind::Named)
        }
    }
}

/// Returns whether what the ticket allows is the last step to the keyring.
fn leads_to(ticket: &Ticket<'_>, own: &Keyring, next: &Keyring) -> bool {
    let (current, team) = (next.current().name, next.team());
    match ticket.act {
        Act::Rekey(rekey) => {
            next.epoch(ticket.epoch).is_some()
                && ticket.epoch.number.checked_add(1) == Some(current.number)
                && rekey.retired().all(|serial| team.is_retired(serial))
                && team.policy() == own.team().policy()
        }
        Act::Policy(policy) => current == ticket.epoch && team.policy() == policy,
        Act::Clone(_) | Act::Letter(_) => false,
    }
}
