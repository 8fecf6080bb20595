//! A master's journal, as the host reads and checks it (PROTOCOL § 2.8).

use crate::{
    genuine::P384,
    module::{ConnectedModule, ModuleError},
};
use hsm_protocol::{
    Malformed, Verifier,
    command::ins,
    journal::{JournalEntry, JournalPage, JournalPart, JournalRow, JournalSummary, Listed},
    limits,
    signed::SignedLabel,
};
use std::collections::BTreeSet;

/// A master's journal: its newest entries, and a table of all modules. It was checked that they agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// What every page says.
    pub summary: JournalSummary,
    /// Newest first.
    pub entries: Vec<JournalEntry>,
    /// In the order in which the modules were first cloned to.
    pub table: Vec<JournalRow>,
}

impl Journal {
    fn is_consistent<V: Verifier>(&self) -> bool {
        self.has_consistent_entries::<V>() && self.has_consistent_table()
    }

    /// Returns whether the entries follow each other without a gap up to the last Parcel, and lead from the older
    /// running hash to the newer one.
    fn has_consistent_entries<V: Verifier>(&self) -> bool {
        let JournalSummary {
            total,
            running,
            before,
            ..
        } = self.summary;
        let kept = u64::try_from(self.entries.len()).unwrap_or(u64::MAX);
        let most = u64::try_from(limits::JOURNAL_ENTRIES).unwrap_or(u64::MAX);
        let is_whole = kept == total.min(most) && (kept < total || before == [0; 48]);
        let mut numbers = (1..=total).rev();
        let has_no_gap = self
            .entries
            .iter()
            .all(|entry| numbers.next() == Some(entry.number));
        let oldest_first = self.entries.iter().rev();
        let hashed = oldest_first
            .copied()
            .try_fold(before, |hash, entry| entry.chain::<V>(&hash));
        is_whole && has_no_gap && hashed == Ok(running)
    }

    /// Returns whether the table names each module once, and whom the entries name, and counts every Parcel since it was
    /// cleared.
    fn has_consistent_table(&self) -> bool {
        let JournalSummary {
            total,
            cleared,
            rows,
            ..
        } = self.summary;
        let kept = u64::try_from(self.entries.len()).unwrap_or(u64::MAX);
        let is_listed = |entry: &JournalEntry| {
            let row = self.table.iter().find(|row| row.serial == entry.serial);
            entry.number <= cleared || row.is_some_and(|row| row.last >= entry.number)
        };
        let serials: BTreeSet<_> = self.table.iter().map(|row| row.serial).collect();
        let parcels = self.table.iter().map(|row| u64::from(row.parcels));
        let is_saturated = self.table.iter().any(|row| row.parcels == u32::MAX);
        let is_known = |row: &JournalRow| {
            let entry = self.entries.iter().find(|entry| entry.number == row.last);
            entry.map_or(row.last <= total.saturating_sub(kept), |entry| {
                entry.serial == row.serial
            })
        };
        let is_in_range = |row: &JournalRow| row.last > cleared && is_known(row);
        serials.len() == self.table.len()
            && self.table.len() == usize::from(rows)
            && self.table.iter().all(is_in_range)
            && (is_saturated || parcels.sum::<u64>() == total.saturating_sub(cleared))
            && self.entries.iter().all(is_listed)
    }
}

/// How often a journal is read that changes while it is read.
const READS: u32 = 3;

impl ConnectedModule {
    /// Reads the journal and checks that it does not contradict itself; its Administrator must have unlocked it. If
    /// another program clones at the same time, it is read again.
    pub fn journal(&mut self) -> Result<Journal, ModuleError> {
        for _ in 1..READS {
            if let Some(journal) = self.read_journal()? {
                return Ok(journal);
            }
        }
        let journal = self.read_journal()?;
        journal.ok_or_else(|| ModuleError::Inconsistent(self.location().clone()))
    }

    /// Returns `None` if the journal changed between two pages.
    fn read_journal(&mut self) -> Result<Option<Journal>, ModuleError> {
        let Some((summary, entries)) = self.journal_entries()? else {
            return Ok(None);
        };
        let mut table = Vec::new();
        for page in 0..JournalPart::TABLE_PAGES {
            let part = JournalPart::Table(page);
            let (of_page, rows) = self.journal_page::<JournalRow>(part)?;
            if of_page != summary {
                return Ok(None);
            }
            table.extend(rows);
            if table.len() >= usize::from(summary.rows) {
                break;
            }
        }
        let journal = Journal {
            summary,
            entries,
            table,
        };
        if journal.is_consistent::<P384>() {
            Ok(Some(journal))
        } else {
            Err(ModuleError::Inconsistent(self.location().clone()))
        }
    }

    /// Clears the table of the journal. A refusal with [`Status::NeedsPerson`] says that the module asks a person: once
    /// that person allowed it, the same command clears it.
    ///
    /// [`Status::NeedsPerson`]: hsm_protocol::Status::NeedsPerson
    pub fn clear_table(&mut self) -> Result<(), ModuleError> {
        self.command(ins::CLEAR_TABLE, 0, &[])?;
        Ok(())
    }

    fn journal_entries(
        &mut self,
    ) -> Result<Option<(JournalSummary, Vec<JournalEntry>)>, ModuleError> {
        let mut entries: Vec<JournalEntry> = Vec::new();
        let mut first = None;
        for page in 0..JournalPart::ENTRY_PAGES {
            let (summary, more) = self.journal_page::<JournalEntry>(JournalPart::Entries(page))?;
            if *first.get_or_insert(summary) != summary {
                return Ok(None);
            }
            let is_full = more.len() == JournalEntry::ON_PAGE;
            entries.extend(more);
            let is_last = page + 1 == JournalPart::ENTRY_PAGES;
            let is_all = u64::try_from(entries.len()).is_ok_and(|count| count >= summary.total);
            if !is_full || is_last || is_all {
                return Ok(Some((summary, entries)));
            }
        }
        self.well_formed(Err(Malformed))
    }

    fn journal_page<L: Listed>(
        &mut self,
        part: JournalPart,
    ) -> Result<(JournalSummary, Vec<L>), ModuleError> {
        let answer = self.fields(ins::JOURNAL, part.to_p1(), SignedLabel::Journal)?;
        let page = self.well_formed(JournalPage::<L>::parse(&answer))?;
        Ok((page.summary, page.listed().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_hub::Scripted;
    use hsm_protocol::{
        cloning::{Condition, Cycle, Options, Permission},
        writer::Writer,
    };

    /// A journal after so many Parcels to as many modules, as its pages.
    fn pages(total: u64) -> Vec<Vec<u8>> {
        let mut running = [[0; 48]].to_vec();
        let mut entries = Vec::new();
        let mut rows = Vec::new();
        for number in 1..=total {
            let serial = format!("S{number}").parse().unwrap();
            let entry = JournalEntry {
                number,
                cycle: Cycle {
                    number: 1,
                    options: Options::default(),
                    secondaries: 1,
                },
                permission: Permission::Unrestricted,
                condition: Condition::Shipment,
                serial,
                certificate: [0; 48],
                transcript: [0; 48],
                countersigned: true,
            };
            running.push(entry.chain::<P384>(running.last().unwrap()).unwrap());
            entries.insert(0, entry);
            rows.push(JournalRow {
                serial,
                parcels: 1,
                last: number,
            });
        }
        entries.truncate(limits::JOURNAL_ENTRIES);
        let summary = JournalSummary {
            total,
            running: *running.last().unwrap(),
            before: running[usize::try_from(total).unwrap() - entries.len()],
            cleared: 0,
            rows: u16::try_from(rows.len()).unwrap(),
        };
        let mut answers = written(&summary, &entries);
        answers.extend(written(&summary, &rows));
        answers
    }

    fn written<L: Listed>(summary: &JournalSummary, listed: &[L]) -> Vec<Vec<u8>> {
        let pages = listed.len().div_ceil(L::ON_PAGE).max(1);
        let page = |number: usize| {
            let mut out = [0; limits::CHAINED_COMMAND];
            let mut writer = Writer::new(&mut out);
            summary.write(&mut writer).unwrap();
            for one in listed.iter().skip(number * L::ON_PAGE).take(L::ON_PAGE) {
                one.write(&mut writer).unwrap();
            }
            writer.bytes(&[0x90, 0]).unwrap();
            writer.written().to_vec()
        };
        (0..pages).map(page).collect()
    }

    #[test]
    fn a_journal_is_read_page_by_page_and_no_further() {
        for total in [0, 1, 7, 8, 9, 63, 64, 65, 200, 256] {
            let journal = Scripted::module(pages(total)).journal().unwrap();
            assert_eq!(journal.entries.len() as u64, total.min(64), "{total}");
            assert_eq!(journal.table.len() as u64, total, "{total}");
        }
    }

    #[test]
    fn a_journal_that_changes_while_it_is_read_is_read_again() {
        let (before, after) = (pages(20), pages(21));
        let interrupted = [&before[..1], &after[1..2], &after].concat();
        let journal = Scripted::module(interrupted).journal().unwrap();
        assert_eq!(journal.summary.total, 21);
        let torn = [&before[..1], &after[1..2]].concat();
        let restless = [torn.clone(), torn.clone(), torn].concat();
        assert!(matches!(
            Scripted::module(restless).journal(),
            Err(ModuleError::Inconsistent(_))
        ));
    }

    #[test]
    fn a_journal_that_contradicts_itself_is_refused() {
        let pages = pages(20);
        let [entries @ .., table] = pages.as_slice() else {
            panic!("a table");
        };
        let is_refused = |page: usize, byte: usize| {
            let mut pages = pages.clone();
            pages[page][byte] ^= 1;
            Scripted::module(pages).journal().is_err()
        };
        for byte in 0..table.len() - 2 {
            assert!(is_refused(entries.len(), byte), "table, {byte}");
        }
        for (page, bytes) in entries.iter().enumerate() {
            for byte in JournalSummary::SIZE..bytes.len() - 2 {
                // That an entry is countersigned is not hashed: it comes later.
                let is_flag = (byte - JournalSummary::SIZE + 1).is_multiple_of(JournalEntry::SIZE);
                assert_eq!(is_refused(page, byte), !is_flag, "{page}, {byte}");
            }
        }
    }
}
