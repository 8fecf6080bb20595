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
    platform::{Board, Fault, Platform},
    presented::{Allowed, Here, Presented, Way},
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
    EcPoint, Serial, Sha384Digest, Verifier,
    certificate::{Chain, Root},
    cloning::{
        Condition, Consent, Cycle, Grant, GrantBody, Offer, Options, Permission, TAG, Terms,
    },
    limits,
    message::MessageKind,
    receipt::Party,
    writer::Writer,
};
use zeroize::Zeroizing;

/// A cycle under way in an Administrator's session.
pub(crate) struct MasterCycle {
    cycle: Cycle,
    /// By what keys may go to modules in it; `None` if the policy wants a ticket and none was there.
    permission: Option<Permission>,
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
    terms: Terms,
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
    pub(crate) presented: &'a Presented,
    pub(crate) writes: &'a mut HostWrites,
}

impl<B: Board> Master<'_, B> {
    /// Stores the journal and the session's CSPs: one of the writes that a host may cause.
    pub(super) fn store(&mut self, _: Spent, journal: &Journal) -> Result<(), NotStored> {
        self.store
            .seal_anew(self.platform, self.kek, self.csps, journal)
    }

    /// Opens the journal in place.
    pub(super) fn open_journal(&self, journal: &mut Journal) -> Result<(), Fault> {
        self.store
            .image()
            .open_journal::<B::Crypto>(self.kek, journal)
    }

    /// Returns what a ticket must be for.
    fn here<'j>(&'j self, journal: &'j Journal) -> Result<Here<'j>, Refusal> {
        let certificate = self.store.device().certificate::<B::Crypto>();
        Ok(Here {
            keyring: &self.csps.keyring,
            certificate: certificate.ok_or(Refusal::Fault)?,
            ledger: &journal.ledger,
        })
    }

    /// Returns what allows keys to go to that module in a cycle, if anything does now. The journal that it looks at does
    /// not stay on the stack.
    #[inline(never)]
    pub(super) fn allowed_now(
        &self,
        cycle: &MasterCycle,
        to: (Way, Serial),
    ) -> Result<Allowed, Refusal> {
        let mut journal = Journal::default();
        self.open_journal(&mut journal)?;
        self.allowed(cycle, &journal, to)
    }

    /// Returns the same, with the journal as it is open.
    pub(super) fn allowed(
        &self,
        cycle: &MasterCycle,
        journal: &Journal,
        (way, to): (Way, Serial),
    ) -> Result<Allowed, Refusal> {
        let (here, by) = (self.here(journal)?, cycle.permission);
        let allowed = self
            .presented
            .allows_copy::<B::Crypto>(&here, by, (way, to));
        Ok(allowed?)
    }
}

impl MasterCycle {
    /// Begins a cycle. Nothing is stored: its number is taken by the first Parcel that it releases.
    #[inline(never)]
    pub(crate) fn begin<B: Board>(
        master: &mut Master<'_, B>,
        options: Options,
        secondaries: u16,
    ) -> Result<Self, Refusal> {
        if !master.csps.settings.cloning {
            return Err(Refusal::CloningDisabled);
        }
        if secondaries == 0 {
            return Err(Refusal::Malformed);
        }
        if options.disable_master && usize::from(secondaries) > limits::DISABLING_CYCLE {
            return Err(Refusal::TooLarge);
        }
        let mut journal = Journal::default();
        master.open_journal(&mut journal)?;
        let here = master.here(&journal)?;
        let permission = master.presented.opens_cycle::<B::Crypto>(&here, options)?;
        Ok(Self {
            permission,
            cycle: Cycle {
                number: journal.next_cycle(),
                options,
                secondaries,
            },
            runs: Default::default(),
            countersigned: Vec::new(),
        })
    }

    /// Returns what the master states in this cycle of what it does by that permission.
    pub(super) const fn terms(&self, permission: Permission) -> Terms {
        Terms {
            permission,
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
        let place = usize::from(run);
        *self.runs.get_mut(place).ok_or(Refusal::Malformed)? = MasterRun::Idle;
        let mut keys = RunKeys::default();
        let peer = grant(master, &mut keys, self, offer, out)?;
        let place = self.runs.get_mut(place).ok_or(Refusal::Malformed)?;
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
        let place = usize::from(run);
        let outcome = match self.runs.get(place).ok_or(Refusal::Malformed)? {
            MasterRun::Idle => Err(Refusal::OutOfOrder),
            MasterRun::Granted(granted) => granted.answer(master, self, consent, out),
        };
        // In every case the keys are dropped in place.
        *self.runs.get_mut(place).ok_or(Refusal::Malformed)? = MasterRun::Idle;
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
    cycle: &MasterCycle,
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
    let allowed = master.allowed_now(cycle, (Way::Run, genuine.serial()))?;
    let terms = cycle.terms(allowed.permission);

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
    seal_terms::<B>(master, keys, &mut transcript, &terms, out)?;
    Ok(Peer {
        transcript,
        terms,
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
        cycle: &MasterCycle,
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
        peer.send_parcel(&consented, &self.keys, master, cycle, out)
    }
}

impl Peer {
    /// Seals the Parcel and stores the journal entry; only then is the Parcel written out.
    fn send_parcel<B: Board>(
        self,
        _: &Consented,
        keys: &RunKeys,
        master: &mut Master<'_, B>,
        cycle: &MasterCycle,
        out: &mut Writer<'_>,
    ) -> Result<(), Refusal> {
        let mut parcel = [0; MessageKind::SIZE + 2 + ParcelContents::SIZE + TAG];
        let mut writer = Writer::new(&mut parcel);
        MessageKind::Parcel.write(&mut writer)?;
        let (transcript, terms) = (self.transcript, self.terms);
        let receiver = Receiver {
            transcript,
            terms,
            condition: self.condition,
            party: Party {
                serial: self.serial,
                certificate: self.certificate,
            },
        };
        let allowed = |master: &Master<'_, B>, journal: &Journal| {
            master.allowed(cycle, journal, (Way::Run, self.serial))
        };
        release(master, &receiver, allowed, |master, number, token| {
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
