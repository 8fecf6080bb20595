//! The part of the store that is needed before any PIN: certificates, counters, slots, the last receipt.

use super::{csp::slot::Slot, sealed::choose_bytes};
use heapless::Vec;
use hsm_protocol::{
    EcPoint, Malformed, Sha384Digest, Verifier, certificate::Chain, cloning::Condition, limits,
    reader::Reader, writer::Writer,
};
use subtle::Choice;

/// Failures after which the User PIN is deleted, unless the Administrator sets fewer; no more can be set.
pub const USER_LIMIT: u8 = 10;

/// Failures after which the Recovery PIN is deleted.
pub const RECOVERY_LIMIT: u8 = 5;

/// Whether there is an Admin PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lifecycle {
    /// None was ever set.
    Shipment,
    /// There was one, and the module was erased.
    Reset,
    /// There is one.
    Configured,
}

impl Lifecycle {
    const fn to_byte(self) -> u8 {
        match self {
            Self::Shipment => 0,
            Self::Reset => 1,
            Self::Configured => 2,
        }
    }

    const fn from_byte(byte: u8) -> Result<Self, Malformed> {
        match byte {
            0 => Ok(Self::Shipment),
            1 => Ok(Self::Reset),
            2 => Ok(Self::Configured),
            _ => Err(Malformed),
        }
    }
}

/// Failed attempts since the last success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failures {
    pub(crate) admin: u8,
    /// How many times the code that gives more attempts was accepted.
    pub(crate) admin_steps: u8,
    pub(crate) user: u8,
    pub(crate) recovery: u8,
}

impl Failures {
    pub(crate) const NONE: Self = Self {
        admin: 0,
        admin_steps: 0,
        user: 0,
        recovery: 0,
    };

    /// Clears the count of a PIN that was replaced: failures at the old PIN no longer count.
    pub(crate) const fn forget(&mut self, slot: Slot) {
        match slot {
            Slot::User => self.user = 0,
            Slot::Recovery => self.recovery = 0,
            // The Admin PIN's was cleared by the unlock; the Self-Destruct PIN has no counter of its own.
            Slot::Admin | Slot::SelfDestruct => {}
        }
    }
}

/// How many failures each path allows. The Admin PIN's limit is fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AttemptLimits {
    pub(crate) user: u8,
    pub(crate) recovery: u8,
}

impl AttemptLimits {
    pub(crate) const MOST: Self = Self {
        user: USER_LIMIT,
        recovery: RECOVERY_LIMIT,
    };

    pub(crate) const SIZE: usize = 2;

    pub(crate) fn write(self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.u8(self.user)?;
        writer.u8(self.recovery)
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match (reader.u8()?, reader.u8()?) {
            (user @ 1..=USER_LIMIT, recovery @ RECOVERY_LIMIT) => Ok(Self { user, recovery }),
            _ => Err(Malformed),
        }
    }
}

/// The letterbox that the module has, if any (PROTOCOL § 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LetterboxState {
    /// How many were made; the last of them has this number.
    made: u64,
    /// Whether the last one still waits for its letter.
    waits: bool,
}

impl LetterboxState {
    const NONE: Self = Self {
        made: 0,
        waits: false,
    };

    const SIZE: usize = 8 + 1;

    /// Returns the number of the letterbox that waits for a letter.
    pub(crate) fn number(self) -> Option<u64> {
        self.waits.then_some(self.made)
    }

    /// The next one takes its place.
    pub(crate) const fn renew(&mut self) {
        self.made = self.made.saturating_add(1);
        self.waits = true;
    }

    /// The module has no letterbox from now on. Its next one gets the next number.
    pub(crate) const fn close(&mut self) {
        self.waits = false;
    }
}

/// Sealed under the store key. It contains no CSP: slots are wrapped, and the module's key is in another part.
#[derive(Clone)]
pub(crate) struct Device {
    pub(crate) lifecycle: Lifecycle,
    /// The module's public key; `None` before GENERATE KEY.
    pub(crate) public: Option<EcPoint>,
    /// The root of trust, DER; empty before INSTALL.
    pub(crate) root: Vec<u8, { limits::CERTIFICATE }>,
    /// The module's certificates; empty before INSTALL.
    pub(crate) chain: Vec<u8, { limits::CHAIN }>,
    pub(crate) failures: Failures,
    pub(crate) limits: AttemptLimits,
    pub(crate) salt: [u8; 32],
    pub(crate) cost: u32,
    /// Always filled: a slot without a PIN holds random bytes and looks like any other.
    pub(crate) slots: [[u8; 40]; Slot::ALL.len()],
    /// The last receipt's statement and this module's signature; empty if there is none.
    pub(crate) receipt: Vec<u8, { limits::STATEMENT + 96 }>,
    pub(crate) letterbox: LetterboxState,
}

impl Device {
    /// The size of the stored form, in bytes; always the same.
    pub(crate) const SIZE: usize = 1
        + (1 + 97)
        + (2 + limits::CERTIFICATE)
        + (2 + limits::CHAIN)
        + 4
        + AttemptLimits::SIZE
        + 32
        + 4
        + 40 * Slot::ALL.len()
        + (2 + limits::STATEMENT + 96)
        + LetterboxState::SIZE;

    /// Returns the state of a new module.
    pub(crate) const fn blank() -> Self {
        Self {
            lifecycle: Lifecycle::Shipment,
            public: None,
            root: Vec::new(),
            chain: Vec::new(),
            failures: Failures::NONE,
            limits: AttemptLimits::MOST,
            salt: [0; 32],
            cost: 0,
            slots: [[0; 40]; Slot::ALL.len()],
            receipt: Vec::new(),
            letterbox: LetterboxState::NONE,
        }
    }

    /// Becomes that of a module that was erased: it keeps its identity. Its slots are to be filled.
    pub(super) fn erase(&mut self) {
        self.lifecycle = Lifecycle::Reset;
        self.failures = Failures::NONE;
        self.limits = AttemptLimits::MOST;
        self.salt = [0; 32];
        self.cost = 0;
        self.receipt.clear();
        self.letterbox.close();
    }

    /// Becomes the other, or stays the same, in constant time: no branch, and the same bytes are read and written
    /// either way.
    pub(super) fn choose(&mut self, other: &Self, choice: Choice) -> Result<(), Malformed> {
        let mut chosen = [0; Self::SIZE];
        let mut others = [0; Self::SIZE];
        self.write(&mut Writer::new(&mut chosen))?;
        other.write(&mut Writer::new(&mut others))?;
        choose_bytes(&mut chosen, &others, choice);
        *self = Self::read(&mut Reader::new(&chosen))?;
        Ok(())
    }

    /// Returns the hash of the module's own certificate, if it has one.
    pub(crate) fn certificate<V: Verifier>(&self) -> Option<Sha384Digest> {
        let chain = Chain::parse(&self.chain).ok()?;
        Some(V::sha384(&[chain.leaf().as_der()]))
    }

    /// Returns what the module tells a master of itself.
    pub(crate) const fn condition(&self) -> Condition {
        match self.lifecycle {
            Lifecycle::Shipment => Condition::Shipment,
            Lifecycle::Reset => Condition::Reset,
            Lifecycle::Configured => Condition::Replaced,
        }
    }

    pub(crate) fn is_certified(&self) -> bool {
        !self.chain.is_empty()
    }

    pub(crate) fn slot(&self, slot: Slot) -> Option<&[u8; 40]> {
        self.slots.get(slot.index())
    }

    pub(crate) fn set_slot(&mut self, slot: Slot, wrapped: [u8; 40]) {
        if let Some(place) = self.slots.get_mut(slot.index()) {
            *place = wrapped;
        }
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.u8(self.lifecycle.to_byte())?;
        writer.flag(self.public.is_some())?;
        writer.bytes(&self.public.unwrap_or([0; 97]))?;
        write_padded(&self.root, writer)?;
        write_padded(&self.chain, writer)?;
        let Failures {
            admin,
            admin_steps,
            user,
            recovery,
        } = self.failures;
        writer.bytes(&[admin, admin_steps, user, recovery])?;
        self.limits.write(writer)?;
        writer.bytes(&self.salt)?;
        writer.u32(self.cost)?;
        self.slots.iter().try_for_each(|slot| writer.bytes(slot))?;
        write_padded(&self.receipt, writer)?;
        writer.u64(self.letterbox.made)?;
        writer.flag(self.letterbox.waits)
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let lifecycle = Lifecycle::from_byte(reader.u8()?)?;
        let has_key = reader.flag()?;
        let public = reader.array()?;
        let root = read_padded(reader)?;
        let chain = read_padded(reader)?;
        let [admin, admin_steps, user, recovery] = *reader.array()?;
        Ok(Self {
            lifecycle,
            public: has_key.then_some(*public),
            root,
            chain,
            failures: Failures {
                admin,
                admin_steps,
                user,
                recovery,
            },
            limits: AttemptLimits::read(reader)?,
            salt: *reader.array()?,
            cost: reader.u32()?,
            slots: [
                *reader.array()?,
                *reader.array()?,
                *reader.array()?,
                *reader.array()?,
            ],
            receipt: read_padded(reader)?,
            letterbox: LetterboxState {
                made: reader.u64()?,
                waits: reader.flag()?,
            },
        })
    }
}

/// Writes the length, the bytes, and zeros up to the maximum: the store always has the same size.
fn write_padded<const N: usize>(
    bytes: &Vec<u8, N>,
    writer: &mut Writer<'_>,
) -> Result<(), Malformed> {
    writer.prefixed(bytes)?;
    writer.reserve(N.saturating_sub(bytes.len()))?.fill(0);
    Ok(())
}

fn read_padded<const N: usize>(reader: &mut Reader<'_>) -> Result<Vec<u8, N>, Malformed> {
    let bytes = reader.prefixed(N)?;
    reader.bytes(N.saturating_sub(bytes.len()))?;
    Vec::from_slice(bytes).map_err(|_overlong| Malformed)
}
