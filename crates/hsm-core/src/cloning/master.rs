//! The master's part: takes Offers, pays for Parcels, countersigns Receipts.

use super::{
    Refusal, own, peers,
    transcript::{RunKeys, SealedMessage, SharedSecrets, Transcript},
};
use crate::{
    crypto::{Provider, Rng},
    platform::{Board, Platform},
    time::{Millis, RUN},
    vault::csp::{Csps, Kek, ParcelContents},
    vault::device::Device,
    vault::store::Store,
};
use heapless::Vec;
use hsm_protocol::{
    EcPoint, Serial, Sha384Digest, Verifier,
    certificate::{Chain, Root},
    cloning::{Condition, Consent, Cycle, Grant, GrantBody, Offer, Ticket},
    identity::PROTOCOL_VERSION,
    journal::JournalEntry,
    limits,
    signed::{SignedLabel, signed_message},
    writer::Writer,
};
use zeroize::Zeroizing;

/// A cycle under way on an Administrator's session.
pub(crate) struct MasterCycle {
    cycle: Cycle,
    runs: [MasterRun; limits::RUNS],
    /// Whose receipts were countersigned, so far as "disable master" needs to know.
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

/// What the master's session lends to a step.
pub(crate) struct Master<'a, B: Board> {
    pub(crate) platform: &'a mut Platform<B>,
    pub(crate) store: &'a mut Store,
    pub(crate) signer: &'a <B::Crypto as Provider>::Signer,
    pub(crate) kek: &'a Kek,
    pub(crate) csps: &'a mut Csps,
}

impl MasterCycle {
    pub(crate) fn new(cycle: Cycle) -> Self {
        Self {
            cycle,
            runs: Default::default(),
            countersigned: Vec::new(),
        }
    }

    /// Whether a run waits for its next message.
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

    /// Offer → Grant. A run of that number that was under way is over.
    pub(crate) fn grant<B: Board>(
        &mut self,
        master: &mut Master<'_, B>,
        (run, now): (u8, Millis),
        offer: &[u8],
        out: &mut Writer<'_>,
    ) -> Result<(), Refusal> {
        let place = self
            .runs
            .get_mut(usize::from(run))
            .ok_or(Refusal::Malformed)?;
        *place = MasterRun::Idle;
        let mut keys = RunKeys::default();
        let peer = answer(master, &mut keys, self.cycle, offer, out)?;
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

    /// Consent → Parcel. The journal entry is stored before the Parcel is written out.
    pub(crate) fn parcel<B: Board>(
        &mut self,
        master: &mut Master<'_, B>,
        run: u8,
        consent: &[u8],
        out: &mut Writer<'_>,
    ) -> Result<(), Refusal> {
        let place = self
            .runs
            .get_mut(usize::from(run))
            .ok_or(Refusal::Malformed)?;
        let outcome = match place {
            MasterRun::Idle => Err(Refusal::OutOfOrder),
            MasterRun::Granted(granted) => {
                granted
                    .peer
                    .pay(&granted.keys, master, self.cycle, consent, out)
            }
        };
        // Whatever came of it, the keys go, where they lay.
        *place = MasterRun::Idle;
        outcome
    }

    /// Whether the cycle disables its master, and this serial number is the last of those announced.
    pub(super) fn completes_with(&self, serial: Serial) -> bool {
        let count = self
            .countersigned
            .len()
            .saturating_add(usize::from(!self.countersigned.contains(&serial)));
        self.cycle.options.disable_master && count >= usize::from(self.cycle.secondaries)
    }

    /// Counts a serial number, once.
    pub(super) fn count(&mut self, serial: Serial) {
        if self.cycle.options.disable_master && !self.countersigned.contains(&serial) {
            // There is room for all that a disabling cycle announces; the last of them ends it.
            self.countersigned.push(serial).unwrap_or_default();
        }
    }
}

/// Checks an Offer, agrees on keys, and writes the Grant.
fn answer<B: Board>(
    master: &mut Master<'_, B>,
    keys: &mut RunKeys,
    cycle: Cycle,
    bytes: &[u8],
    out: &mut Writer<'_>,
) -> Result<Peer, Refusal> {
    let offer = Offer::parse(bytes)?;
    let device = master.store.device();
    let genuine = Root::parse(&device.root)?.verify::<B::Crypto>(&offer.chain)?;
    let own_chain = Chain::parse(&device.chain)?;
    super::check_pair(&own_chain, &genuine)?;

    let rng = &mut master.platform.rng;
    let mut secrets = SharedSecrets::empty();
    let (ephemeral, ecdh) = B::Crypto::ecdh_generate(rng).map_err(own)?;
    B::Crypto::ecdh_agree(&ephemeral, offer.ecdh, &mut secrets.ecdh).map_err(peers)?;
    let mut ciphertext = [0; 1568];
    B::Crypto::kem_encapsulate(rng, offer.kem, &mut ciphertext, &mut secrets.kem).map_err(peers)?;
    let mut nonce = [0; 32];
    rng.fill(&mut nonce).map_err(own)?;

    Grant::write_open(out, &nonce, &ecdh, &ciphertext, &own_chain)?;
    let mut transcript = Transcript::new::<B::Crypto>();
    transcript.absorb::<B::Crypto>(bytes);
    transcript.absorb::<B::Crypto>(out.written());
    keys.derive::<B::Crypto>(&secrets, &transcript)
        .map_err(own)?;
    seal_terms::<B>(master, keys, &mut transcript, cycle, out)?;
    Ok(Peer {
        transcript,
        condition: offer.condition,
        serial: genuine.serial(),
        public: *genuine.public(),
        certificate: *genuine.hash(),
    })
}

/// Seals ticket, cycle and signature into the Grant.
fn seal_terms<B: Board>(
    master: &mut Master<'_, B>,
    keys: &RunKeys,
    transcript: &mut Transcript,
    cycle: Cycle,
    out: &mut Writer<'_>,
) -> Result<(), Refusal> {
    let terms = GrantBody::terms(TICKET, &cycle)?;
    let digest = <B::Crypto as Verifier>::sha384(&[transcript.hash(), &terms]);
    let message = signed_message(SignedLabel::Grant, &digest);
    let signature =
        B::Crypto::sign(master.signer, &mut master.platform.rng, &message).map_err(own)?;
    let mut body = [0; GrantBody::SIZE];
    let mut writer = Writer::new(&mut body);
    writer.bytes(&terms)?;
    writer.bytes(&signature)?;
    let start = out.len();
    keys.seal_into::<B::Crypto>(SealedMessage::Grant, transcript, &mut body, out)?;
    transcript.absorb::<B::Crypto>(out.written().get(start..).unwrap_or_default());
    Ok(())
}

impl Peer {
    /// Opens the Consent, stores the journal entry, and only then writes the Parcel out.
    fn pay<B: Board>(
        mut self,
        keys: &RunKeys,
        master: &mut Master<'_, B>,
        cycle: Cycle,
        bytes: &[u8],
        out: &mut Writer<'_>,
    ) -> Result<(), Refusal> {
        let mut signature = [0; 96];
        let sealed = Consent::parse(bytes)?;
        keys.open::<B::Crypto>(
            SealedMessage::Consent,
            &self.transcript,
            sealed.as_wire(),
            &mut signature,
        )
        .map_err(peers)?;
        verify::<B>(
            &self.public,
            &signed_message(SignedLabel::Consent, self.transcript.hash()),
            &signature,
        )?;
        self.transcript.absorb::<B::Crypto>(bytes);

        let Master {
            platform,
            store,
            kek,
            csps,
            ..
        } = master;
        let mut journal = store.image().open_journal::<B::Crypto>(kek)?;
        let number = journal.next_number();
        let mut contents = Zeroizing::new([0; ParcelContents::SIZE]);
        let Device {
            salt, cost, limits, ..
        } = store.device();
        ParcelContents::write(
            &mut Writer::new(contents.as_mut_slice()),
            number,
            (salt, *cost),
            csps,
            *limits,
            cycle.options,
        )?;
        let mut parcel = [0; ParcelContents::SIZE + 3 + 16];
        let mut writer = Writer::new(&mut parcel);
        writer.u8(PROTOCOL_VERSION)?;
        keys.seal_into::<B::Crypto>(
            SealedMessage::Parcel,
            &self.transcript,
            contents.as_mut_slice(),
            &mut writer,
        )?;
        self.transcript.absorb::<B::Crypto>(&parcel);

        journal.append::<B::Crypto>(JournalEntry {
            number,
            cycle,
            ticket: TICKET,
            condition: self.condition,
            serial: self.serial,
            certificate: self.certificate,
            transcript: *self.transcript.hash(),
            countersigned: false,
        })?;
        store.update(platform, |image, platform| {
            image.seal_journal(platform, kek, &journal)
        })?;
        Ok(out.bytes(&parcel)?)
    }
}

/// A peer's signature, or the peer is not who its certificate names.
pub(super) fn verify<B: Board>(
    public: &EcPoint,
    message: &[u8],
    signature: &[u8; 96],
) -> Result<(), Refusal> {
    <B::Crypto as Verifier>::verify(public, message, signature).map_err(|_bad| Refusal::NotGenuine)
}

/// The only ticket of this version.
const TICKET: Ticket = Ticket::Unrestricted;
