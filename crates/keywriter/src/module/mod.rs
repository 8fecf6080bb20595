//! A connected module and its commands. What the messages mean is not known here.
//!
//! | module | what it holds |
//! |---|---|
//! | `exchange` | commands out and whole answers in |
//! | `signed` | answers that the module signs |
//! | `error` | why a command failed |

mod error;
mod exchange;
mod signed;

pub use error::ModuleError;
pub(crate) use exchange::{Command, decode};
pub use signed::{Attested, SignedAnswer};

use crate::transport::{Location, PATIENCE, Transport};
use hsm_protocol::{
    EcPoint, Malformed, Status,
    cloning::Options,
    command::{AID, CLA_INTERINDUSTRY, SELECTED, ins},
    identity::SignedIdentity,
    settings::ModuleStatus,
    signed::SignedLabel,
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
        let challenge = signed::challenge()?;
        let bytes = self.command(ins::IDENTITY, 0, &challenge)?;
        let identity = SignedIdentity::parse(&bytes).map(|signed| signed.identity);
        let identity = self.well_formed(identity)?;
        Ok(SignedAnswer::new(challenge, bytes, identity))
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

    pub(crate) fn well_formed<T>(&self, parsed: Result<T, Malformed>) -> Result<T, ModuleError> {
        parsed.map_err(|Malformed| ModuleError::malformed(self.location()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_hub::Scripted;
    use hsm_protocol::{
        self_test::SelfTest,
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
            releases_keys: true,
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
