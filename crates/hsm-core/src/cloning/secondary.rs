//! The secondary's part: offers itself, checks the master, commits all or nothing, proves what it stored.

use super::{
    Refusal, own, peers,
    proof::{self, Copied},
    transcript::{RunKeys, SealedMessage, SharedSecrets, Transcript},
};
use crate::{
    crypto::{Provider, Rng},
    platform::{Board, Platform},
    time::{Millis, RUN},
    vault::csp::pin::{MAX_COST, MIN_COST, Slot},
    vault::csp::{Csps, Kek, ParcelContents},
    vault::device::{Device, Failures, Lifecycle},
    vault::journal::Journal,
    vault::store::{Image, Store},
};
use heapless::Vec;
use hsm_protocol::{
    Verifier,
    certificate::{Chain, Root},
    cloning::{Condition, Cycle, Grant, GrantBody, Nonce, Offer, Parcel, Ticket},
    identity::PROTOCOL_VERSION,
    limits,
    receipt::{Commitments, Party, Receipt, Statement},
    signed::{SignedLabel, signed_message},
    writer::Writer,
};
use zeroize::Zeroizing;

/// A run as the secondary sees it.
pub(crate) enum SecondaryRun<C: Provider> {
    /// None.
    Idle,
    /// Waits for the Grant.
    Offered(Offered<C>),
    /// The master is genuine and the key is agreed; waits for the Parcel.
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

/// With whom, and on what.
#[derive(Clone, Copy)]
struct Agreement {
    transcript: Transcript,
    master: Party,
    ticket: Ticket,
    cycle: Cycle,
    condition: Condition,
}

/// What the module lends to a step.
pub(crate) struct Secondary<'a, B: Board> {
    pub(crate) platform: &'a mut Platform<B>,
    pub(crate) store: &'a mut Store,
    pub(crate) signer: &'a <B::Crypto as Provider>::Signer,
}

/// What a module in use keeps when its CSPs are replaced: opened by its own Administrator.
pub(crate) struct Kept<'a> {
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

    /// Makes an Offer; a run that was under way is over.
    pub(crate) fn offer<B: Board<Crypto = C>>(
        &mut self,
        secondary: &mut Secondary<'_, B>,
        (condition, now): (Condition, Millis),
        out: &mut Writer<'_>,
    ) -> Result<(), Refusal> {
        *self = Self::Idle;
        let rng = &mut secondary.platform.rng;
        let mut nonce: Nonce = [0; 32];
        rng.fill(&mut nonce).map_err(own)?;
        let (ecdh, ecdh_public) = C::ecdh_generate(rng).map_err(own)?;
        let mut kem_public = [0; 1568];
        let kem = C::kem_generate(rng, &mut kem_public).map_err(own)?;
        let chain = Chain::parse(&secondary.store.device().chain)?;
        Offer {
            condition,
            nonce: &nonce,
            ecdh: &ecdh_public,
            kem: &kem_public,
            chain,
        }
        .write(out)?;
        let mut transcript = Transcript::new::<C>();
        transcript.absorb::<C>(out.written());
        *self = Self::Offered(Offered {
            ecdh,
            kem,
            transcript,
            condition,
            last_message: now,
        });
        Ok(())
    }

    /// Grant → Consent.
    pub(crate) fn consent<B: Board<Crypto = C>>(
        &mut self,
        secondary: &mut Secondary<'_, B>,
        now: Millis,
        grant: &[u8],
        out: &mut Writer<'_>,
    ) -> Result<(), Refusal> {
        let mut keys = RunKeys::default();
        let outcome = match self {
            Self::Offered(offered) => offered.check(secondary, &mut keys, grant, out),
            Self::Idle | Self::Agreed(_) => Err(Refusal::OutOfOrder),
        };
        // Whatever came of it, the ephemeral keys go, where they lay.
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

    /// Parcel → Receipt. On success the module holds the master's CSPs and is locked; otherwise it is what it was.
    pub(crate) fn commit<B: Board<Crypto = C>>(
        &mut self,
        secondary: &mut Secondary<'_, B>,
        kept: Option<&Kept<'_>>,
        parcel: &[u8],
        out: &mut Writer<'_>,
    ) -> Result<(), Refusal> {
        let outcome = match self {
            Self::Agreed(agreed) => {
                agreed
                    .agreement
                    .commit(&agreed.keys, secondary, kept, parcel, out)
            }
            Self::Idle | Self::Offered(_) => Err(Refusal::OutOfOrder),
        };
        *self = Self::Idle;
        outcome
    }
}

impl<C: Provider> Offered<C> {
    fn check<B: Board<Crypto = C>>(
        &self,
        secondary: &mut Secondary<'_, B>,
        keys: &mut RunKeys,
        bytes: &[u8],
        out: &mut Writer<'_>,
    ) -> Result<Agreement, Refusal> {
        let mut transcript = self.transcript;
        let grant = Grant::parse(bytes)?;
        let device = secondary.store.device();
        if device.floor > PROTOCOL_VERSION {
            return Err(Refusal::Version);
        }
        let peer = Root::parse(&device.root)?.verify::<C>(&grant.chain)?;
        super::check_pair(&Chain::parse(&device.chain)?, &peer)?;

        let mut secrets = SharedSecrets::empty();
        C::ecdh_agree(&self.ecdh, grant.ecdh, &mut secrets.ecdh).map_err(peers)?;
        C::kem_decapsulate(&self.kem, grant.ciphertext, &mut secrets.kem).map_err(peers)?;
        transcript.absorb::<C>(grant.open);
        keys.derive::<C>(&secrets, &transcript).map_err(own)?;

        let mut body = [0; GrantBody::SIZE];
        keys.open::<C>(
            SealedMessage::Grant,
            &transcript,
            grant.sealed.as_wire(),
            &mut body,
        )
        .map_err(peers)?;
        let body = GrantBody::parse(&body)?;
        let terms = GrantBody::terms(body.ticket, &body.cycle)?;
        let signed = signed_message(SignedLabel::Grant, &C::sha384(&[transcript.hash(), &terms]));
        C::verify(peer.public(), &signed, body.signature).map_err(|_bad| Refusal::NotGenuine)?;
        transcript.absorb::<C>(bytes.get(grant.open.len()..).unwrap_or_default());

        let signed = signed_message(SignedLabel::Consent, transcript.hash());
        let mut signature =
            C::sign(secondary.signer, &mut secondary.platform.rng, &signed).map_err(own)?;
        out.u8(PROTOCOL_VERSION)?;
        keys.seal_into::<C>(SealedMessage::Consent, &transcript, &mut signature, out)?;
        transcript.absorb::<C>(out.written());
        Ok(Agreement {
            transcript,
            master: Party {
                serial: peer.serial(),
                certificate: *peer.hash(),
            },
            ticket: body.ticket,
            cycle: body.cycle,
            condition: self.condition,
        })
    }
}

impl Agreement {
    fn commit<B: Board>(
        mut self,
        keys: &RunKeys,
        secondary: &mut Secondary<'_, B>,
        kept: Option<&Kept<'_>>,
        bytes: &[u8],
        out: &mut Writer<'_>,
    ) -> Result<(), Refusal> {
        let sealed = Parcel::parse(bytes)?;
        let mut contents = ParcelContents::default();
        let mut plain = Zeroizing::new([0; ParcelContents::SIZE]);
        keys.open::<B::Crypto>(
            SealedMessage::Parcel,
            &self.transcript,
            sealed.as_wire(),
            plain.as_mut_slice(),
        )
        .map_err(peers)?;
        contents.fill(plain.as_slice())?;
        self.transcript.absorb::<B::Crypto>(bytes);
        if !(MIN_COST..=MAX_COST).contains(&contents.cost)
            || contents.pins.record(Slot::Admin).is_none()
        {
            return Err(Refusal::Malformed);
        }

        let Secondary {
            platform,
            store,
            signer,
        } = secondary;
        let mut kek = Kek::default();
        platform.rng.fill(kek.expose_mut()).map_err(own)?;
        let statement = store.update(platform, |image, platform| {
            install(image, platform, (&kek, kept), &contents)?;
            let statement = self.state::<B>(image, platform, &kek, &contents)?;
            image.device.receipt = sign::<B>(&statement, platform, signer)?;
            Ok::<_, Refusal>(statement)
        })?;

        // What is proved is what a power-up would find, not what was meant to be written.
        let stored = store.read_back(platform)?;
        if self.state::<B>(&stored, platform, &kek, &contents)? != statement {
            return Err(Refusal::NotProved);
        }
        write_receipt(&stored.device, out)
    }

    /// The statement, from the CSPs as the image's sealed parts give them back.
    fn state<B: Board>(
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
        let (epoch, key) = csps.keyring.current().ok_or(Refusal::Malformed)?;
        let chain = Chain::parse(&image.device.chain)?;
        let certificate = <B::Crypto as Verifier>::sha384(&[chain.leaf().as_der()]);
        let mut statement = Statement {
            transcript: *self.transcript.hash(),
            number: contents.number,
            cycle: self.cycle,
            ticket: self.ticket,
            master: self.master,
            secondary: Party {
                serial: platform.serial,
                certificate,
            },
            condition: self.condition,
            group: *csps.keyring.group(),
            epoch,
            commitments: Commitments::default(),
            proof: [0; 48],
        };
        statement.commitments = proof::commit::<B::Crypto>(&csps, &image.device, copied)?;
        statement.proof = proof::prove::<B::Crypto>(key, &statement)?;
        Ok(statement)
    }
}

/// Puts the master's CSPs, and what this module keeps of its own, into the next image.
fn install<B: Board>(
    image: &mut Image,
    platform: &mut Platform<B>,
    (kek, kept): (&Kek, Option<&Kept<'_>>),
    contents: &ParcelContents,
) -> Result<(), Refusal> {
    let journal = match kept {
        Some(kept) => image.open_journal::<B::Crypto>(kept.kek)?,
        None => Journal::default(),
    };
    let own_settings = kept.map(|kept| kept.csps.settings).unwrap_or_default();
    let mut csps = Csps::default();
    csps.fill_from(contents);
    csps.settings.auto_lock = contents.auto_lock.or(own_settings.auto_lock);
    csps.settings.policy = contents.policy.or(own_settings.policy);
    csps.settings.cloning = false;

    let device = &mut image.device;
    device.lifecycle = Lifecycle::Configured;
    device.failures = Failures::default();
    device.limits = contents.limits;
    device.salt = contents.salt;
    device.cost = contents.cost;
    for slot in Slot::ALL {
        let mut wrapped = [0; 40];
        match csps.pins.record(slot) {
            Some(stretched) => {
                wrapped = slot
                    .wrap_key::<B::Crypto>(&platform.secret, stretched, kek)
                    .map_err(own)?;
            }
            None => platform.rng.fill(&mut wrapped).map_err(own)?,
        }
        device.set_slot(slot, wrapped);
    }
    image.seal_csps(platform, kek, &csps)?;
    Ok(image.seal_journal(platform, kek, &journal)?)
}

/// Statement and signature, as they are stored.
fn sign<B: Board>(
    statement: &Statement,
    platform: &mut Platform<B>,
    signer: &<B::Crypto as Provider>::Signer,
) -> Result<Vec<u8, { limits::STATEMENT + 96 }>, Refusal> {
    let mut bytes = [0; limits::STATEMENT];
    let mut writer = Writer::new(&mut bytes);
    statement.write(&mut writer)?;
    let message = Receipt::signed::<B::Crypto>(writer.written());
    let signature = B::Crypto::sign(signer, &mut platform.rng, &message).map_err(own)?;
    let mut receipt = Vec::from_slice(writer.written()).map_err(|_overlong| Refusal::Fault)?;
    receipt
        .extend_from_slice(&signature)
        .map_err(|_overlong| Refusal::Fault)?;
    Ok(receipt)
}

/// The last receipt, as a message.
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
