//! Tickets and approvals (PROTOCOL § 6): what custodians allow one master to do, exactly that, and nothing else.

use crate::{
    EpochName, Malformed, Serial, Sha384Digest, Signature, Verifier,
    certificate::Chain,
    cloning::Options,
    limits,
    message::{MessageKind, MessageRefusal},
    policy::Policy,
    reader::Reader,
    rekey::Rekey,
    signed::{SIGNED_MESSAGE, SignedLabel, signed_message},
    writer::Writer,
};

/// What a ticket is called: drawn at random.
pub type TicketNumber = [u8; 16];

/// What a master's list of used tickets is called. A module that was erased begins another list, and no ticket is for both.
pub type Ledger = [u8; 16];

/// A ticket: it has no date, since modules have no clock. It ends with its epoch, its count, or its withdrawal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket<'a> {
    /// What it is called.
    pub number: TicketNumber,
    /// The group that it is for.
    pub group: [u8; 16],
    /// The epoch that was current when it was made.
    pub epoch: EpochName,
    /// The hash of the certificate of the one master that may use it.
    pub master: Sha384Digest,
    /// The list that this master enters it in.
    pub ledger: Ledger,
    /// What it allows.
    pub act: Act<'a>,
}

/// What a ticket allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act<'a> {
    /// To clone in runs.
    Clone(Copies<'a>),
    /// To write letters that make clones.
    Letter(Copies<'a>),
    /// To re-key, retiring exactly these modules.
    Rekey(Rekey<'a>),
    /// To give the group this policy.
    Policy(Policy<'a>),
}

/// How many modules may become clones, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copies<'a> {
    /// The choices of the cycle: these and no others.
    pub options: Options,
    /// Which modules.
    pub to: Receivers<'a>,
}

/// Which modules may become clones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receivers<'a> {
    /// So many of any, at most [`limits::TICKET_COUNT`].
    Any(u16),
    /// Each of these once.
    Named(Serials<'a>),
}

/// 1 to [`limits::TICKET_SERIALS`] serial numbers, ascending, none twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serials<'a>(&'a [[u8; Serial::MAX]]);

impl<'a> Serials<'a> {
    /// Makes a list of serial numbers in their wire form.
    pub fn new(padded: &'a [[u8; Serial::MAX]]) -> Result<Self, Malformed> {
        let serials = Self(padded);
        let is_counted = (1..=limits::TICKET_SERIALS).contains(&padded.len());
        let is_ascending = padded.is_sorted_by(|one, next| one < next);
        if is_counted && is_ascending && serials.iter().count() == padded.len() {
            Ok(serials)
        } else {
            Err(Malformed)
        }
    }

    /// Reads all that remains.
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let (padded, behind) = reader.rest().as_chunks();
        if behind.is_empty() {
            Self::new(padded)
        } else {
            Err(Malformed)
        }
    }

    /// Returns them, ascending.
    pub fn iter(&self) -> impl Iterator<Item = Serial> + use<'a> {
        self.0
            .iter()
            .map_while(|padded| Serial::read(&mut Reader::new(padded)).ok())
    }
}

impl<'a> Copies<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let options = Options::from_byte(reader.u8()?)?;
        let to = match reader.u16()? {
            0 => Receivers::Named(Serials::read(reader)?),
            count if count <= limits::TICKET_COUNT => Receivers::Any(count),
            _ => return Err(Malformed),
        };
        Ok(Self { options, to })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.u8(self.options.to_byte())?;
        match self.to {
            Receivers::Any(count) => writer.u16(count),
            Receivers::Named(serials) => {
                writer.u16(0)?;
                serials.0.iter().try_for_each(|serial| writer.bytes(serial))
            }
        }
    }
}

impl<'a> Act<'a> {
    const CLONE: u8 = 1;
    const LETTER: u8 = 2;
    const REKEY: u8 = 3;
    const POLICY: u8 = 4;

    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(match reader.u8()? {
            Self::CLONE => Self::Clone(Copies::read(reader)?),
            Self::LETTER => Self::Letter(Copies::read(reader)?),
            Self::REKEY => {
                let may_drop = reader.flag()?;
                Self::Rekey(Rekey::parse(may_drop, reader.rest())?)
            }
            Self::POLICY => Self::Policy(Policy::read(reader)?),
            _ => return Err(Malformed),
        })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        match self {
            Self::Clone(copies) => {
                writer.u8(Self::CLONE)?;
                copies.write(writer)
            }
            Self::Letter(copies) => {
                writer.u8(Self::LETTER)?;
                copies.write(writer)
            }
            Self::Rekey(rekey) => {
                writer.u8(Self::REKEY)?;
                writer.flag(rekey.may_drop)?;
                rekey.retired().try_for_each(|serial| serial.write(writer))
            }
            Self::Policy(policy) => {
                writer.u8(Self::POLICY)?;
                policy.write(writer)
            }
        }
    }
}

impl<'a> Ticket<'a> {
    /// Parses a whole ticket: at most [`limits::TICKET`] bytes, in its one form.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, MessageRefusal> {
        if bytes.len() > limits::TICKET {
            return Err(MessageRefusal::Malformed);
        }
        let mut reader = Reader::new(bytes);
        MessageKind::Ticket.read(&mut reader)?;
        let ticket = Self {
            number: *reader.array()?,
            group: *reader.array()?,
            epoch: EpochName::read(&mut reader)?,
            master: *reader.array()?,
            ledger: *reader.array()?,
            act: Act::read(&mut reader)?,
        };
        reader.finish()?;
        Ok(ticket)
    }

    /// Appends the wire form.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        MessageKind::Ticket.write(writer)?;
        writer.bytes(&self.number)?;
        writer.bytes(&self.group)?;
        self.epoch.write(writer)?;
        writer.bytes(&self.master)?;
        writer.bytes(&self.ledger)?;
        self.act.write(writer)
    }

    /// Returns the hash that names a ticket in terms, journal and receipts.
    pub fn hash<V: Verifier>(bytes: &[u8]) -> Sha384Digest {
        V::sha384(&[bytes])
    }
}

/// A custodian's agreement to one ticket.
#[derive(Clone, Copy, Debug)]
pub struct Approval<'a> {
    /// The hash of the ticket.
    pub ticket: &'a Sha384Digest,
    /// The custodian's certificates.
    pub chain: Chain<'a>,
    /// The custodian's signature.
    pub signature: &'a Signature,
}

impl<'a> Approval<'a> {
    /// The maximum size, in bytes.
    pub const MAX: usize = MessageKind::SIZE + 48 + limits::CHAIN + 96;

    /// Parses a whole approval.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, MessageRefusal> {
        let mut reader = Reader::new(bytes);
        MessageKind::Approval.read(&mut reader)?;
        let approval = Self {
            ticket: reader.array()?,
            chain: Chain::read(&mut reader)?,
            signature: reader.array()?,
        };
        reader.finish()?;
        Ok(approval)
    }

    /// Appends the wire form.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        MessageKind::Approval.write(writer)?;
        writer.bytes(self.ticket)?;
        writer.bytes(self.chain.as_wire())?;
        writer.bytes(self.signature)
    }

    /// Returns what a custodian signs.
    pub fn signed(ticket: &Sha384Digest) -> [u8; SIGNED_MESSAGE] {
        signed_message(SignedLabel::Ticket, ticket)
    }
}

/// A ticket with one approval, as a host presents it to a module.
#[derive(Clone, Copy, Debug)]
pub struct Presentation<'a> {
    /// The ticket, in its wire form.
    pub ticket: &'a [u8],
    /// The approval, in its wire form.
    pub approval: &'a [u8],
}

impl<'a> Presentation<'a> {
    /// Splits the data of TICKET PRESENT.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        Ok(Self {
            ticket: reader.prefixed(limits::TICKET)?,
            approval: reader.rest(),
        })
    }

    /// Appends the wire form.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.prefixed(self.ticket)?;
        writer.bytes(self.approval)
    }
}

/// How far a ticket is: the answer to TICKET PRESENT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// Custodians whose approvals the module has verified since it was unlocked.
    pub approvals: u8,
    /// How many the policy wants.
    pub quorum: u8,
}

impl Agreed {
    /// Parses the answer.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let agreed = Self {
            approvals: reader.u8()?,
            quorum: reader.u8()?,
        };
        reader.finish()?;
        Ok(agreed)
    }

    /// Appends the wire form.
    pub fn write(self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.u8(self.approvals)?;
        writer.u8(self.quorum)
    }
}

/// Digits of each half of an approval code.
pub const CODE_HALF: usize = 8;

/// Digits of an approval code: what the second screen drew, then what follows from it and the ticket.
pub const CODE: usize = 2 * CODE_HALF;

/// The label of an approval code (PROTOCOL § 6.3).
const CODE_LABEL: &[u8] = b"KeyWriter v1 approval code";

/// Returns the second half of an approval code: the ASCII digits that follow from those that the second screen drew, and the
/// hash of the ticket.
///
/// They are the first 8 bytes of SHA-384(label ‖ first half ‖ hash), as a number, modulo 10⁸.
pub fn code<V: Verifier>(drawn: &[u8; CODE_HALF], ticket: &Sha384Digest) -> [u8; CODE_HALF] {
    let digest = V::sha384(&[CODE_LABEL, drawn, ticket]);
    let mut number = digest
        .first_chunk()
        .map_or(0, |first| u64::from_be_bytes(*first));
    let mut digits = [b'0'; CODE_HALF];
    for digit in digits.iter_mut().rev() {
        let [.., last] = (number % 10).to_be_bytes();
        *digit = b'0'.saturating_add(last);
        number /= 10;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{vec, vec::Vec};

    fn ticket(act: Act<'_>) -> Ticket<'_> {
        Ticket {
            number: [1; 16],
            group: [2; 16],
            epoch: EpochName {
                number: 3,
                check: [4; 8],
            },
            master: [5; 48],
            ledger: [6; 16],
            act,
        }
    }

    fn bytes(ticket: &Ticket<'_>) -> Vec<u8> {
        let mut buffer = vec![0; limits::TICKET];
        let mut writer = Writer::new(&mut buffer);
        ticket.write(&mut writer).unwrap();
        let len = writer.written().len();
        buffer.truncate(len);
        buffer
    }

    fn padded(count: usize) -> Vec<u8> {
        let names = (0..count).map(|at| {
            let mut padded = std::format!("A{at:03}").into_bytes();
            padded.resize(Serial::MAX, 0);
            padded
        });
        names.flatten().collect()
    }

    fn copies(to: Receivers<'_>) -> Copies<'_> {
        Copies {
            options: Options::default(),
            to,
        }
    }

    #[test]
    fn every_ticket_reads_back_and_not_in_part() {
        let serials = padded(16);
        let named = Serials::read(&mut Reader::new(&serials)).unwrap();
        let custodians = [[1; 48], [2; 48]];
        for act in [
            Act::Clone(copies(Receivers::Any(1))),
            Act::Letter(copies(Receivers::Any(limits::TICKET_COUNT))),
            Act::Clone(copies(Receivers::Named(named))),
            Act::Rekey(Rekey::parse(true, &serials).unwrap()),
            Act::Rekey(Rekey::parse(false, &[]).unwrap()),
            Act::Policy(Policy::new(2, &custodians).unwrap()),
            Act::Policy(Policy::default()),
        ] {
            let ticket = ticket(act);
            let wire = bytes(&ticket);
            assert_eq!(Ticket::parse(&wire), Ok(ticket));
            let longer = [&wire[..], &[0]].concat();
            assert!(Ticket::parse(&longer).is_err(), "{act:?}");
            for len in 0..wire.len() {
                // A list may end behind each of its items: then it is another ticket, with another hash.
                let is_other = Ticket::parse(&wire[..len]).is_ok_and(|other| other != ticket);
                let is_list = matches!(act, Act::Rekey(_) | Act::Policy(_) | Act::Clone(_));
                assert!(!is_other || is_list, "{act:?} {len}");
            }
        }
    }

    #[test]
    fn a_ticket_is_for_somebody_and_for_not_too_many() {
        let head = bytes(&ticket(Act::Clone(copies(Receivers::Any(1)))));
        let head = &head[..head.len() - 2];
        let read = |count: u16, serials: &[u8]| {
            let wire = [head, &count.to_be_bytes(), serials].concat();
            Ticket::parse(&wire).map(|_| ()).is_ok()
        };
        assert!(read(0, &padded(1)) && read(0, &padded(16)));
        assert!(!read(0, &padded(17)) && !read(0, &[]) && !read(1, &padded(1)));
        assert!(read(250, &[]) && !read(251, &[]));
        let mut twice = padded(1);
        twice.extend_from_slice(&padded(1));
        assert!(!read(0, &twice));
        let mut falling = padded(2);
        falling.rotate_left(16);
        assert!(!read(0, &falling));
        assert!(!read(0, &[0; 16]), "no serial number");
    }

    #[test]
    fn a_ticket_has_at_most_a_kibibyte() {
        let serials = padded(limits::RETIRED);
        let most = (limits::TICKET - 113) / 16;
        for (count, fits) in [(most, true), (most + 1, false)] {
            let rekey = Rekey::parse(true, &serials[..count * 16]).unwrap();
            let ticket = ticket(Act::Rekey(rekey));
            let mut wire = vec![0; 2 * limits::TICKET];
            let mut writer = Writer::new(&mut wire);
            ticket.write(&mut writer).unwrap();
            assert_eq!(Ticket::parse(writer.written()).is_ok(), fits, "{count}");
        }
    }

    /// Begins its "hash" with a number that the first part names.
    struct Numbers;

    impl Verifier for Numbers {
        fn verify_either_form(
            _: &crate::EcPoint,
            _: &[u8],
            _: &Signature,
        ) -> Result<(), crate::BadSignature> {
            Ok(())
        }

        fn sha384(parts: &[&[u8]]) -> Sha384Digest {
            let mut digest = [0xFF; 48];
            digest[..8].copy_from_slice(&parts[2][..8]);
            digest
        }
    }

    #[test]
    fn a_code_has_eight_digits_of_the_hash() {
        for (number, digits) in [
            (0_u64, b"00000000"),
            (7, b"00000007"),
            (1_234_567_890, b"34567890"),
            (u64::MAX, b"09551615"),
        ] {
            let mut hash = [0; 48];
            hash[..8].copy_from_slice(&number.to_be_bytes());
            assert_eq!(&code::<Numbers>(b"12345678", &hash), digits);
        }
    }
}
