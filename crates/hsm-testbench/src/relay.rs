//! A relay between two modules on the bench: the six messages, one by one, for a test to keep, change or lose.

use crate::Bench;
use hsm_core::crypto::Provider;
use hsm_protocol::{Status, cloning::Options, command::ins};

/// The messages of a run, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// Secondary → master.
    Offer,
    /// Master → secondary.
    Grant,
    /// Secondary → master.
    Consent,
    /// Master → secondary.
    Parcel,
    /// Secondary → master.
    Receipt,
    /// Master → host.
    Countersignature,
}

impl Message {
    /// All six.
    pub const ALL: [Self; 6] = [
        Self::Offer,
        Self::Grant,
        Self::Consent,
        Self::Parcel,
        Self::Receipt,
        Self::Countersignature,
    ];
}

/// How a run went.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Each message, as it came from its module.
    pub messages: Vec<Vec<u8>>,
    /// The step that a module refused: the message it was given was the one before.
    pub refused: Option<(Message, Status)>,
}

impl Outcome {
    /// The finished receipt of a run that came to its end.
    pub fn receipt(&self) -> Vec<u8> {
        assert_eq!(self.refused, None);
        [self.messages[4].as_slice(), self.messages[5].as_slice()].concat()
    }
}

/// Begins a cycle on a master that is unlocked by its Administrator.
pub fn begin<C: Provider>(
    master: &mut Bench<C>,
    options: Options,
    secondaries: u16,
) -> Result<(), Status> {
    let mut data = vec![options.to_byte()];
    data.extend_from_slice(&secondaries.to_be_bytes());
    master.command(ins::CYCLE_BEGIN, 0, &data).map(|_empty| ())
}

/// Relays one run of number `run`; `tamper` sees each message on its way and may change it.
pub fn run<M: Provider, S: Provider>(
    master: &mut Bench<M>,
    secondary: &mut Bench<S>,
    run: u8,
    mut tamper: impl FnMut(Message, &mut Vec<u8>),
) -> Outcome {
    let mut messages = Vec::new();
    let mut carried = Vec::new();
    for message in Message::ALL {
        match step(master, secondary, run, message, &carried) {
            Ok(sent) => {
                messages.push(sent.clone());
                carried = sent;
                tamper(message, &mut carried);
            }
            Err(status) => {
                return Outcome {
                    messages,
                    refused: Some((message, status)),
                };
            }
        }
    }
    Outcome {
        messages,
        refused: None,
    }
}

/// One step: asks for `message`, giving the one before it.
pub fn step<M: Provider, S: Provider>(
    master: &mut Bench<M>,
    secondary: &mut Bench<S>,
    run: u8,
    message: Message,
    before: &[u8],
) -> Result<Vec<u8>, Status> {
    match message {
        Message::Offer => secondary.offer(),
        Message::Grant => master.command(ins::GRANT, run, before),
        Message::Consent => secondary.command(ins::CONSENT, 0, before),
        Message::Parcel => master.command(ins::PARCEL, run, before),
        Message::Receipt => secondary.command(ins::COMMIT, 0, before),
        Message::Countersignature => master.command(ins::COUNTERSIGN, 0, before),
    }
}
