//! Tickets on the bench (docs/PROTOCOL.md § 6): made for a master, approved by its custodians with a person at each keypad,
//! and presented.

use crate::Bench;
use hsm_core::{
    crypto::{Provider, rust_crypto::RustCrypto},
    leds::Pattern,
};
use hsm_protocol::{
    Sha384Digest, Status, Verifier,
    certificate::Chain,
    command::ins,
    limits,
    policy::Policy,
    signed::SignedFields,
    team::TeamAnswer,
    ticket::{self, Act, Agreed, CODE_HALF, Presentation, Ticket},
    writer::Writer,
};

/// What the second screen draws on the bench.
pub const DRAWN: &[u8; CODE_HALF] = b"31415926";

/// The hash of the module's certificate.
pub fn certificate<C: Provider>(module: &mut Bench<C>) -> Sha384Digest {
    let chain = module.command(ins::CERTIFICATE, 0, &[]).expect("a chain");
    let chain = Chain::parse(&chain).expect("well formed");
    RustCrypto::sha384(&[chain.leaf().as_der()])
}

/// The fields of the module's answer to TEAM.
pub fn team<C: Provider>(module: &mut Bench<C>) -> Vec<u8> {
    let answer = module.command(ins::TEAM, 0, &[7; 32]).expect("answered");
    let signed = SignedFields::parse(&answer).expect("signed");
    signed.fields.to_vec()
}

/// Makes a ticket of that number for the master, in its group as it is now.
pub fn ticket<C: Provider>(master: &mut Bench<C>, number: u8, act: Act<'_>) -> Vec<u8> {
    let status = master.status();
    let team = team(master);
    let team = TeamAnswer::parse(&team).expect("well formed");
    wire(&Ticket {
        number: [number; 16],
        group: status.group,
        epoch: status.epoch,
        master: certificate(master),
        ledger: team.ledger,
        act,
    })
}

/// The wire form of a ticket.
pub fn wire(ticket: &Ticket<'_>) -> Vec<u8> {
    let mut buffer = vec![0; 2 * limits::TICKET];
    let mut writer = Writer::new(&mut buffer);
    ticket.write(&mut writer).expect("room");
    writer.written().to_vec()
}

/// The keys that type the code of a ticket.
pub fn code(ticket: &[u8]) -> String {
    let hash = Ticket::hash::<RustCrypto>(ticket);
    let follows = ticket::code::<RustCrypto>(DRAWN, &hash);
    let digits = [&DRAWN[..], &follows].concat();
    let digits = String::from_utf8(digits).expect("digits");
    format!("{digits} KEY")
}

/// Has a custodian approve a ticket, with a person who types its code. Returns the approval.
pub fn approve<C: Provider>(custodian: &mut Bench<C>, ticket: &[u8]) -> Result<Vec<u8>, Status> {
    match custodian.command(ins::TICKET_APPROVE, 0, ticket) {
        Err(Status::NeedsPerson) => {
            assert_eq!(custodian.leds(), Pattern::Asks);
            assert_eq!(custodian.press(&code(ticket)), Pattern::Confirmed);
            custodian.command(ins::TICKET_APPROVE, 0, ticket)
        }
        answer => answer,
    }
}

/// Presents a ticket with one approval.
pub fn present<C: Provider>(
    module: &mut Bench<C>,
    ticket: &[u8],
    approval: &[u8],
) -> Result<Agreed, Status> {
    let mut data = vec![0; 2 + ticket.len() + approval.len()];
    let presentation = Presentation { ticket, approval };
    presentation
        .write(&mut Writer::new(&mut data))
        .expect("room");
    let answer = module.command(ins::TICKET_PRESENT, 0, &data)?;
    Ok(Agreed::parse(&answer).expect("well formed"))
}

/// Has all these custodians approve a ticket and presents it to the module. Returns how far it is then.
pub fn agree<C: Provider>(
    module: &mut Bench<C>,
    custodians: &mut [&mut Bench<C>],
    ticket: &[u8],
) -> Agreed {
    let mut agreed = Agreed {
        approvals: 0,
        quorum: 0,
    };
    for custodian in custodians {
        let approval = approve(custodian, ticket).expect("approved");
        agreed = present(module, ticket, &approval).expect("presented");
    }
    agreed
}

/// The wire form of a policy.
pub fn policy(quorum: u8, custodians: &[Sha384Digest]) -> Vec<u8> {
    let mut custodians = custodians.to_vec();
    custodians.sort_unstable();
    let policy = Policy::new(quorum, &custodians).expect("can be kept");
    let mut bytes = vec![0; 1 + 48 * custodians.len()];
    policy.write(&mut Writer::new(&mut bytes)).expect("room");
    bytes
}

/// Gives the group a policy, with a person who allows it.
pub fn set_policy<C: Provider>(master: &mut Bench<C>, policy: &[u8]) -> Result<(), Status> {
    match master.command(ins::POLICY, 0, policy) {
        Err(Status::NeedsPerson) => {
            assert_eq!(master.press("KEY+3:1s"), Pattern::Confirmed);
            master.command(ins::POLICY, 0, policy).map(|_empty| ())
        }
        answer => answer.map(|_empty| ()),
    }
}
