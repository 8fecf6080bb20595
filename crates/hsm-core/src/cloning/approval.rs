//! What a custodian signs, and who counts as one (PROTOCOL § 6.3, § 6.4).

use super::{Refusal, internal_error, signed::verify_approval};
use crate::{
    asking::Confirmed,
    platform::{Board, Platform},
    vault::{
        csp::{keyring::Keyring, module_key::ModuleKey},
        device::Device,
    },
};
use hsm_protocol::{
    Serial, Sha384Digest, Verifier,
    certificate::{Chain, Root},
    ticket::{Approval, Presentation, Ticket},
    writer::Writer,
};

/// The module, as far as an approval is about it: its certificates, and the group that it is in.
pub(crate) struct Approver<'a> {
    pub(crate) device: &'a Device,
    pub(crate) keyring: &'a Keyring,
}

impl Approver<'_> {
    /// Checks that this module may approve the ticket, for it knows what the ticket is about: its own group, as it is now.
    /// Returns the ticket's hash.
    pub(crate) fn check<V: Verifier>(
        &self,
        own: Serial,
        bytes: &[u8],
    ) -> Result<Sha384Digest, Refusal> {
        let ticket = Ticket::parse(bytes)?;
        let team = self.keyring.team();
        let certificate = self.device.certificate::<V>().ok_or(Refusal::Fault)?;
        if !team.is_custodian(&certificate) || team.is_retired(own) {
            return Err(Refusal::NotCustodian);
        }
        if ticket.group != *self.keyring.group() || ticket.epoch != self.keyring.current().name {
            return Err(Refusal::OtherTicket);
        }
        Ok(Ticket::hash::<V>(bytes))
    }

    /// Signs the ticket with that hash.
    pub(crate) fn approve<B: Board>(
        &self,
        _: Confirmed,
        (platform, signer): (&mut Platform<B>, &ModuleKey<B::Crypto>),
        ticket: &Sha384Digest,
        out: &mut Writer<'_>,
    ) -> Result<(), Refusal> {
        let signature = signer
            .sign(&mut platform.rng, &Approval::signed(ticket))
            .map_err(internal_error)?;
        Ok(Approval {
            ticket,
            chain: Chain::parse(&self.device.chain)?,
            signature: &signature,
        }
        .write(out)?)
    }

    /// Checks that one of the own group's custodians approved the ticket. Returns the hash of its certificate.
    pub(crate) fn verify<V: Verifier>(
        &self,
        presentation: &Presentation<'_>,
    ) -> Result<Sha384Digest, Refusal> {
        Ticket::parse(presentation.ticket)?;
        let approval = Approval::parse(presentation.approval)?;
        if *approval.ticket != Ticket::hash::<V>(presentation.ticket) {
            return Err(Refusal::OtherTicket);
        }
        let genuine = Root::parse(&self.device.root)?.verify::<V>(&approval.chain)?;
        let team = self.keyring.team();
        if !team.is_custodian(genuine.hash()) || team.is_retired(genuine.serial()) {
            return Err(Refusal::NotCustodian);
        }
        verify_approval::<V>(&genuine, &approval)?;
        Ok(*genuine.hash())
    }
}
