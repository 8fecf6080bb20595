//! The journal: whom a master cloned to (PROTOCOL § 2.8).

use crate::{
    Malformed, Serial,
    cloning::{Condition, Cycle, Permission},
    limits,
    reader::Reader,
    verifier::{Sha384Digest, Verifier},
    writer::Writer,
};
use core::marker::PhantomData;

/// The entry of one Parcel that a master sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    /// The Parcel's number: 1 for a master's first.
    pub number: u64,
    /// The cycle it belongs to, and its choices.
    pub cycle: Cycle,
    /// Whom the master was allowed to clone to.
    pub permission: Permission,
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

/// All Parcels to one secondary: a row of the journal's table, which no number of later Parcels removes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalRow {
    /// The secondary.
    pub serial: Serial,
    /// How many Parcels it was sent since the table was last cleared, up to the greatest number that fits.
    pub parcels: u32,
    /// The number of the last of them.
    pub last: u64,
}

/// What every page of a journal begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalSummary {
    /// Number of Parcels that the master ever sent.
    pub total: u64,
    /// A running SHA-384 over all entries ever made, in the order of their numbers.
    pub running: Sha384Digest,
    /// The same before the oldest entry that is kept: with it, the kept entries lead to `running`.
    pub before: Sha384Digest,
    /// `total` at the moment when the table was last cleared; 0 if it never was.
    pub cleared: u64,
    /// Rows in the table.
    pub rows: u16,
}

impl JournalSummary {
    /// Its size on the wire, in bytes.
    pub const SIZE: usize = 8 + 48 + 48 + 8 + 2;

    /// Reads the fields.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let summary = Self {
            total: reader.u64()?,
            running: *reader.array()?,
            before: *reader.array()?,
            cleared: reader.u64()?,
            rows: reader.u16()?,
        };
        if usize::from(summary.rows) > limits::JOURNAL_TABLE || summary.cleared > summary.total {
            return Err(Malformed);
        }
        Ok(summary)
    }

    /// Appends the wire form.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.u64(self.total)?;
        writer.bytes(&self.running)?;
        writer.bytes(&self.before)?;
        writer.u64(self.cleared)?;
        writer.u16(self.rows)
    }
}

/// What a page lists: entries, or rows of the table.
pub trait Listed: Sized {
    /// Its size on the wire and in the store, in bytes.
    const SIZE: usize;
    /// How many are on a full page.
    const ON_PAGE: usize;

    /// Reads the fields.
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed>;
    /// Appends the wire form.
    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed>;
}

impl Listed for JournalEntry {
    const SIZE: usize = 8 + Cycle::SIZE + Permission::SIZE + 1 + Serial::MAX + 48 + 48 + 1;
    const ON_PAGE: usize = 8;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            number: reader.u64()?,
            cycle: Cycle::read(reader)?,
            permission: Permission::read(reader)?,
            condition: Condition::from_byte(reader.u8()?)?,
            serial: Serial::read(reader)?,
            certificate: *reader.array()?,
            transcript: *reader.array()?,
            countersigned: reader.flag()?,
        })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.u64(self.number)?;
        self.cycle.write(writer)?;
        self.permission.write(writer)?;
        writer.u8(self.condition.to_byte())?;
        self.serial.write(writer)?;
        writer.bytes(&self.certificate)?;
        writer.bytes(&self.transcript)?;
        writer.flag(self.countersigned)
    }
}

impl Listed for JournalRow {
    const SIZE: usize = Serial::MAX + 4 + 8;
    const ON_PAGE: usize = 64;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            serial: Serial::read(reader)?,
            parcels: reader.u32()?,
            last: reader.u64()?,
        })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        self.serial.write(writer)?;
        writer.u32(self.parcels)?;
        writer.u64(self.last)
    }
}

impl JournalEntry {
    /// Returns the running hash with this entry, as it was appended: not countersigned.
    pub fn chain<V: Verifier>(&self, before: &Sha384Digest) -> Result<Sha384Digest, Malformed> {
        let mut bytes = [0; <Self as Listed>::SIZE];
        let appended = Self {
            countersigned: false,
            ..*self
        };
        appended.write(&mut Writer::new(&mut bytes))?;
        Ok(V::sha384(&[before, &bytes]))
    }
}

/// Which page JOURNAL asks for (P1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalPart {
    /// Entries, counted in pages from the newest.
    Entries(u8),
    /// Rows of the table, in the order in which they were made.
    Table(u8),
}

impl JournalPart {
    /// Pages that a full list of entries has.
    pub const ENTRY_PAGES: u8 = 8;

    /// Pages that a full table has.
    pub const TABLE_PAGES: u8 = 4;

    /// Returns P1.
    pub const fn to_p1(self) -> u8 {
        match self {
            Self::Entries(page) => page,
            Self::Table(page) => page.saturating_add(Self::ENTRY_PAGES),
        }
    }

    /// Parses P1; `None` for a page that no journal has.
    pub const fn from_p1(p1: u8) -> Option<Self> {
        match p1.checked_sub(Self::ENTRY_PAGES) {
            None => Some(Self::Entries(p1)),
            Some(page) if page < Self::TABLE_PAGES => Some(Self::Table(page)),
            Some(_) => None,
        }
    }
}

const _: () = {
    assert!(pages::<JournalEntry>(limits::JOURNAL_ENTRIES) == 8);
    assert!(pages::<JournalRow>(limits::JOURNAL_TABLE) == 4);
};

const fn pages<L: Listed>(count: usize) -> usize {
    count.div_ceil(L::ON_PAGE)
}

/// One page of a journal: entries, newest first, or rows of the table, oldest first.
#[derive(Clone, Debug)]
pub struct JournalPage<'a, L> {
    /// The same on each page, unless the master released a Parcel in between.
    pub summary: JournalSummary,
    listed: Reader<'a>,
    kind: PhantomData<L>,
}

impl<'a, L: Listed> JournalPage<'a, L> {
    /// Parses a page and checks everything on it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let summary = JournalSummary::read(&mut reader)?;
        let listed = reader.clone();
        let mut count = 0_usize;
        while !reader.is_empty() {
            L::read(&mut reader)?;
            count = count.saturating_add(1);
        }
        if count > L::ON_PAGE {
            return Err(Malformed);
        }
        Ok(Self {
            summary,
            listed,
            kind: PhantomData,
        })
    }

    /// Returns what is on it, in its order.
    pub fn listed(&self) -> impl Iterator<Item = L> + use<'a, L> {
        let mut reader = self.listed.clone();
        // `parse` has read each of them; a short read ends the iteration.
        core::iter::from_fn(move || L::read(&mut reader).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_page_has_one_number() {
        for p1 in 0..=255 {
            let part = JournalPart::from_p1(p1);
            assert_eq!(part.is_some(), p1 < 12, "{p1}");
            assert!(part.is_none_or(|part| part.to_p1() == p1));
        }
    }
}
