//! The journal: whom a master cloned to (PROTOCOL § 2.8).

use crate::{
    Malformed, Serial,
    cloning::{Condition, Cycle, Ticket},
    limits,
    reader::Reader,
    verifier::Sha384Digest,
    writer::Writer,
};

/// The entry of one Parcel that a master sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    /// The Parcel's number: 1 for a master's first.
    pub number: u64,
    /// The cycle it belongs to, and its choices.
    pub cycle: Cycle,
    /// Whom the master was allowed to clone to.
    pub ticket: Ticket,
    /// What the secondary was before.
    pub condition: Condition,
    /// The secondary.
    pub serial: Serial,
    /// SHA-384 of the secondary's certificate.
    pub certificate: Sha384Digest,
    /// The run's transcript up to the Consent.
    pub transcript: Sha384Digest,
    /// Whether the secondary proved what it stored and the master countersigned the receipt.
    pub countersigned: bool,
}

impl JournalEntry {
    /// Its size on the wire and in the store, in bytes.
    pub const SIZE: usize = 8 + Cycle::SIZE + 1 + 1 + Serial::MAX + 48 + 48 + 1;

    /// Reads the fields.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            number: reader.u64()?,
            cycle: Cycle::read(reader)?,
            ticket: Ticket::from_byte(reader.u8()?)?,
            condition: Condition::from_byte(reader.u8()?)?,
            serial: Serial::read(reader)?,
            certificate: *reader.array()?,
            transcript: *reader.array()?,
            countersigned: reader.flag()?,
        })
    }

    /// Appends the wire form.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.u64(self.number)?;
        self.cycle.write(writer)?;
        writer.u8(self.ticket.to_byte())?;
        writer.u8(self.condition.to_byte())?;
        self.serial.write(writer)?;
        writer.bytes(&self.certificate)?;
        writer.bytes(&self.transcript)?;
        writer.flag(self.countersigned)
    }
}

/// One page of a journal as JOURNAL answers it, newest entry first.
#[derive(Clone, Debug)]
pub struct JournalPage<'a> {
    /// Number of Parcels that the master ever sent.
    pub total: u64,
    /// A running SHA-384 over all entries ever made, in the order of their numbers.
    pub running: Sha384Digest,
    entries: Reader<'a>,
}

impl<'a> JournalPage<'a> {
    /// Entries on a full page.
    pub const ENTRIES: usize = 8;

    /// Pages that a full journal has.
    pub const PAGES: usize = limits::JOURNAL_ENTRIES.div_ceil(Self::ENTRIES);

    /// Parses a page and checks every entry.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let total = reader.u64()?;
        let running = *reader.array()?;
        let entries = reader.clone();
        let mut count = 0_usize;
        while !reader.is_empty() {
            JournalEntry::read(&mut reader)?;
            count = count.saturating_add(1);
        }
        if count > Self::ENTRIES {
            return Err(Malformed);
        }
        Ok(Self {
            total,
            running,
            entries,
        })
    }

    /// Returns the entries, newest first.
    pub fn entries(&self) -> impl Iterator<Item = JournalEntry> + use<'a> {
        let mut reader = self.entries.clone();
        // `parse` has read each of them; a short read ends the iteration.
        core::iter::from_fn(move || JournalEntry::read(&mut reader).ok())
    }
}
