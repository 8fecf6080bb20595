//! Parsers: they do not panic, and what they accept encodes to the same bytes again.

use crate::{cheap::Cheap, stage};
use hsm_protocol::{
    BadSignature, EcPoint, Serial, Sha384Digest, Signature, Status, Verifier,
    apdu::{CHAINING, CommandApdu, encode_extended},
    certificate::{Certificate, Chain, Request, Root, encode_chain, encode_request_info},
    command::{AdminCommand, Command, FactoryCommand, MasterCommand, UserCommand, write_install},
    frame::{FrameHeader, FrameKind},
    identity::SignedIdentity,
    journal::{JournalEntry, JournalPage, JournalRow, Listed},
    letter::{Letter, Letterbox},
    limits,
    receipt::{FinishedReceipt, Receipt, Statement},
    settings::ModuleStatus,
    team::TeamAnswer,
    ticket::{Approval, Presentation, Ticket},
    writer::Writer,
};
use std::cell::Cell;

/// The shape of a command.
pub fn apdu(data: &[u8]) {
    let Ok(command) = CommandApdu::parse(data) else {
        return;
    };
    let forms = [false, true].map(|is_extended| encode(&command, is_extended));
    assert!(forms.iter().flatten().any(|form| form == data));

    let mut out = vec![0; limits::COMMAND_APDU];
    let header = [
        command.cla | if command.chained { CHAINING } else { 0 },
        command.ins,
        command.p1,
        command.p2,
    ];
    let len = encode_extended(header, command.data, &mut out).expect("fits");
    let read = CommandApdu::parse(&out[..len]).expect("what the host encodes, the module reads");
    assert_eq!(
        read,
        CommandApdu {
            expected: 65_536,
            ..command
        }
    );
}

/// Encodes a command in the short or extended form; `None` if it does not have that form.
fn encode(command: &CommandApdu<'_>, is_extended: bool) -> Option<Vec<u8>> {
    let class = command.cla | if command.chained { CHAINING } else { 0 };
    let mut bytes = vec![class, command.ins, command.p1, command.p2];
    let (data, expected) = (command.data, command.expected);
    if is_extended {
        if !data.is_empty() || expected > 0 {
            bytes.push(0);
        }
        if !data.is_empty() {
            bytes.extend(u16::try_from(data.len()).ok()?.to_be_bytes());
            bytes.extend(data);
        }
        if expected > 0 {
            bytes.extend(&u32::try_from(expected).ok()?.to_be_bytes()[2..]);
        }
    } else {
        if !data.is_empty() {
            bytes.push(u8::try_from(data.len()).ok()?);
            bytes.extend(data);
        }
        if expected > 0 {
            let fits = expected <= 256;
            bytes.push(fits.then(|| expected.to_be_bytes()[7])?);
        }
    }
    Some(bytes)
}

/// The meaning of a command.
pub fn command(data: &[u8]) {
    let Ok(apdu) = CommandApdu::parse(data) else {
        return;
    };
    let Ok(command) = Command::parse(&apdu) else {
        return;
    };
    let mut out = vec![0; limits::COMMAND_APDU];
    let mut writer = Writer::new(&mut out);
    match command {
        Command::User(UserCommand::Encipher(units) | UserCommand::Decipher(units)) => {
            units.write(&mut writer).expect("fits");
        }
        Command::Factory(FactoryCommand::Install { root, chain }) => {
            write_install(&mut writer, root, chain).expect("fits");
        }
        Command::Admin(AdminCommand::Master(MasterCommand::CycleBegin {
            options,
            secondaries,
        })) => {
            writer.u8(options.to_byte()).expect("fits");
            writer.u16(secondaries).expect("fits");
        }
        _ => return,
    }
    assert_eq!(writer.written(), apdu.data);
}

/// A root and a chain: a byte of verdicts, a 16-bit length, the root, the chain. The n-th checked signature is valid if
/// the n-th bit of the first byte is set.
pub fn certificate(data: &[u8]) {
    let Some((&[verdicts, high, low], rest)) = data.split_first_chunk() else {
        return;
    };
    let len = usize::from(u16::from_be_bytes([high, low]));
    let Some((root, wire)) = rest.split_at_checked(len) else {
        return;
    };
    let chain = Chain::parse(wire);
    if let Ok(chain) = &chain {
        assert_eq!(chain.as_wire(), wire);
        let certificates: Vec<&[u8]> = chain.certificates().map(Certificate::as_der).collect();
        let mut out = [0; limits::CHAIN];
        let len = encode_chain(&certificates, &mut out).expect("reads back");
        assert_eq!(&out[..len], wire);
    }
    let Ok(root) = Root::parse(root) else {
        return;
    };
    if let Ok(chain) = chain {
        VERDICTS.set(verdicts);
        ASKED.set(0);
        let genuine = root.verify::<Verdicts>(&chain);
        let needed = chain.certificates().count();
        if let Ok(genuine) = genuine {
            assert_eq!(ASKED.get(), needed);
            let all = (1_u8 << needed) - 1;
            assert_eq!(verdicts & all, all, "a bad signature was overlooked");
            assert_eq!(genuine.public(), chain.leaf().public());
        }
    }
}

enum Verdicts {}

thread_local! {
    static VERDICTS: Cell<u8> = const { Cell::new(0) };
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

impl Verifier for Verdicts {
    fn verify_either_form(_: &EcPoint, _: &[u8], _: &Signature) -> Result<(), BadSignature> {
        let number = ASKED.replace(ASKED.get() + 1);
        let is_good = VERDICTS.get() >> number & 1 == 1;
        is_good.then_some(()).ok_or(BadSignature)
    }

    fn sha384(parts: &[&[u8]]) -> Sha384Digest {
        Cheap::sha384(parts)
    }
}

/// A certification request.
pub fn request(data: &[u8]) {
    let Ok(request) = Request::parse(data) else {
        return;
    };
    let Ok(key) = request.verify::<Cheap>() else {
        return;
    };
    // The maker chooses the names beside the serial number; ours has one.
    let mut info = [0; limits::CSR];
    encode_request_info(&key.serial(), key.public(), &mut info).expect("fits");
}

/// A statement, a Receipt and a finished receipt.
pub fn receipt(data: &[u8]) {
    let mut out = vec![0; FinishedReceipt::MAX];
    if let Ok(statement) = Statement::parse(data) {
        let mut writer = Writer::new(&mut out);
        statement.write(&mut writer).expect("fits");
        assert_eq!(writer.written(), data);
    }
    if let Ok(receipt) = Receipt::parse(data) {
        let mut writer = Writer::new(&mut out);
        receipt.write(&mut writer).expect("fits");
        assert_eq!(writer.written(), data);
    }
    if let Ok(finished) = FinishedReceipt::parse(data) {
        let mut writer = Writer::new(&mut out);
        finished.receipt.write(&mut writer).expect("fits");
        finished.countersignature.write(&mut writer).expect("fits");
        assert_eq!(writer.written(), data);
        ROOT.with(|root| {
            let root = Root::parse(root).expect("a root");
            if let Ok(verified) = finished.verify::<Cheap>(&root) {
                assert_eq!(finished.receipt.statement(), Ok(*verified.statement()));
            }
        });
    }
}

/// A ticket, an approval, both as they are presented, and what a module tells of its group.
pub fn ticket(data: &[u8]) {
    let mut again = vec![0; data.len()];
    if let Ok(ticket) = Ticket::parse(data) {
        let mut writer = Writer::new(&mut again);
        ticket.write(&mut writer).expect("as long as it was");
        assert_eq!(writer.written(), data);
    }
    if let Ok(approval) = Approval::parse(data) {
        let mut writer = Writer::new(&mut again);
        approval.write(&mut writer).expect("as long as it was");
        assert_eq!(writer.written(), data);
    }
    if let Ok(presentation) = Presentation::parse(data) {
        ticket(presentation.ticket);
    }
    if let Ok(team) = TeamAnswer::parse(data) {
        assert!(team.retired().count() <= limits::RETIRED);
        assert!(team.used().count() <= limits::USED_TICKETS);
    }
}

/// A letterbox and a letter.
pub fn letter(data: &[u8]) {
    let mut out = vec![0; Letter::MAX];
    let mut writer = Writer::new(&mut out);
    if let Ok(letterbox) = Letterbox::parse(data) {
        let shares = (letterbox.ecdh, letterbox.kem);
        let Letterbox {
            condition,
            number,
            chain,
            ..
        } = letterbox;
        Letterbox::write_fields(&mut writer, condition, number, shares, &chain).expect("fits");
        assert_eq!(writer.written(), letterbox.fields);
        writer.bytes(letterbox.signature).expect("fits");
        assert_eq!(writer.written(), data);
    }
    if let Ok(letter) = Letter::parse(data) {
        let shares = (letter.ecdh, letter.ciphertext);
        let mut writer = Writer::new(&mut out);
        Letter::write_open(&mut writer, &letter.head, shares, &letter.chain).expect("fits");
        assert_eq!(writer.written(), letter.open);
        writer.prefixed(letter.sealed.as_wire()).expect("fits");
        writer.bytes(letter.signature).expect("fits");
        assert_eq!(writer.written(), data);
    }
}

thread_local! {
    static ROOT: Vec<u8> = stage::root();
}

/// A page of the journal, of entries or of its table.
pub fn journal(data: &[u8]) {
    journal_page::<JournalEntry>(data);
    journal_page::<JournalRow>(data);
}

fn journal_page<L: Listed>(data: &[u8]) {
    let Ok(page) = JournalPage::<L>::parse(data) else {
        return;
    };
    let mut out = vec![0; data.len()];
    let mut writer = Writer::new(&mut out);
    page.summary.write(&mut writer).expect("fits");
    let mut count = 0;
    for one in page.listed() {
        one.write(&mut writer).expect("fits");
        count += 1;
    }
    assert!(count <= L::ON_PAGE);
    assert_eq!(writer.written(), data);
}

/// STATUS, IDENTITY, a status word and a serial number.
pub fn status(data: &[u8]) {
    let mut out = [0; 256];
    if let Ok(status) = ModuleStatus::parse(data) {
        let mut writer = Writer::new(&mut out);
        status.write(&mut writer).expect("fits");
        assert_eq!(writer.written(), data);
    }
    if let Ok(signed) = SignedIdentity::parse(data) {
        let mut writer = Writer::new(&mut out);
        signed.identity.write(&mut writer).expect("fits");
        assert!(data.starts_with(writer.written()));
        assert!(signed.verify::<Cheap>(&[4; 97], &[0; 32]).is_ok() <= signed.identity.certified);
    }
    if let Some(word) = data.first_chunk() {
        let word = u16::from_be_bytes(*word);
        assert!(Status::from_word(word).is_none_or(|status| status.to_word() == word));
    }
    if let Ok(serial) = Serial::parse(data) {
        assert_eq!(serial.as_str().as_bytes(), data);
    }
}

/// A frame's header.
pub fn frame(data: &[u8]) {
    let Some(bytes) = data.first_chunk() else {
        return;
    };
    if let Ok(header) = FrameHeader::parse(*bytes) {
        static BODY: [u8; limits::FRAME_BODY] = [0; limits::FRAME_BODY];
        assert_eq!(
            FrameHeader::encode(header.kind, &BODY[..header.len]),
            Ok(*bytes)
        );
        assert_eq!(FrameKind::from_byte(bytes[0]), Ok(header.kind));
    }
}
