//! The secondary's part of a run: it offers itself, checks the master, and takes what the Parcel carries.

use super::{
    Refusal,
    commit::{Agreement, By},
    internal_error, peer_error,
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
            run_keys::{RunKeys, SealedMessage},
            shared::{EcdhShared, KemShared},
        },
        store::Store,
    },
};
use hsm_protocol::{
    certificate::{Chain, Root},
    cloning::{Condition, Grant, GrantBody, Nonce, Offer, Parcel},
    message::MessageKind,
    writer::Writer,
};
use zeroize::Zeroizing;

/// The secondary's state of a run.
#[expect(
    clippy::large_enum_variant,
    reason = "the core has no allocator to put a variant elsewhere"
)]
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
            condition: secondary.store.device().condition(),
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
            Self::Agreed(agreed) => agreed.open(secondary, retained, parcel, out),
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
            by: By::Parcel,
        })
    }
}

impl Agreed {
    /// Opens the Parcel, and becomes what it carries.
    fn open<B: Board>(
        &self,
        secondary: &mut Secondary<'_, B>,
        retained: Option<&Retained<'_>>,
        bytes: &[u8],
        out: &mut Writer<'_>,
    ) -> Result<(), Refusal> {
        let mut contents = ParcelContents::default();
        let mut plain = Zeroizing::new([0; ParcelContents::SIZE]);
        self.keys
            .open::<B::Crypto>(
                SealedMessage::Parcel,
                self.agreement.transcript.hash(),
                Parcel::parse(bytes)?.as_wire(),
                plain.as_mut_slice(),
            )
            .map_err(peer_error)?;
        contents.fill(plain.as_slice())?;
        self.agreement
            .become_clone(secondary, retained, &contents, out)
    }
}
