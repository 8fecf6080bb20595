//! The list of the modules that this one cloned to. Encrypted under the KEK; only an erasure removes it.

use super::ledger::Ledger;
use crate::crypto::Provider;
use heapless::{Deque, Vec};
use hsm_protocol::{
    Malformed, Serial, Sha384Digest,
    journal::{JournalEntry, JournalPart, JournalRow, JournalSummary, Listed},
    limits,
    reader::Reader,
    writer::Writer,
};

/// The last entries, oldest first, with a running hash over all entries ever made, and a table of all serial numbers.
/// The entries can be pushed out by later ones; the table is only cleared by a person.
pub(crate) struct Journal {
    total: u64,
    /// The number of the last cycle that released a Parcel.
    cycles: u32,
    running: Sha384Digest,
    /// The running hash before the oldest entry.
    before: Sha384Digest,
    /// `total` when the table was last cleared.
    cleared: u64,
    entries: Deque<JournalEntry, { limits::JOURNAL_ENTRIES }>,
    table: Vec<JournalRow, { limits::JOURNAL_TABLE }>,
    /// The tickets that allowed what is listed.
    pub(crate) ledger: Ledger,
}

/// The table has no room for another serial number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TableFull;

impl Default for Journal {
    fn default() -> Self {
        Self {
            total: 0,
            cycles: 0,
            running: [0; 48],
            before: [0; 48],
            cleared: 0,
            entries: Deque::new(),
            table: Vec::new(),
            ledger: Ledger::default(),
        }
    }
}

impl Journal {
    /// The size of the stored form, in bytes; always the same.
    pub(crate) const SIZE: usize = 8
        + 4
        + 48
        + 48
        + 8
        + Ledger::SIZE
        + 1
        + limits::JOURNAL_ENTRIES * JournalEntry::SIZE
        + 2
        + limits::JOURNAL_TABLE * JournalRow::SIZE;

    /// Returns the number of the next Parcel.
    pub(crate) const fn next_number(&self) -> u64 {
        self.total.saturating_add(1)
    }

    /// Returns the number of the next cycle. It is taken by the first Parcel of that cycle.
    pub(crate) const fn next_cycle(&self) -> u32 {
        self.cycles.saturating_add(1)
    }

    /// Checks that a Parcel to that module can be entered.
    pub(crate) fn check_room(&self, serial: Serial) -> Result<(), TableFull> {
        if self.table.is_full() && self.table.iter().all(|row| row.serial != serial) {
            Err(TableFull)
        } else {
            Ok(())
        }
    }

    /// Appends the entry of a Parcel, whose serial number has a row or room for one. If the list of entries is full, the
    /// oldest is dropped.
    pub(crate) fn append<C: Provider>(&mut self, entry: JournalEntry) -> Result<(), Malformed> {
        if let Some(row) = self.table.iter_mut().find(|row| row.serial == entry.serial) {
            row.parcels = row.parcels.saturating_add(1);
            row.last = entry.number;
        } else {
            let row = JournalRow {
                serial: entry.serial,
                parcels: 1,
                last: entry.number,
            };
            self.table.push(row).map_err(|_full| Malformed)?;
        }
        self.running = entry.chain::<C>(&self.running)?;
        self.total = entry.number;
        self.cycles = entry.cycle.number;
        if self.entries.is_full()
            && let Some(oldest) = self.entries.pop_front()
        {
            self.before = oldest.chain::<C>(&self.before)?;
        }
        self.entries.push_back(entry).map_err(|_full| Malformed)
    }

    /// Clears the table. What was in it is gone; the entries and both hashes stay.
    pub(crate) fn clear_table(&mut self) {
        self.table.clear();
        self.cleared = self.total;
    }

    /// Returns the entry of a run, if the journal still has it.
    pub(crate) fn find_mut(&mut self, transcript: &Sha384Digest) -> Option<&mut JournalEntry> {
        self.entries
            .iter_mut()
            .find(|entry| &entry.transcript == transcript)
    }

    /// Writes one page.
    pub(crate) fn write_page(
        &self,
        part: JournalPart,
        writer: &mut Writer<'_>,
    ) -> Result<(), Malformed> {
        JournalSummary {
            total: self.total,
            running: self.running,
            before: self.before,
            cleared: self.cleared,
            rows: u16::try_from(self.table.len()).map_err(|_overlong| Malformed)?,
        }
        .write(writer)?;
        match part {
            JournalPart::Entries(page) => write_listed(self.entries.iter().rev(), page, writer),
            JournalPart::Table(page) => write_listed(self.table.iter(), page, writer),
        }
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.u64(self.total)?;
        writer.u32(self.cycles)?;
        writer.bytes(&self.running)?;
        writer.bytes(&self.before)?;
        writer.u64(self.cleared)?;
        self.ledger.write(writer)?;
        writer.u8(u8::try_from(self.entries.len()).map_err(|_overlong| Malformed)?)?;
        self.entries
            .iter()
            .try_for_each(|entry| entry.write(writer))?;
        writer.u16(u16::try_from(self.table.len()).map_err(|_overlong| Malformed)?)?;
        // The rest of the buffer stays zero: the store always has the same size.
        self.table.iter().try_for_each(|row| row.write(writer))
    }

    /// Fills this one, which was empty, in place: it is too large to be moved about.
    pub(crate) fn fill(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let mut reader = Reader::new(bytes);
        self.total = reader.u64()?;
        self.cycles = reader.u32()?;
        self.running = *reader.array()?;
        self.before = *reader.array()?;
        self.cleared = reader.u64()?;
        self.ledger.fill(&mut reader)?;
        for _ in 0..reader.u8()? {
            let entry = JournalEntry::read(&mut reader)?;
            self.entries.push_back(entry).map_err(|_full| Malformed)?;
        }
        for _ in 0..reader.u16()? {
            let row = JournalRow::read(&mut reader)?;
            self.table.push(row).map_err(|_full| Malformed)?;
        }
        Ok(())
    }
}

fn write_listed<'a, L: Listed + 'a>(
    listed: impl Iterator<Item = &'a L>,
    page: u8,
    writer: &mut Writer<'_>,
) -> Result<(), Malformed> {
    let skipped = usize::from(page).saturating_mul(L::ON_PAGE);
    listed
        .skip(skipped)
        .take(L::ON_PAGE)
        .try_for_each(|one| one.write(writer))
}
