//! What a power-up finds: every blob that the store ever held, counter and store keys, some of their fuses burnt in part,
//! from docs/STORE.md. An attacker has all of it and puts back what it likes.

use crate::device::{Event, Purpose, Stored};
use hsm_testbench::board::{Cut, STORE_KEYS};

/// A blob, and what it holds.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) stored: Stored,
    number: u64,
    store_key: u8,
    /// Which write of this module stored it, from 1.
    write: u64,
}

/// The chips of one module.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    /// In the order in which the board stored them.
    pub(crate) kept: Vec<Kept>,
    /// Which of them lies in the store.
    pub(crate) present: usize,
    counter: u64,
    is_counter_torn: bool,
    destroyed: u8,
    is_key_torn: bool,
    has_written: bool,
    /// The last write that was done to its end: nothing older may ever be found again.
    confirmed: u64,
}

/// What the board is asked for.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there are few of them")]
pub(crate) enum Operation {
    Replace(Kept),
    Raise(u64),
    Destroy(u8),
}

impl Disk {
    /// As the factory leaves them.
    pub(crate) fn new(stored: Stored, counter: u64) -> Self {
        let kept = Kept {
            stored,
            number: counter,
            store_key: 0,
            write: 0,
        };
        Self {
            kept: vec![kept],
            present: 0,
            counter,
            is_counter_torn: false,
            destroyed: 0,
            is_key_torn: false,
            has_written: false,
            confirmed: 0,
        }
    }

    fn present(&self) -> &Kept {
        &self.kept[self.present]
    }

    /// What a power-up finds now.
    pub(crate) fn stored(&self) -> Stored {
        self.present().stored.clone()
    }

    /// Whether what is stored next could still be erased beyond recovery.
    pub(crate) fn can_be_erased(&self) -> bool {
        self.present().store_key + 1 < STORE_KEYS
    }

    /// The operations of a deed, with the event that each belongs to.
    pub(crate) fn plan(&self, events: &[Event]) -> Vec<(usize, Operation)> {
        let mut plan = Vec::new();
        let mut last = self.present().clone();
        last.write = self.kept.iter().map(|kept| kept.write).max().unwrap_or(0);
        let mut has_written = self.has_written;
        for (at, event) in events.iter().enumerate() {
            let Event::Write(stored, purpose) = event else {
                continue;
            };
            last.stored = (**stored).clone();
            last.write += 1;
            if *purpose == Purpose::Erases {
                last.store_key = (last.store_key + 1).min(STORE_KEYS - 1);
            }
            for _ in 0..if has_written { 1 } else { 2 } {
                last.number += 1;
                plan.push((at, Operation::Replace(last.clone())));
                plan.push((at, Operation::Raise(last.number)));
            }
            has_written = true;
            if *purpose != Purpose::Keeps {
                plan.push((at, Operation::Destroy(last.store_key)));
            }
        }
        plan
    }

    /// Does what is planned, up to the cut. If it is cut: in which event, and whether that took effect all the same.
    pub(crate) fn run(
        &mut self,
        plan: Vec<(usize, Operation)>,
        cut: Option<Cut>,
    ) -> Option<(usize, bool)> {
        let mut begun = None;
        let mut replaced = None;
        for ((at, operation), number) in plan.into_iter().zip(0..) {
            if begun.is_some_and(|begun| begun != at) {
                self.confirm();
            }
            begun = Some(at);
            let stores = matches!(operation, Operation::Replace(_));
            if cut == Some(Cut::During(number)) {
                self.tear(&operation);
            } else if cut != Some(Cut::Before(number)) {
                self.complete(operation);
                if stores {
                    replaced = Some(at);
                }
                if cut != Some(Cut::After(number)) {
                    continue;
                }
            }
            return Some((at, replaced == Some(at)));
        }
        if begun.is_some() {
            self.confirm();
        }
        None
    }

    /// The module powers up, and does what a write left to do. Returns whether it was cut.
    pub(crate) fn power_up(&mut self, cut: Option<Cut>) -> bool {
        self.has_written = false;
        let present = self.present();
        let operations = [
            Operation::Raise(present.number),
            Operation::Destroy(present.store_key),
        ];
        for (operation, number) in operations.into_iter().zip(0..) {
            if cut == Some(Cut::During(number)) {
                self.tear(&operation);
            } else if cut != Some(Cut::Before(number)) {
                self.complete(operation);
                if cut != Some(Cut::After(number)) {
                    continue;
                }
            }
            return true;
        }
        false
    }

    /// Whether a power-up takes a blob, if torn fuses read as burnt or not. What it takes is never older than the last
    /// write that was done to its end.
    pub(crate) fn takes(&self, kept: usize, reads_burnt: bool) -> Result<bool, String> {
        let Kept {
            number,
            store_key,
            write,
            ..
        } = &self.kept[kept];
        let counter = self.counter + u64::from(self.is_counter_torn && reads_burnt);
        let first = self.destroyed + u8::from(self.is_key_torn && reads_burnt);
        let is_readable = !self.is_key_torn || *store_key != self.destroyed;
        let is_taken = (*number == counter || *number == counter + 1)
            && (*store_key == first || *store_key == first + 1)
            && is_readable;
        if is_taken && *write < self.confirmed {
            return Err(format!(
                "write {write} is taken, although write {} was done",
                self.confirmed
            ));
        }
        Ok(is_taken)
    }

    fn confirm(&mut self) {
        self.has_written = true;
        self.confirmed = self.present().write;
    }

    fn complete(&mut self, operation: Operation) {
        match operation {
            Operation::Replace(kept) => {
                self.present = self.kept.len();
                self.kept.push(kept);
            }
            Operation::Raise(value) => {
                self.is_counter_torn &= value == self.counter;
                self.counter = value;
            }
            Operation::Destroy(number) => {
                self.is_key_torn &= number == self.destroyed;
                self.destroyed = number;
            }
        }
    }

    fn tear(&mut self, operation: &Operation) {
        match operation {
            Operation::Replace(_) => {}
            Operation::Raise(value) => self.is_counter_torn |= *value > self.counter,
            Operation::Destroy(number) => self.is_key_torn |= *number > self.destroyed,
        }
    }
}
