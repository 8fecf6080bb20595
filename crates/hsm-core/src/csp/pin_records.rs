//! The stretched PINs, kept under the KEK so that a master can send them to its clones.

use super::Stretched;
use crate::pin::Slot;
use hsm_protocol::{Malformed, reader::Reader, writer::Writer};
use subtle::ConstantTimeEq;

/// Which PINs are set, and what each stretches to. Salt and cost stand beside the slots: they are needed before any PIN.
#[derive(Default)]
pub(crate) struct PinRecords([Option<Stretched>; Slot::ALL.len()]);

impl PinRecords {
    /// The size of the encoded form, in bytes; always the same.
    pub(crate) const SIZE: usize = Slot::ALL.len() * Self::RECORD;

    const RECORD: usize = 1 + 32;

    pub(crate) fn record(&self, slot: Slot) -> Option<&Stretched> {
        self.0.get(slot.index())?.as_ref()
    }

    /// Sets a record, in place.
    pub(crate) fn set(&mut self, slot: Slot, stretched: &Stretched) {
        if let Some(place) = self.0.get_mut(slot.index()) {
            place
                .insert(Stretched::default())
                .expose_mut()
                .copy_from_slice(stretched.expose());
        }
    }

    /// Becomes the same records, in place.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        for slot in Slot::ALL {
            match other.record(slot) {
                Some(stretched) => self.set(slot, stretched),
                None => self.delete(slot),
            }
        }
    }

    pub(crate) fn delete(&mut self, slot: Slot) {
        if let Some(place) = self.0.get_mut(slot.index()) {
            *place = None;
        }
    }

    /// Whether that slot has this very PIN, in constant time.
    pub(crate) fn is(&self, slot: Slot, stretched: &Stretched) -> bool {
        self.record(slot)
            .is_some_and(|other| other.expose().ct_eq(stretched.expose()).into())
    }

    /// Whether another slot has this very PIN, in constant time for each slot.
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

    /// One record, as it is stored, sent and committed to.
    pub(crate) fn write_record(
        &self,
        slot: Slot,
        writer: &mut Writer<'_>,
    ) -> Result<(), Malformed> {
        let record = self.record(slot);
        writer.flag(record.is_some())?;
        writer.bytes(record.map_or(&[0; 32], |stretched| stretched.expose()))
    }

    /// Fills in place.
    pub(crate) fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        for place in &mut self.0 {
            let is_set = reader.flag()?;
            let bytes = reader.array::<32>()?;
            *place = None;
            if is_set {
                place
                    .insert(Stretched::default())
                    .expose_mut()
                    .copy_from_slice(bytes);
            } else if bytes.iter().any(|byte| *byte != 0) {
                return Err(Malformed);
            }
        }
        Ok(())
    }
}
