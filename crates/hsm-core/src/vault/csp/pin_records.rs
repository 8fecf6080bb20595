//! The stretched PINs, stored under the KEK so that a master can send them to its clones.

use super::{pin::Stretched, slot::Slot};
use hsm_protocol::{Malformed, reader::Reader, writer::Writer};
use subtle::{Choice, ConstantTimeEq};

/// Which PINs are set, and what each stretches to. Salt and cost are stored with the slots: they are needed before any
/// PIN is known.
#[derive(Default)]
pub(crate) struct PinRecords([Record; Slot::ALL.len()]);

/// The record of one PIN. A record that is not set holds zeros, and is filled, copied and wiped in constant time like
/// one that is: a destroyed module, which holds one PIN instead of four, must take as long to open as an untouched
/// one.
#[derive(Default)]
struct Record {
    is_set: bool,
    stretched: Stretched,
}

impl PinRecords {
    /// The size of the encoded form, in bytes; always the same.
    pub(crate) const SIZE: usize = Slot::ALL.len() * Self::RECORD;

    const RECORD: usize = 1 + 32;

    pub(crate) fn record(&self, slot: Slot) -> Option<&Stretched> {
        let record = self.0.get(slot.index())?;
        record.is_set.then_some(&record.stretched)
    }

    /// Returns what a PIN stretches to; zeros if it is not set.
    pub(crate) fn stretched(&self, slot: Slot) -> &Stretched {
        let [admin, user, recovery, self_destruct] = &self.0;
        let record = match slot {
            Slot::Admin => admin,
            Slot::User => user,
            Slot::Recovery => recovery,
            Slot::SelfDestruct => self_destruct,
        };
        &record.stretched
    }

    /// Returns whether a PIN is set.
    pub(crate) fn is_set(&self, slot: Slot) -> Choice {
        let is_set = self.record(slot).is_some();
        Choice::from(u8::from(is_set))
    }

    /// Sets a record, in place.
    pub(crate) fn set(&mut self, slot: Slot, stretched: &Stretched) {
        self.put(slot, true, stretched.expose());
    }

    /// Becomes the same records, in place.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        for (record, other) in self.0.iter_mut().zip(&other.0) {
            record.is_set = other.is_set;
            *record.stretched.expose_mut() = *other.stretched.expose();
        }
    }

    pub(crate) fn delete(&mut self, slot: Slot) {
        self.put(slot, false, &NOTHING);
    }

    fn put(&mut self, slot: Slot, is_set: bool, bytes: &[u8; 32]) {
        if let Some(record) = self.0.get_mut(slot.index()) {
            record.is_set = is_set;
            *record.stretched.expose_mut() = *bytes;
        }
    }

    /// Returns whether the slot has this PIN, in constant time.
    pub(crate) fn is(&self, slot: Slot, stretched: &Stretched) -> bool {
        self.record(slot)
            .is_some_and(|other| other.expose().ct_eq(stretched.expose()).into())
    }

    /// Returns whether another slot has this PIN, in constant time for each slot.
    pub(crate) fn is_taken(&self, stretched: &Stretched, but: Slot) -> bool {
        Slot::ALL
            .into_iter()
            .filter(|slot| *slot != but)
            .fold(false, |taken, slot| taken | self.is(slot, stretched))
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        Slot::ALL
            .into_iter()
            .try_for_each(|slot| self.write_record(slot, writer))
    }

    /// Writes one record, as it is stored, sent and committed to.
    pub(crate) fn write_record(
        &self,
        slot: Slot,
        writer: &mut Writer<'_>,
    ) -> Result<(), Malformed> {
        let record = self.0.get(slot.index()).ok_or(Malformed)?;
        writer.flag(record.is_set)?;
        writer.bytes(record.stretched.expose())
    }

    /// Fills in place, by the same steps whether a PIN is set or not.
    pub(crate) fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        let mut holds_unset = Choice::from(0);
        for record in &mut self.0 {
            record.is_set = reader.flag()?;
            *record.stretched.expose_mut() = *reader.array()?;
            holds_unset |=
                Choice::from(u8::from(!record.is_set)) & !record.stretched.expose().ct_eq(&NOTHING);
        }
        if holds_unset.into() {
            return Err(Malformed);
        }
        Ok(())
    }
}

const NOTHING: [u8; 32] = [0; 32];
