//! The secondary's part: it offers itself, checks the master, commits all or nothing, and proves what it stored.

use super::{
    Refusal, internal_error, peer_error,
    proof::{AgreedRun, Copied},
    signed::{Consented, SignedTerms},
    transcript::Transcript,
};
use crate::{
    asking::Confirmed,
    crypto::{KemKey, Provider, Rng, self_test},
    platform::{Board, Platform},
    time::{Millis, RUN},
    vault::{
        csp::{
            contents::Csps,
            kek::Kek,
            module_key::ModuleKey,
            parcel::ParcelContents,
            pin::{MAX_COST, MIN_COST},
            run_keys::{RunKeys, SealedMessage},
            shared::{EcdhShared, KemShared},
            slot::Slot,
        },
        device::{Device, Failures, Lifecycle},
        image::Image,
        journal::Journal,
        store::Store,
    },
};
use heapless::Vec;
use hsm_protocol::{
    certificate::{Chain, Root},
    cloning::{Condition, Grant, GrantBody, Nonce, Offer, Parcel},
    limits,
    message::MessageKind,
    receipt::{Party, Receipt, Statement},
    writer::Writer,
};
use zeroize::Zeroizing;

/// The secondary's state of a run.
pub(crate) enum SecondaryRun<C: Provider> {
    /// No run.
    Idle,
    /// The Offer was made; the Grant is next.
    Offered(Offered<C>),
    /// The master is genuine and the keys are agreed; the Parcel is next.
    Agreed(Agreed),
}

pub(crate) struct Offered<C: Provider> {
    ecdh: C::EcdhSecret,
    kem: C::KemSecret,
    transcript: Transcript,
    condition: Condition,
    last_message: Millis,
}

pub(crate) struct Agreed {
    keys: RunKeys,
    agreement: Agreement,
    last_message: Millis,
}

/// With whom the secondary agreed, and on what.
#[derive(Clone, Copy)]
struct Agreement {
    transcript: Transcript,
    terms: SignedTerms,
    condition: Condition,
}

/// What a step of the secondary works on.
pub(crate) struct Secondary<'a, B: Board> {
    pub(crate) platform: &'a mut Platform<B>,
    pub(crate) store: &'a mut Store,
    pub(crate) signer: &'a ModuleKey<B::Crypto>,
}

/// What a module in use retains when its CSPs are replaced, opened by its own Administrator.
pub(crate) struct Retained<'a> {
    pub(crate) kek: &'a Kek,
    pub(crate) csps: &'a Csps,
}

impl<C: Provider> SecondaryRun<C> {
    pub(crate) const fn is_running(&self) -> bool {
        !matches!(self, Self::Idle)
    }

    /// Ends a run whose last message is too long ago.
    pub(crate) fn tick(&mut self, now: Millis) {
        let last_message = match self {
            Self::Idle => return,
            Self::Offered(offered) => offered.last_message,
            Self::Agreed(agreed) => agreed.last_message,
        };
        if now.since(last_message) > RUN {
            *self = Self::Idle;
        }
    }

    /// Makes an Offer. Ends the run that was under way.
    pub(crate) fn offer<B: Board<Crypto = C>>(
        &mut self,
        _: Confirmed,
        secondary: &mut Secondary<'_, B>,
        condition: Condition,
        now: Millis,
        out: &mut Writer<'_>,
    ) -> Result<(), Refusal> {
        *self = Self::Idle;
        if !secondary.store.can_be_erased(secondary.platform) {
            return Err(Refusal::WornOut);
        }
        *self = Self::Offered(Offered {
            ecdh: C::EcdhSecret::default(),
            kem: C::KemSecret::default(),
            transcript: Transcript::new::<C>(),
            condition,
            last_message: now,
        });
        let offered = match self {
            Self::Offered(offered) => offered.write(secondary, out),
            Self::Idle | Self::Agreed(_) => Err(Refusal::OutOfOrder),
        };
        if offered.is_err() {
            *self = Self::Idle;
        }
        offered
    }

    /// Answers a Grant with a Consent.
    pub(crate) fn consent<B: Board<Crypto = C>>(
        &mut self,
        secondary: &mut Secondary<'_, B>,
        retained: Option<&Retained<'_>>,
        now: Millis,
        grant: &[u8],
        out: &mut Writer<'_>,
    ) -> Result<(), Refusal> {
        let mut keys = RunKeys::default();
        let outcome = match self {
            Self::Offered(offered) => offered.check(secondary, retained, &mut keys, grant, out),
            Self::Idle | Self::Agreed(_) => Err(Refusal::OutOfOrder),
        };
        // In every case the ephemeral keys are dropped in place.
        *self = Self::Idle;
        let agreement = outcome?;
        *self = Self::Agreed(Agreed {
            keys: RunKeys::default(),
            agreement,
            last_message: now,
        });
        if let Self::Agreed(agreed) = self {
            agreed.keys.copy_from(&keys);
        }
        Ok(())
    }

    /// Answers a Parcel with a Receipt. On success the module holds the master's CSPs and is to be locked; otherwise
    /// nothing changed.
    pub(crate) fn commit<B: Board<Crypto = C>>(
        &mut self,
        secondary: &mut Secondary<'_, B>,
        retained: Option<&Retained<'_>>,
        parcel: &[u8],
        out: &mut Writer<'_>,
    ) -> Result<(), Refusal> {
        let outcome = match self {
            Self::Agreed(agreed) => {
                agreed
                    .agreement
                    .commit(&agreed.keys, secondary, retained, parcel, out)
            }
            Self::Idle | Self::Offered(_) => Err(Refusal::OutOfOrder),
        };
        *self = Self::Idle;
        outcome
    }
}

impl<C: Provider> Offered<C> {
    /// Makes the ephemeral keys where they stay, and writes the Offer.
    fn write<B: Board<Crypto = C>>(
        &mut self,
        secondary: &mut Secondary<'_, B>,
        out: &mut Writer<'_>,
    ) -> Result<(), Refusal> {
        let rng = &mut secondary.platform.rng;
        let (mut nonce, mut kem): (Nonce, KemKey) = ([0; 32], [0; 1568]);
        rng.fill(&mut nonce).map_err(internal_error)?;
        let ecdh = self_test::ecdh_generate::<C>(rng, &mut self.ecdh).map_err(internal_error)?;
        self_test::kem_generate::<C>(rng, &mut self.kem, &mut kem).map_err(internal_error)?;
        Offer {
            condition: self.condition,
            nonce: &nonce,
            ecdh: &ecdh,
            kem: &kem,
            chain: Chain::parse(&secondary.store.device().chain)?,
        }
        .write(out)?;
        self.transcript.absorb::<C>(out.written());
        Ok(())
    }

    fn check<B: Board<Crypto = C>>(
        &self,
        secondary: &mut Secondary<'_, B>,
        retained: Option<&Retained<'_>>,
        keys: &mut RunKeys,
        bytes: &[u8],
        out: &mut Writer<'_>,
    ) -> Result<Agreement, Refusal> {
        let mut transcript = self.transcript;
        let grant = Grant::parse(bytes)?;
        let device = secondary.store.device();
        let peer = Root::parse(&device.root)?.verify::<C>(&grant.chain)?;
        super::check_pair(&Chain::parse(&device.chain)?, &peer)?;
        if retained.is_some_and(|own| own.csps.keyring.team().is_retired(peer.serial())) {
            return Err(Refusal::Retired);
        }

        let (mut ecdh, mut kem) = (EcdhShared::empty(), KemShared::default());
        ecdh.agree::<C>(&self.ecdh, grant.ecdh)
            .map_err(peer_error)?;
        kem.decapsulate::<C>(&self.kem, grant.ciphertext)
            .map_err(peer_error)?;
        transcript.absorb::<C>(grant.open);
        keys.derive::<C>(&ecdh, &kem, transcript.hash())
            .map_err(internal_error)?;

        let mut body = [0; GrantBody::SIZE];
        keys.open::<C>(
            SealedMessage::Grant,
            transcript.hash(),
            grant.sealed.as_wire(),
            &mut body,
        )
        .map_err(peer_error)?;
        let terms = SignedTerms::verify::<C>(&peer, &transcript, &GrantBody::parse(&body)?)?;
        transcript.absorb::<C>(bytes.get(grant.open.len()..).unwrap_or_default());

        let message = Consented::message(&transcript);
        let rng = &mut secondary.platform.rng;
        let mut signature = secondary
            .signer
            .sign(rng, &message)
            .map_err(internal_error)?;
        MessageKind::Consent.write(out)?;
        transcript.seal_into::<C>(keys, SealedMessage::Consent, &mut signature, out)?;
        transcript.absorb::<C>(out.written());
        Ok(Agreement {
            transcript,
            terms,
            condition: self.condition,
        })
    }
}

impl Agreement {
    fn commit<B: Board>(
        self,
        keys: &RunKeys,
        secondary: &mut Secondary<'_, B>,
        retained: Option<&Retained<'_>>,
        bytes: &[u8],
        out: &mut Writer<'_>,
    ) -> Result<(), Refusal> {
        let sealed = Parcel::parse(bytes)?;
        let mut contents = ParcelContents::default();
        let mut plain = Zeroizing::new([0; ParcelContents::SIZE]);
        keys.open::<B::Crypto>(
            SealedMessage::Parcel,
            self.transcript.hash(),
            sealed.as_wire(),
            plain.as_mut_slice(),
        )
        .map_err(peer_error)?;
        contents.fill(plain.as_slice())?;
        if !(MIN_COST..=MAX_COST).contains(&contents.cost)
            || contents.pins.record(Slot::Admin).is_none()
            || !contents.is_within(self.terms.cycle().options)
            || contents.keyring.team().asks_for_more()
            || contents
                .keyring
                .team()
                .is_retired(secondary.platform.serial)
            || !contents
                .keyring
                .has_true_names::<B::Crypto>()
                .map_err(internal_error)?
        {
            return Err(Refusal::Malformed);
        }

        let Secondary {
            platform,
            store,
            signer,
        } = secondary;
        let mut kek = Kek::default();
        let statement = store.update(platform, |image, platform| {
            install(image, platform, &mut kek, retained, &contents)?;
            let statement = self.statement::<B>(image, platform, &kek, &contents)?;
            image.device.receipt = sign::<B>(&statement, platform, signer)?;
            Ok::<_, Refusal>(statement)
        })?;

        // The proof is about what a power-up would find, not about what was meant to be written.
        let stored = store.read_back(platform)?;
        if self.statement::<B>(&stored, platform, &kek, &contents)? != statement {
            return Err(Refusal::NotProved);
        }
        write_receipt(&stored.device, out)
    }

    /// Makes the statement from the CSPs as the image's sealed parts return them.
    fn statement<B: Board>(
        &self,
        image: &Image,
        platform: &Platform<B>,
        kek: &Kek,
        contents: &ParcelContents,
    ) -> Result<Statement, Refusal> {
        let mut csps = Csps::default();
        image.open_csps::<B::Crypto>(kek, &mut csps)?;
        let copied = Copied {
            auto_lock: contents.auto_lock.is_some(),
            policy: contents.policy.is_some(),
        };
        let certificate = image.device.certificate::<B::Crypto>();
        let certificate = certificate.ok_or(Refusal::Fault)?;
        let run = AgreedRun {
            transcript: self.transcript,
            number: contents.number,
            cycle: self.terms.cycle(),
            ticket: self.terms.ticket(),
            master: self.terms.master(),
            secondary: Party {
                serial: platform.serial,
                certificate,
            },
            condition: self.condition,
        };
        let mut statement = run.statement::<B::Crypto>(&csps, &image.device, copied)?;
        statement.token = contents.token;
        Ok(statement)
    }
}

/// Puts the master's CSPs, and what this module retains of its own, into the next image.
fn install<B: Board>(
    image: &mut Image,
    platform: &mut Platform<B>,
    kek: &mut Kek,
    retained: Option<&Retained<'_>>,
    contents: &ParcelContents,
) -> Result<(), Refusal> {
    let mut journal = Journal::default();
    if let Some(retained) = retained {
        image.open_journal::<B::Crypto>(retained.kek, &mut journal)?;
    }
    let own_settings = retained
        .map(|retained| retained.csps.settings)
        .unwrap_or_default();
    let mut csps = Csps::default();
    contents.copy_to(&mut csps);
    csps.settings.auto_lock = contents.auto_lock.or(own_settings.auto_lock);
    csps.settings.policy = contents.policy.or(own_settings.policy);
    csps.settings.cloning = false;

    let device = &mut image.device;
    device.lifecycle = Lifecycle::Configured;
    device.failures = Failures::default();
    device.limits = contents.limits;
    device.salt = contents.salt;
    device.cost = contents.cost;
    Ok(image.seal_anew(platform, kek, &csps, &journal)?)
}

/// Signs the statement. Returns both as they are stored.
fn sign<B: Board>(
    statement: &Statement,
    platform: &mut Platform<B>,
    signer: &ModuleKey<B::Crypto>,
) -> Result<Vec<u8, { limits::STATEMENT + 96 }>, Refusal> {
    let mut bytes = [0; limits::STATEMENT];
    let mut writer = Writer::new(&mut bytes);
    statement.write(&mut writer)?;
    let message = Receipt::signed::<B::Crypto>(writer.written());
    let signature = signer
        .sign(&mut platform.rng, &message)
        .map_err(internal_error)?;
    let mut receipt = Vec::from_slice(writer.written()).map_err(|_overlong| Refusal::Fault)?;
    receipt
        .extend_from_slice(&signature)
        .map_err(|_overlong| Refusal::Fault)?;
    Ok(receipt)
}

/// Writes the last Receipt.
pub(crate) fn write_receipt(device: &Device, out: &mut Writer<'_>) -> Result<(), Refusal> {
    let (statement_bytes, signature) =
        device.receipt.split_last_chunk().ok_or(Refusal::NotFound)?;
    let chain = Chain::parse(&device.chain)?;
    Ok(Receipt {
        statement_bytes,
        chain,
        signature,
    }
    .write(out)?)
}
