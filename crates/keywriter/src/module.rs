//! A connected module and its commands. What the messages mean is not known here.

use crate::{
    genuine::P384,
    transport::{Location, PATIENCE, Transport, TransportError},
};
use hsm_protocol::{
    BadSignature, EcPoint, Malformed, Status, Verifier,
    apdu::{complete_extended, encode_extended},
    cloning::Options,
    command::{AID, CLA, CLA_INTERINDUSTRY, SELECTED, ins},
    identity::{Identity, SignedIdentity},
    limits,
    self_test::{SelfTest, SelfTestReport, Stopped},
    settings::ModuleStatus,
    signed::{AnswerSignature, Challenge, SignedFields, SignedLabel},
};
use std::time::Instant;

/// A module that answers commands.
pub struct ConnectedModule {
    transport: Box<dyn Transport>,
    command: Vec<u8>,
    /// When it must have answered, if that is limited.
    deadline: Option<Instant>,
    /// The key that the module proved to hold: from then on it must sign what it says of itself.
    key: Option<EcPoint>,
}

impl std::fmt::Debug for ConnectedModule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectedModule")
            .field("location", self.location())
            .finish_non_exhaustive()
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModuleError {
    /// The module did not answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The module refused.
    #[error("{}", crate::error::reason(*.0))]
    Refused(Status),
    /// A self-test of the module failed, and the module stopped.
    #[error("its self-test of {} failed, and it stopped", .0.name())]
    SelfTest(SelfTest),
    /// The module answered with a status that is not in the protocol.
    #[error("the module in {location} answered with the unknown status {word:04X}")]
    UnknownStatus {
        /// Where it is.
        location: Location,
        /// SW1 and SW2.
        word: u16,
    },
    /// The module's answer has the wrong shape.
    #[error("the module in {location} gave a malformed answer")]
    Malformed {
        /// Where it is.
        location: Location,
    },
    /// The module's journal contradicts itself.
    #[error("the journal of the module in {0} contradicts itself")]
    Inconsistent(Location),
    /// The module's answer is not signed with its certified key: it was changed on its way.
    #[error("the answer from {location} is not signed with the module's key")]
    NotSigned {
        /// Where it is.
        location: Location,
    },
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system")]
    Random(#[source] getrandom::Error),
}

impl ModuleError {
    /// Returns the error of an answer that has the wrong shape.
    pub(crate) fn malformed(location: &Location) -> Self {
        Self::Malformed {
            location: location.clone(),
        }
    }

    /// Returns whether the connection failed, rather than the module refused.
    pub const fn is_link(&self) -> bool {
        matches!(self, Self::Transport(_))
    }

    /// Returns the error for a module that was there before: if it is absent, it was pulled out.
    #[must_use]
    pub fn into_pulled_out(self) -> Self {
        match self {
            Self::Transport(TransportError::Absent { location }) => {
                Self::Transport(TransportError::PulledOut { location })
            }
            other => other,
        }
    }

    /// Returns whether the module lost the run or cycle that the command belongs to.
    pub const fn is_run_lost(&self) -> bool {
        matches!(self, Self::Refused(Status::OutOfOrder))
    }
}

/// An answer to IDENTITY, with the challenge it answers.
#[derive(Clone, Debug)]
pub struct SignedAnswer {
    challenge: [u8; 32],
    bytes: Vec<u8>,
    identity: Identity,
}

impl SignedAnswer {
    /// Returns the fields.
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Checks that the holder of `public` gave this answer.
    pub fn verify<V: Verifier>(&self, public: &EcPoint) -> Result<(), BadSignature> {
        SignedIdentity::parse(&self.bytes)
            .map_err(|Malformed| BadSignature)?
            .verify::<V>(public, &self.challenge)
    }
}

/// An answer that ends with the module's signature over it and a challenge. Its fields are only for those who verify it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attested {
    label: SignedLabel,
    p1: u8,
    challenge: Challenge,
    bytes: Vec<u8>,
}

impl Attested {
    /// Takes an answer to such a command with such a challenge.
    pub(crate) const fn new(
        label: SignedLabel,
        p1: u8,
        challenge: Challenge,
        bytes: Vec<u8>,
    ) -> Self {
        Self {
            label,
            p1,
            challenge,
            bytes,
        }
    }

    /// Returns the fields if the holder of `public` gave this answer.
    pub fn verify<V: Verifier>(&self, public: &EcPoint) -> Result<&[u8], BadSignature> {
        let answer = SignedFields::parse(&self.bytes).map_err(|Malformed| BadSignature)?;
        let said = AnswerSignature {
            label: self.label,
            p1: self.p1,
            challenge: &self.challenge,
        };
        said.verify::<V>(public, &answer)?;
        Ok(answer.fields)
    }
}

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
    /// Takes over a connection.
    pub fn new(transport: Box<dyn Transport>) -> Self {
        Self {
            transport,
            command: Vec::new(),
            deadline: None,
            key: None,
        }
    }

    /// Sets when the module must have answered whatever is asked until then, or takes the limit away.
    pub(crate) fn must_answer_by(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
        self.transport.set_patience(PATIENCE);
    }

    /// Returns the connection.
    pub(crate) fn transport(&mut self) -> &mut dyn Transport {
        &mut *self.transport
    }

    /// Returns where it is.
    pub fn location(&self) -> &Location {
        self.transport.location()
    }

    /// Selects the application (SELECT), which another kind of card refuses.
    pub fn select(&mut self) -> Result<(), ModuleError> {
        let answer = self.exchange([CLA_INTERINDUSTRY, ins::SELECT, 0x04, 0], &AID)?;
        if answer == SELECTED {
            Ok(())
        } else {
            Err(ModuleError::Refused(Status::VersionRefused))
        }
    }

    /// Asks for its identity (IDENTITY), over a new random challenge.
    pub fn identity(&mut self) -> Result<SignedAnswer, ModuleError> {
        let challenge = challenge()?;
        let bytes = self.command(ins::IDENTITY, 0, &challenge)?;
        let identity = SignedIdentity::parse(&bytes).map(|signed| signed.identity);
        Ok(SignedAnswer {
            challenge,
            identity: self.well_formed(identity)?,
            bytes,
        })
    }

    /// Returns the module's own chain, in its wire form.
    pub fn own_chain(&mut self) -> Result<Vec<u8>, ModuleError> {
        self.command(ins::CERTIFICATE, 0, &[])
    }

    /// Returns the root that the module trusts, DER.
    pub fn trusted_root(&mut self) -> Result<Vec<u8>, ModuleError> {
        self.command(ins::CERTIFICATE, 1, &[])
    }

    /// Returns the last Receipt it gave as a secondary, if any.
    pub fn last_receipt(&mut self) -> Result<Option<Vec<u8>>, ModuleError> {
        match self.command(ins::LAST_RECEIPT, 0, &[]) {
            Err(ModuleError::Refused(Status::NotFound)) => Ok(None),
            other => other.map(Some),
        }
    }

    /// Demands that the module signs its status and its journal with that key: whoever relays them could change them.
    pub(crate) const fn demand_signatures(&mut self, key: EcPoint) {
        self.key = Some(key);
    }

    /// Returns the key that the module proved to hold.
    pub(crate) const fn proved_key(&self) -> Option<EcPoint> {
        self.key
    }

    /// Returns role, group, epoch and settings; the module must be unlocked.
    pub fn status(&mut self) -> Result<ModuleStatus, ModuleError> {
        let fields = self.fields(ins::STATUS, 0, SignedLabel::Status)?;
        self.well_formed(ModuleStatus::parse(&fields))
    }

    /// Returns the same unsigned: enough to notice that something has changed, and no work for the module.
    pub fn glance(&mut self) -> Result<ModuleStatus, ModuleError> {
        let fields = self.command(ins::STATUS, 0, &[])?;
        self.well_formed(ModuleStatus::parse(&fields))
    }

    /// Returns the fields of an answer, which the module signed if its key is known.
    pub(crate) fn fields(
        &mut self,
        ins: u8,
        p1: u8,
        label: SignedLabel,
    ) -> Result<Vec<u8>, ModuleError> {
        let Some(key) = self.key else {
            return self.command(ins, p1, &[]);
        };
        let answer = self.attested(ins, p1, label)?;
        let fields = self.signed(answer.verify::<P384>(&key))?;
        Ok(fields.to_vec())
    }

    /// Begins a cycle.
    pub fn cycle_begin(&mut self, options: Options, secondaries: u16) -> Result<(), ModuleError> {
        let [high, low] = secondaries.to_be_bytes();
        self.command(ins::CYCLE_BEGIN, 0, &[options.to_byte(), high, low])?;
        Ok(())
    }

    /// Ends the cycle.
    pub fn cycle_end(&mut self) -> Result<(), ModuleError> {
        self.command(ins::CYCLE_END, 0, &[])?;
        Ok(())
    }

    /// Secondary: returns a new Offer.
    pub fn offer(&mut self) -> Result<Vec<u8>, ModuleError> {
        self.command(ins::OFFER, 0, &[])
    }

    /// Secondary: takes the Grant, returns the Consent.
    pub fn consent(&mut self, grant: &[u8]) -> Result<Vec<u8>, ModuleError> {
        self.command(ins::CONSENT, 0, grant)
    }

    /// Secondary: takes the Parcel, commits, returns the Receipt.
    pub fn commit(&mut self, parcel: &[u8]) -> Result<Vec<u8>, ModuleError> {
        self.command(ins::COMMIT, 0, parcel)
    }

    /// Master: takes an Offer into a run, returns the Grant.
    pub fn grant(&mut self, run: u8, offer: &[u8]) -> Result<Vec<u8>, ModuleError> {
        self.command(ins::GRANT, run, offer)
    }

    /// Master: takes a run's Consent, returns the Parcel.
    pub fn parcel(&mut self, run: u8, consent: &[u8]) -> Result<Vec<u8>, ModuleError> {
        self.command(ins::PARCEL, run, consent)
    }

    /// Master: takes a Receipt, returns the countersignature.
    pub fn countersign(&mut self, receipt: &[u8]) -> Result<Vec<u8>, ModuleError> {
        self.command(ins::COUNTERSIGN, 0, receipt)
    }

    pub(crate) fn command(&mut self, ins: u8, p1: u8, data: &[u8]) -> Result<Vec<u8>, ModuleError> {
        self.exchange([CLA, ins, p1, 0], data)
    }

    /// Sends a command and fetches its whole response (ISO 7816-4 § 5.3.4).
    fn exchange(&mut self, header: [u8; 4], data: &[u8]) -> Result<Vec<u8>, ModuleError> {
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

    /// Sends a command with a new random challenge.
    pub(crate) fn attested(
        &mut self,
        ins: u8,
        p1: u8,
        label: SignedLabel,
    ) -> Result<Attested, ModuleError> {
        let challenge = challenge()?;
        let bytes = self.command(ins, p1, &challenge)?;
        Ok(Attested::new(label, p1, challenge, bytes))
    }

    /// Returns what was verified, or whose answer was not signed.
    pub(crate) fn signed<T>(&self, verified: Result<T, BadSignature>) -> Result<T, ModuleError> {
        verified.map_err(|BadSignature| ModuleError::NotSigned {
            location: self.location().clone(),
        })
    }

    pub(crate) fn well_formed<T>(&self, parsed: Result<T, Malformed>) -> Result<T, ModuleError> {
        parsed.map_err(|Malformed| ModuleError::malformed(self.location()))
    }
}

fn challenge() -> Result<Challenge, ModuleError> {
    let mut challenge = [0; 32];
    getrandom::fill(&mut challenge).map_err(ModuleError::Random)?;
    Ok(challenge)
}

/// What an extended-length command takes besides its data, in bytes: header, Lc and Le.
const EXTENDED: usize = 4 + 3 + LE;

/// What Le takes, in bytes.
const LE: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_hub::Scripted;
    use hsm_protocol::{
        settings::{EncryptionMode, Role},
        writer::Writer,
    };

    #[test]
    fn a_long_response_is_fetched_in_parts() {
        let mut module = Scripted::module(vec![
            vec![1, 2, 0x61, 0],
            vec![3, 4, 0x61, 1],
            vec![5, 0x90, 0],
        ]);
        assert_eq!(module.own_chain().unwrap(), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn more_without_more_is_malformed() {
        let mut module = Scripted::module(vec![vec![1, 0x61, 1], vec![0x61, 1]]);
        assert!(matches!(
            module.own_chain(),
            Err(ModuleError::Malformed { .. })
        ));
    }

    #[test]
    fn an_answer_without_a_status_word_is_malformed() {
        for answer in [vec![], vec![0x90]] {
            let mut module = Scripted::module(vec![answer]);
            assert!(matches!(module.offer(), Err(ModuleError::Malformed { .. })));
        }
    }

    #[test]
    fn a_refusal_and_an_unknown_word_are_told_apart() {
        let mut module = Scripted::module(vec![vec![0x69, 0x82], vec![0x6F, 0x00]]);
        assert!(matches!(
            module.offer(),
            Err(ModuleError::Refused(Status::Locked))
        ));
        let error = module.offer().unwrap_err();
        assert!(error.to_string().contains("6F00"), "{error}");
    }

    #[test]
    fn once_the_key_is_known_an_unsigned_answer_is_refused() {
        let status = ModuleStatus {
            role: Role::User,
            group: [1; 16],
            epoch: hsm_protocol::EpochName {
                number: 1,
                check: [2; 8],
            },
            mode: EncryptionMode::Xts,
            auto_lock: None,
            policy: None,
            writes_left: 1,
            admin: None,
        };
        let mut bytes = [0; ModuleStatus::MAX];
        let mut writer = Writer::new(&mut bytes);
        status.write(&mut writer).unwrap();
        let answer = [writer.written(), &[0x90, 0]].concat();
        let mut module = Scripted::module(vec![answer.clone(), answer]);
        assert_eq!(module.status().unwrap(), status);
        module.demand_signatures([4; 97]);
        assert!(matches!(
            module.status(),
            Err(ModuleError::NotSigned { .. })
        ));
    }

    #[test]
    fn no_receipt_is_an_answer_and_no_error() {
        let mut module = Scripted::module(vec![vec![0x6A, 0x88], vec![0x65, 0x81]]);
        assert_eq!(module.last_receipt().unwrap(), None);
        assert!(module.last_receipt().is_err());
    }

    #[test]
    fn a_self_test_that_stopped_a_module_is_named() {
        let stopped = |by: u8| vec![by, 0, 0, 0, 0x90, 0];
        let mut module = Scripted::module(vec![
            vec![0x65, 0x81],
            stopped(SelfTest::Gcm.number()),
            vec![0x65, 0x81],
            stopped(0xFF),
        ]);
        let error = module.select().unwrap_err();
        assert!(matches!(error, ModuleError::SelfTest(SelfTest::Gcm)));
        let problem = crate::problem::Problem::from(&error);
        assert_eq!(problem.reason, crate::problem::Reason::SelfTestFailed);
        // The store failed, and no self-test.
        let error = module.select().unwrap_err();
        assert!(matches!(error, ModuleError::Refused(Status::MemoryFailure)));
    }

    #[test]
    fn another_version_is_told_at_select() {
        let mut module = Scripted::module(vec![vec![2, 0x90, 0]]);
        assert!(matches!(
            module.select(),
            Err(ModuleError::Refused(Status::VersionRefused))
        ));
    }
}
