//! Where secondaries are shown: each stays in its place while others come and go.

use keywriter::Serial;
use std::collections::BTreeSet;

/// The number of places that are always shown.
pub const PLACES: usize = 9;

/// The secondary in each place.
#[derive(Debug, Default)]
pub(super) struct Places(Vec<Option<Serial>>);

impl Places {
    /// Gives each of these a place, keeps those that have one, and frees the places of all others.
    pub(super) fn seat(&mut self, mut serials: BTreeSet<Serial>) {
        for place in &mut self.0 {
            place.take_if(|serial| !serials.remove(serial));
        }
        let mut new = serials.into_iter();
        for place in self.0.iter_mut().filter(|place| place.is_none()) {
            *place = new.next();
        }
        self.0.extend(new.map(Some));
        while self.0.last() == Some(&None) {
            self.0.pop();
        }
    }

    /// Moves those to the front that would be out of sight among many.
    pub(super) fn show_first(&mut self, is_first: impl Fn(Serial) -> bool) {
        self.0.sort_by_key(|place| !place.is_some_and(&is_first));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Option<Serial>> {
        self.0.iter().copied()
    }
}
