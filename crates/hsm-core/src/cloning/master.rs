//! The master's part: it answers Offers with Grants and Consents with Parcels, each of which is journaled first.

use super::{
    Refusal, internal_error, peer_error,
    proof::Proved,
    release::{Receiver, release},
    signed::{Consented, SignedTerms},
    transcript::Transcript,
};
use crate::{
    crypto::{Provider, Rng, self_test},
    platform::{Board, Platform},
    time::{Millis, RUN},
    vault::{
        csp::{
            contents::Csps,
            kek::Kek,
            module_key::ModuleKey,
            parcel::ParcelContents,
            run_keys::{RunKeys, SealedMessage},
            shared::{EcdhShared, KemShared},
        },
        journal::Journal,
        store::{NotStored, Store},
        writes::{HostWrites, Spent},
    },
};
use heapless::Vec;
use hsm_protocol::{
    EcPoint, Serial, Sha384Digest, Status, Verifier,
    certificate::{Chain, Root},
    cloning::{Condition, Consent, Cycle, Grant, GrantBody, Offer, Options, TAG, Terms, Ticket},
    limits,
    message::MessageKind,
    receipt::Party,
    writer::Writer,
};
use zeroize::Zeroizing;

/// A cycle under way in an Administrator's session.
pub(crate) struct MasterCycle {
    cycle: Cycle,
    runs: [MasterRun; limits::RUNS],
    /// The secondaries whose receipts were countersigned; recorded only for "disable master".
    countersigned: Vec<Serial, { limits::DISABLING_CYCLE }>,
}

/// One run. `Granted` waits for the Consent; the Parcel ends it.
#[derive(Default)]
#[expect(
    clippy::large_enum_variant,
    reason = "the core has no allocator to put a variant elsewhere"
)]
enum MasterRun {
    #[default]
    Idle,
    Granted(Granted),
}

struct Granted {
    keys: RunKeys,
    peer: Peer,
    last_message: Millis,
}

/// Who made the Offer, and the transcript up to the Grant.
#[derive(Clone, Copy)]
struct Peer {
    transcript: Transcript,
    condition: Condition,
    serial: Serial,
    public: EcPoint,
    certificate: Sha384Digest,
}

/// What a step of the master works on.
pub(crate) struct Master<'a, B: Board> {
    pub(crate) platform: &'a mut Platform<B>,
    pub(crate) store: &'a mut Store,
    pub(crate) signer: &'a ModuleKey<B::Crypto>,
    pub(crate) kek: &'a mut Kek,
    pub(crate) csps: &'a mut Csps,
    pub(crate) writes: &'a mut HostWrites,
}

impl<B: Board> Master<'_, B> {
    /// Stores the journal and the session's CSPs: one of the writes that a host may cause.
    pub(super) fn store(&mut self, _: Spent, journal: &Journal) -> Result<(), NotStored> {
        self.store
            .seal_anew(self.platform, self.kek, self.csps, journal)
    }
}

impl MasterCycle {
    /// Begins a cycle. Nothing is stored: its number is taken by the first Parcel that it releases.
    pub(crate) fn begin<B: Board>(
        master: &mut Master<'_, B>,
        options: Options,
        secondaries: u16,
    ) -> Result<Self, Status> {
        if !master.csps.settings.cloning {
            return Err(Status::CloningDisabled);
        }
        if secondaries == 0 {
            return Err(Status::Malformed);
        }
        if options.disable_master && usize::from(secondaries) > limits::DISABLING_CYCLE {
            return Err(Status::TooLarge);
        }
        let mut journal = Journal::default();
        master
            .store
            .image()
            .open_journal::<B::Crypto>(master.kek, &mut journal)
            .map_err(NotStored::from)?;
        Ok(Self {
            cycle: Cycle {
                number: journal.next_cycle(),
                options,
                secondaries,
            },
            runs: Default::default(),
            countersigned: Vec::new(),
        })
    }

    /// Returns what the master states in this cycle. The only ticket of this version lets it clone to anyone.
    pub(crate) const fn terms(&self) -> Terms {
        Terms {
            ticket: Ticket::Unrestricted,
            cycle: self.cycle,
        }
    }

    /// Returns whether a run waits for its next message.
    pub(crate) fn is_running(&self) -> bool {
        self.runs
            .iter()
            .any(|run| matches!(run, MasterRun::Granted(_)))
    }

    /// Ends runs whose last message is too long ago.
    pub(crate) fn tick(&mut self, now: Millis) {
        for run in &mut self.runs {
            if matches!(run, MasterRun::Granted(granted) if now.since(granted.last_message) > RUN) {
                *run = MasterRun::Idle;
            }
        }
    }

    /// Answers an Offer with a Grant. Ends the run of that number that was under way.
    pub(crate) fn grant<B: Board>(
        &mut self,
        master: &mut Master<'_, B>,
        run: u8,
        now: Millis,
        offer: &[u8],
        out: &mut Writer<'_>,
    ) -> Result<(), Refusal> {
        let terms = self.terms();
        let place = self
            .runs
            .get_mut(usize::from(run))
            .ok_or(Refusal::Malformed)?;
        *place = MasterRun::Idle;
        let mut keys = RunKeys::default();
        let peer = grant(master, &mut keys, &terms, offer, out)?;
        *place = MasterRun::Granted(Granted {
            keys: RunKeys::default(),
            peer,
            last_message: now,
        });
        if let MasterRun::Granted(granted) = place {
            granted.keys.copy_from(&keys);
        }
        Ok(())
    }

    /// Answers a Consent with a Parcel, whose journal entry is stored before it is written out.
    pub(crate) fn parcel<B: Board>(
        &mut self,
        master: &mut Master<'_, B>,
        run: u8,
        consent: &[u8],
        out: &mut Writer<'_>,
    ) -> Result<(), Refusal> {
        let terms = self.terms();
        let place = self
            .runs
            .get_mut(usize::from(run))
            .ok_or(Refusal::Malformed)?;
        let outcome = match place {
            MasterRun::Idle => Err(Refusal::OutOfOrder),
            MasterRun::Granted(granted) => granted.answer(master, terms, consent, out),
        };
        // In every case the keys are dropped in place.
        *place = MasterRun::Idle;
        outcome
    }

    /// Returns whether the cycle disables its master, and this secondary is the last of those announced.
    pub(super) fn completes_with(&self, proved: &Proved) -> bool {
        let is_new = !self.countersigned.contains(&proved.serial());
        let count = self.countersigned.len().saturating_add(usize::from(is_new));
        self.cycle.options.disable_master && count >= usize::from(self.cycle.secondaries)
    }

    /// Counts a secondary, once.
    pub(super) fn count(&mut self, proved: &Proved) {
        let serial = proved.serial();
        if self.cycle.options.disable_master && !self.countersigned.contains(&serial) {
            // There is room for all that a disabling cycle announces; the last of them ends the cycle.
            self.countersigned.push(serial).unwrap_or_default();
        }
    }
}

/// Checks an Offer, agrees on keys, and writes the Grant.
fn grant<B: Board>(
    master: &mut Master<'_, B>,
    keys: &mut RunKeys,
    terms: &Terms,
    bytes: &[u8],
    out: &mut Writer<'_>,
) -> Result<Peer, Refusal> {
    let offer = Offer::parse(bytes)?;
    let device = master.store.device();
    let genuine = Root::parse(&device.root)?.verify::<B::Crypto>(&offer.chain)?;
    let own_chain = Chain::parse(&device.chain)?;
    super::check_pair(&own_chain, &genuine)?;
    if master.csps.keyring.team().is_retired(genuine.serial()) {
        return Err(Refusal::Retired);
    }

    let rng = &mut master.platform.rng;
    let (mut ecdh_shared, mut kem_shared) = (EcdhShared::empty(), KemShared::default());
    let mut ephemeral = <B::Crypto as Provider>::EcdhSecret::default();
    let ecdh =
        self_test::ecdh_generate::<B::Crypto>(rng, &mut ephemeral).map_err(internal_error)?;
    ecdh_shared
        .agree::<B::Crypto>(&ephemeral, offer.ecdh)
        .map_err(peer_error)?;
    let mut ciphertext = [0; 1568];
    kem_shared
        .encapsulate::<B::Crypto>(rng, offer.kem, &mut ciphertext)
        .map_err(peer_error)?;
    let mut nonce = [0; 32];
    rng.fill(&mut nonce).map_err(internal_error)?;

    Grant::write_open(out, &nonce, &ecdh, &ciphertext, &own_chain)?;
    let mut transcript = Transcript::new::<B::Crypto>();
    transcript.absorb::<B::Crypto>(bytes);
    transcript.absorb::<B::Crypto>(out.written());
    keys.derive::<B::Crypto>(&ecdh_shared, &kem_shared, transcript.hash())
        .map_err(internal_error)?;
    seal_terms::<B>(master, keys, &mut transcript, terms, out)?;
    Ok(Peer {
        transcript,
        condition: offer.condition,
        serial: genuine.serial(),
        public: *genuine.public(),
        certificate: *genuine.hash(),
    })
}

/// Seals terms and signature into the Grant.
fn seal_terms<B: Board>(
    master: &mut Master<'_, B>,
    keys: &RunKeys,
    transcript: &mut Transcript,
    terms: &Terms,
    out: &mut Writer<'_>,
) -> Result<(), Refusal> {
    let message = SignedTerms::message::<B::Crypto>(transcript, terms)?;
    let rng = &mut master.platform.rng;
    let signature = master.signer.sign(rng, &message).map_err(internal_error)?;
    let mut body = [0; GrantBody::SIZE];
    let mut writer = Writer::new(&mut body);
    writer.bytes(&terms.to_bytes()?)?;
    writer.bytes(&signature)?;
    let start = out.len();
    transcript.seal_into::<B::Crypto>(keys, SealedMessage::Grant, &mut body, out)?;
    transcript.absorb::<B::Crypto>(out.written().get(start..).unwrap_or_default());
    Ok(())
}

impl Granted {
    /// Opens and verifies the Consent, and answers with the Parcel.
    fn answer<B: Board>(
        &self,
        master: &mut Master<'_, B>,
        terms: Terms,
        bytes: &[u8],
        out: &mut Writer<'_>,
    ) -> Result<(), Refusal> {
        let transcript = &self.peer.transcript;
        let mut signature = [0; 96];
        let sealed = Consent::parse(bytes)?.as_wire();
        self.keys
            .open::<B::Crypto>(
                SealedMessage::Consent,
                transcript.hash(),
                sealed,
                &mut signature,
            )
            .map_err(peer_error)?;
        let consented = Consented::verify::<B::Crypto>(&self.peer.public, transcript, &signature)?;
        let mut peer = self.peer;
        peer.transcript.absorb::<B::Crypto>(bytes);
        peer.send_parcel(&consented, &self.keys, master, terms, out)
    }
}

impl Peer {
    /// Seals the Parcel and stores the journal entry; only then is the Parcel written out.
    fn send_parcel<B: Board>(
        self,
        _: &Consented,
        keys: &RunKeys,
        master: &mut Master<'_, B>,
        terms: Terms,
        out: &mut Writer<'_>,
    ) -> Result<(), Refusal> {
        let mut parcel = [0; MessageKind::SIZE + 2 + ParcelContents::SIZE + TAG];
        let mut writer = Writer::new(&mut parcel);
        MessageKind::Parcel.write(&mut writer)?;
        let transcript = self.transcript;
        let receiver = Receiver {
            transcript,
            terms,
            condition: self.condition,
            party: Party {
                serial: self.serial,
                certificate: self.certificate,
            },
        };
        release(master, &receiver, |master, number, token| {
            let mut contents = Zeroizing::new([0; ParcelContents::SIZE]);
            ParcelContents::write(
                &mut Writer::new(contents.as_mut_slice()),
                number,
                master.store.device(),
                master.csps,
                terms.cycle.options,
                token,
            )?;
            let (plain, message) = (contents.as_mut_slice(), SealedMessage::Parcel);
            transcript.seal_into::<B::Crypto>(keys, message, plain, &mut writer)
        })?;
        Ok(out.bytes(&parcel)?)
    }
}

/// Returns this module as statements name it.
pub(super) fn own_party<B: Board>(platform: &Platform<B>, chain: &Chain<'_>) -> Party {
    Party {
        serial: platform.serial,
        certificate: <B::Crypto as Verifier>::sha384(&[chain.leaf().as_der()]),
    }
}
