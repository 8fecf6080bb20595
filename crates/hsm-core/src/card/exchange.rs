//! Command and response chaining (ISO 7816-4 § 5.3.3 and § 5.3.4).

use hsm_protocol::{
    Status,
    apdu::CommandApdu,
    command::{CLA_INTERINDUSTRY, ins},
    limits,
    writer::Writer,
};
use zeroize::Zeroize;

/// What is pending between one APDU and the next. Its bytes stay in one place and are wiped there as soon as they are
/// no longer needed.
pub(crate) struct Exchange {
    stage: Stage,
    bytes: [u8; limits::CHAINED_COMMAND],
    len: usize,
}

/// What the bytes are.
#[derive(Clone, Copy)]
enum Stage {
    /// Nothing.
    Closed,
    /// A chained command, until its last link.
    Collecting { header: [u8; 4] },
    /// A response, until its rest is fetched.
    Answering { sent: usize },
}

impl Default for Exchange {
    fn default() -> Self {
        Self {
            stage: Stage::Closed,
            bytes: [0; limits::CHAINED_COMMAND],
            len: 0,
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.close();
    }
}

impl Exchange {
    /// Forgets what is pending.
    pub(crate) fn close(&mut self) {
        self.stage = Stage::Closed;
        self.bytes.get_mut(..self.len).unwrap_or_default().zeroize();
        self.len = 0;
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), Status> {
        let end = self.len.saturating_add(bytes.len());
        let place = self.bytes.get_mut(self.len..end);
        place.ok_or(Status::TooLarge)?.copy_from_slice(bytes);
        self.len = end;
        Ok(())
    }

    fn kept(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Forgets a response that was not fetched: the module locked. What the host sends goes on.
    pub(crate) fn drop_response(&mut self) {
        if let Stage::Answering { .. } = self.stage {
            self.close();
        }
    }

    /// Takes one APDU; `run` gets whole commands. Returns the length of the response with its status word, in bytes.
    pub(crate) fn apdu(
        &mut self,
        bytes: &[u8],
        response: &mut [u8],
        run: impl FnOnce(&CommandApdu<'_>, &mut Writer<'_>) -> Result<(), Status>,
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
        run: impl FnOnce(&CommandApdu<'_>, &mut Writer<'_>) -> Result<(), Status>,
    ) -> Result<Status, Status> {
        if out.room() < limits::CHAINED_COMMAND {
            return Err(Status::WrongLength);
        }
        let apdu = CommandApdu::parse(bytes).map_err(|_shape| Status::WrongLength)?;
        if (apdu.cla, apdu.ins) == (CLA_INTERINDUSTRY, ins::GET_RESPONSE) {
            return self.fetch(&apdu, out);
        }
        let header = [apdu.cla, apdu.ins, apdu.p1, apdu.p2];
        let is_link = match self.stage {
            Stage::Collecting { header: first } if first != header => {
                self.close();
                return Err(Status::ChainBroken);
            }
            Stage::Collecting { .. } => true,
            Stage::Closed | Stage::Answering { .. } => {
                self.close();
                apdu.chained
            }
        };
        if is_link && let Err(full) = self.keep(apdu.data) {
            self.close();
            return Err(full);
        }
        if apdu.chained {
            self.stage = Stage::Collecting { header };
            return Ok(Status::Success);
        }
        let outcome = if is_link {
            let data = self.kept();
            run(&CommandApdu { data, ..apdu }, out)
        } else {
            run(&apdu, out)
        };
        self.close();
        outcome?;
        self.answer(apdu.expected, out)
    }

    /// Gives as much of the response as the host accepts, and keeps it for the rest.
    fn answer(&mut self, expected: usize, out: &mut Writer<'_>) -> Result<Status, Status> {
        if out.len() <= expected {
            return Ok(Status::Success);
        }
        // Only data that must be requested as a whole can be longer than the buffer, and commands check that first.
        self.keep(out.written())?;
        self.stage = Stage::Answering { sent: expected };
        let left = out.len().saturating_sub(expected);
        out.truncate(expected);
        Ok(more(left))
    }

    fn fetch(&mut self, apdu: &CommandApdu<'_>, out: &mut Writer<'_>) -> Result<Status, Status> {
        if (apdu.p1, apdu.p2) != (0, 0) {
            return Err(Status::WrongParameters);
        }
        let sent = match self.stage {
            Stage::Answering { sent } => sent,
            Stage::Closed => return Err(Status::OutOfOrder),
            Stage::Collecting { .. } => {
                self.close();
                return Err(Status::ChainBroken);
            }
        };
        let rest = self.kept().get(sent..).unwrap_or_default();
        let part = rest.get(..apdu.expected).unwrap_or(rest);
        out.bytes(part)?;
        let left = rest.len().saturating_sub(part.len());
        if left == 0 {
            self.close();
            return Ok(Status::Success);
        }
        self.stage = Stage::Answering {
            sent: sent.saturating_add(part.len()),
        };
        Ok(more(left))
    }
}

fn more(left: usize) -> Status {
    Status::More(u8::try_from(left).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{vec, vec::Vec};

    const SECRET: [u8; 24] = *b"a secret that must go...";

    /// Sends an APDU to which the module would answer with the secret.
    fn send(exchange: &mut Exchange, apdu: &[u8]) -> Vec<u8> {
        let mut response = vec![0; limits::RESPONSE_ROOM];
        let len = exchange.apdu(apdu, &mut response, |_, out| Ok(out.bytes(&SECRET)?));
        response.truncate(len);
        response
    }

    #[test]
    fn what_was_fetched_replaced_dropped_or_broken_off_is_wiped() {
        type End = fn(&mut Exchange);
        let ends: [(&str, End); 5] = [
            ("fetched", |exchange| {
                send(exchange, &[0, ins::GET_RESPONSE, 0, 0, 0]);
            }),
            ("replaced", |exchange| {
                send(exchange, &[0x80, 0x30, 0, 0, 0]);
            }),
            ("locked", Exchange::drop_response),
            ("reset", Exchange::close),
            ("broken off", |exchange| {
                send(exchange, &[0x90, 0x30, 0, 0, 2, 1, 2]);
                send(exchange, &[0x80, 0x32, 0, 0, 0]);
            }),
        ];
        for (name, end) in ends {
            let mut exchange = Exchange::default();
            assert_eq!(
                send(&mut exchange, &[0x80, 0x30, 0, 0, 1])[1..],
                [0x61, 23],
                "{name}"
            );
            assert!(exchange.bytes.starts_with(&SECRET));
            end(&mut exchange);
            assert!(exchange.bytes.iter().all(|byte| *byte == 0), "{name}");
        }
    }
}
