//! The list of the modules that this one cloned to. Encrypted under the KEK; only an erasure removes it.

use crate::crypto::Provider;
use heapless::Deque;
use hsm_protocol::{
    Malformed, Sha384Digest,
    journal::{JournalEntry, JournalPage},
    limits,
    reader::Reader,
    writer::Writer,
};

/// The last entries, oldest first, and a running hash over all entries ever made.
pub(crate) struct Journal {
    total: u64,
    cycles: u32,
    running: Sha384Digest,
    entries: Deque<JournalEntry, { limits::JOURNAL_ENTRIES }>,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            total: 0,
            cycles: 0,
            running: [0; 48],
            entries: Deque::new(),
        }
    }
}

impl Journal {
    /// The size of the stored form, in bytes; always the same.
    pub(crate) const SIZE: usize = 8 + 4 + 48 + 1 + limits::JOURNAL_ENTRIES * JournalEntry::SIZE;

    /// Returns the number of the next Parcel.
    pub(crate) const fn next_number(&self) -> u64 {
        self.total.saturating_add(1)
    }

    /// Begins a cycle and returns its number.
    pub(crate) const fn begin_cycle(&mut self) -> u32 {
        self.cycles = self.cycles.saturating_add(1);
        self.cycles
    }

    /// Appends the entry of a Parcel. If the journal is full, the oldest entry is dropped.
    pub(crate) fn append<C: Provider>(&mut self, entry: JournalEntry) -> Result<(), Malformed> {
        let mut bytes = [0; JournalEntry::SIZE];
        entry.write(&mut Writer::new(&mut bytes))?;
        self.running = C::sha384(&[&self.running, &bytes]);
        self.total = entry.number;
        if self.entries.is_full() {
            self.entries.pop_front();
        }
        self.entries.push_back(entry).map_err(|_full| Malformed)
    }

    /// Returns the entry of a run, if the journal still has it.
    pub(crate) fn find_mut(&mut self, transcript: &Sha384Digest) -> Option<&mut JournalEntry> {
        self.entries
            .iter_mut()
            .find(|entry| &entry.transcript == transcript)
    }

    /// Writes one page, newest entry first.
    pub(crate) fn write_page(&self, page: u8, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.u64(self.total)?;
        writer.bytes(&self.running)?;
        let skipped = usize::from(page).saturating_mul(JournalPage::ENTRIES);
        let newest_first = self.entries.iter().rev();
        newest_first
            .skip(skipped)
            .take(JournalPage::ENTRIES)
            .try_for_each(|entry| entry.write(writer))
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.u64(self.total)?;
        writer.u32(self.cycles)?;
        writer.bytes(&self.running)?;
        writer.u8(u8::try_from(self.entries.len()).map_err(|_overlong| Malformed)?)?;
        // The rest of the buffer stays zero: the store always has the same size.
        self.entries
            .iter()
            .try_for_each(|entry| entry.write(writer))
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let mut journal = Self {
            total: reader.u64()?,
            cycles: reader.u32()?,
            running: *reader.array()?,
            entries: Deque::new(),
        };
        for _ in 0..reader.u8()? {
            journal
                .entries
                .push_back(JournalEntry::read(&mut reader)?)
                .map_err(|_full| Malformed)?;
        }
        Ok(journal)
    }
}
