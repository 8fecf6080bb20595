//! A command goes, and its whole answer comes (ISO 7816-4 § 5.3.4).

use super::{ConnectedModule, ModuleError};
use crate::transport::{Location, PATIENCE, TransportError};
use hsm_protocol::{
    Malformed, Status,
    apdu::{complete_extended, encode_extended},
    command::{CLA, CLA_INTERINDUSTRY, ins},
    limits,
    self_test::{SelfTestReport, Stopped},
};
use std::time::Instant;

/// A command APDU of extended length, whose data is written straight into its place.
pub(crate) struct Command {
    header: [u8; 4],
    bytes: Vec<u8>,
}

impl Command {
    /// Makes a command with room for so many bytes of data.
    pub(crate) fn new(ins: u8, p1: u8, room: usize) -> Self {
        Self {
            header: [CLA, ins, p1, 0],
            bytes: vec![0; room + EXTENDED],
        }
    }

    /// Returns the room for its data.
    pub(crate) fn data(&mut self) -> &mut [u8] {
        let end = self.bytes.len() - LE;
        self.bytes.get_mut(EXTENDED - LE..end).unwrap_or_default()
    }

    /// Returns the APDU with so many bytes of data.
    pub(crate) fn complete(&mut self, data: usize) -> Result<&[u8], Malformed> {
        let len = complete_extended(self.header, data, &mut self.bytes)?;
        self.bytes.get(..len).ok_or(Malformed)
    }
}

/// Splits a response APDU into its data and its status.
pub(crate) fn decode<'a>(
    answer: &'a [u8],
    location: &Location,
) -> Result<(&'a [u8], Status), ModuleError> {
    let Some((data, word)) = answer.split_last_chunk() else {
        return Err(ModuleError::malformed(location));
    };
    let word = u16::from_be_bytes(*word);
    let unknown = || ModuleError::UnknownStatus {
        location: location.clone(),
        word,
    };
    Ok((data, Status::from_word(word).ok_or_else(unknown)?))
}

impl ConnectedModule {
    pub(crate) fn command(&mut self, ins: u8, p1: u8, data: &[u8]) -> Result<Vec<u8>, ModuleError> {
        self.exchange([CLA, ins, p1, 0], data)
    }

    /// Sends a command and fetches its whole response (ISO 7816-4 § 5.3.4).
    pub(super) fn exchange(
        &mut self,
        header: [u8; 4],
        data: &[u8],
    ) -> Result<Vec<u8>, ModuleError> {
        match self.exchange_once(header, data) {
            // The rest of an answer was lost: the module gives it again.
            Err(ModuleError::Transport(TransportError::Reset { .. })) => {
                self.exchange_once(header, data)
            }
            outcome => outcome,
        }
    }

    fn exchange_once(&mut self, header: [u8; 4], data: &[u8]) -> Result<Vec<u8>, ModuleError> {
        let end = Instant::now() + PATIENCE;
        let (mut answer, mut status) = self.transmit(header, data)?;
        while let Status::More(_) = status {
            let (part, next) = self.transmit([CLA_INTERINDUSTRY, ins::GET_RESPONSE, 0, 0], &[])?;
            if part.is_empty() || answer.len() + part.len() > limits::RESPONSE_APDU {
                return self.well_formed(Err(Malformed));
            }
            if Instant::now() > end {
                let location = self.location().clone();
                return Err(TransportError::Silent { location }.into());
            }
            answer.extend_from_slice(&part);
            status = next;
        }
        match status {
            Status::Success => Ok(answer),
            Status::MemoryFailure => Err(self.why_stopped()),
            refused => Err(ModuleError::Refused(refused)),
        }
    }

    /// Asks a module that stopped whether one of its self-tests did that (PROTOCOL § 2.11).
    fn why_stopped(&mut self) -> ModuleError {
        let answer = self.transmit([CLA, ins::SELF_TEST, 0, 0], &[]);
        let report = answer.map(|(answer, _)| SelfTestReport::parse(&answer));
        match report {
            Ok(Ok(SelfTestReport {
                stopped: Some(Stopped::By(test)),
                ..
            })) => ModuleError::SelfTest(test),
            _ => ModuleError::Refused(Status::MemoryFailure),
        }
    }

    fn transmit(&mut self, header: [u8; 4], data: &[u8]) -> Result<(Vec<u8>, Status), ModuleError> {
        self.command.resize(data.len() + EXTENDED, 0);
        let encoded = encode_extended(header, data, &mut self.command);
        let len = self.well_formed(encoded)?;
        let [_, ins, ..] = header;
        tracing::trace!(location = %self.location(), ins = format_args!("{ins:02X}"), len, "sent");
        if let Some(deadline) = self.deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let location = self.location().clone();
                return Err(TransportError::Silent { location }.into());
            }
            self.transport.set_patience(left.min(PATIENCE));
        }
        let command = self.command.get(..len).unwrap_or_default();
        let mut answer = self.transport.transmit(command)?;
        let (data, status) = decode(&answer, self.location())?;
        let (len, word) = (data.len(), status.to_word());
        tracing::trace!(location = %self.location(), status = format_args!("{word:04X}"), len, "received");
        answer.truncate(len);
        Ok((answer, status))
    }
}

/// What an extended-length command takes besides its data, in bytes: header, Lc and Le.
const EXTENDED: usize = 4 + 3 + LE;

/// What Le takes, in bytes.
const LE: usize = 2;
