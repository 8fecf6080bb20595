//! Command and response chaining (ISO 7816-4 § 5.3.3 and § 5.3.4).

use heapless::Vec;
use hsm_protocol::{
    Status,
    apdu::CommandApdu,
    command::{CLA_INTERINDUSTRY, Command, ins},
    limits,
    writer::Writer,
};

/// What is pending between one APDU and the next.
#[derive(Default)]
pub(crate) enum Exchange {
    /// Nothing.
    #[default]
    Closed,
    /// A chained command, until its last link.
    Collecting { header: [u8; 4], data: Buffer },
    /// A response, until its rest is fetched.
    Answering { data: Buffer, sent: usize },
}

type Buffer = Vec<u8, { limits::CHAINED_COMMAND }>;

impl Exchange {
    /// Takes one APDU; `run` gets whole commands. Returns the length of the response with its status word, in bytes.
    pub(crate) fn apdu(
        &mut self,
        bytes: &[u8],
        response: &mut [u8],
        run: impl FnOnce(&Command<'_>, &mut Writer<'_>) -> Result<(), Status>,
    ) -> usize {
        let room = response.len().saturating_sub(2);
        let mut out = Writer::new(response.get_mut(..room).unwrap_or_default());
        let status = self.step(bytes, &mut out, run).unwrap_or_else(|status| {
            out.truncate(0);
            status
        });
        let len = out.len();
        let end = len.saturating_add(2);
        if let Some(place) = response.get_mut(len..end) {
            place.copy_from_slice(&status.to_word().to_be_bytes());
        }
        end
    }

    fn step(
        &mut self,
        bytes: &[u8],
        out: &mut Writer<'_>,
        run: impl FnOnce(&Command<'_>, &mut Writer<'_>) -> Result<(), Status>,
    ) -> Result<Status, Status> {
        if out.room() < limits::CHAINED_COMMAND {
            return Err(Status::WrongLength);
        }
        let apdu = CommandApdu::parse(bytes).map_err(|_shape| Status::WrongLength)?;
        if (apdu.cla, apdu.ins) == (CLA_INTERINDUSTRY, ins::GET_RESPONSE) {
            return self.fetch(&apdu, out);
        }
        let header = [apdu.cla, apdu.ins, apdu.p1, apdu.p2];
        let collected = match core::mem::take(self) {
            Self::Collecting { header: first, .. } if first != header => {
                return Err(Status::ChainBroken);
            }
            Self::Collecting { mut data, .. } => {
                data.extend_from_slice(apdu.data)
                    .map_err(|_full| Status::TooLarge)?;
                Some(data)
            }
            Self::Closed | Self::Answering { .. } => None,
        };
        if apdu.chained {
            let first = || Vec::from_slice(apdu.data).map_err(|_full| Status::TooLarge);
            *self = Self::Collecting {
                header,
                data: collected.map_or_else(first, Ok)?,
            };
            return Ok(Status::Success);
        }
        match &collected {
            Some(data) => self.answer(&CommandApdu { data, ..apdu }, out, run),
            None => self.answer(&apdu, out, run),
        }
    }

    fn answer(
        &mut self,
        apdu: &CommandApdu<'_>,
        out: &mut Writer<'_>,
        run: impl FnOnce(&Command<'_>, &mut Writer<'_>) -> Result<(), Status>,
    ) -> Result<Status, Status> {
        run(&Command::parse(apdu)?, out)?;
        if out.len() <= apdu.expected {
            return Ok(Status::Success);
        }
        // Only ciphered data can be longer than the buffer; a host must request it as a whole.
        let data = Vec::from_slice(out.written()).map_err(|_full| Status::WrongLength)?;
        let left = data.len().saturating_sub(apdu.expected);
        *self = Self::Answering {
            data,
            sent: apdu.expected,
        };
        out.truncate(apdu.expected);
        Ok(more(left))
    }

    fn fetch(&mut self, apdu: &CommandApdu<'_>, out: &mut Writer<'_>) -> Result<Status, Status> {
        if (apdu.p1, apdu.p2) != (0, 0) {
            return Err(Status::WrongParameters);
        }
        let (data, sent) = match self {
            Self::Answering { data, sent } => (data, sent),
            Self::Closed => return Err(Status::OutOfOrder),
            Self::Collecting { .. } => {
                *self = Self::Closed;
                return Err(Status::ChainBroken);
            }
        };
        let rest = data.get(*sent..).unwrap_or_default();
        let part = rest.get(..apdu.expected).unwrap_or(rest);
        out.bytes(part)?;
        let left = rest.len().saturating_sub(part.len());
        if left == 0 {
            *self = Self::Closed;
            return Ok(Status::Success);
        }
        *sent = sent.saturating_add(part.len());
        Ok(more(left))
    }
}

fn more(left: usize) -> Status {
    Status::More(u8::try_from(left).unwrap_or(0))
}
