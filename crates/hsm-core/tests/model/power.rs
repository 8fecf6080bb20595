//! Power cuts and power-ups, on the bench and in the model: what the store was asked for, and what it gives back to an
//! attacker who puts blobs of its own choice there.

use crate::{
    deed::Restore,
    device::Event,
    host::Exchange,
    world::{World, same},
};
use hsm_core::leds::Pattern;
use hsm_protocol::Status;
use hsm_testbench::board::Cut;

impl World {
    /// The store's part of what was done: the board was asked for the operations that these events need, and the power was
    /// cut where it should. If it was: in which event, and whether that took effect.
    pub(crate) fn run(
        &mut self,
        index: usize,
        events: &[Event],
        cut: Option<Cut>,
    ) -> Result<Option<(usize, bool)>, String> {
        let (bench, disk) = (&self.benches[index], &mut self.models[index].disk);
        let plan = disk.plan(events);
        let planned = u32::try_from(plan.len()).expect("few");
        let is_cut = disk.run(plan, cut);
        same(
            "whether the power was cut",
            &bench.flash.was_cut(),
            &is_cut.is_some(),
        )?;
        if is_cut.is_none() {
            same("operations of storage", &bench.flash.operations(), &planned)?;
        }
        same(
            "blobs that were stored",
            &bench.flash.kept_blobs().len(),
            &disk.kept.len(),
        )?;
        self.totals.cuts += u64::from(is_cut.is_some());
        let writes = events
            .iter()
            .filter(|event| matches!(event, Event::Write(..)));
        self.totals.writes += writes.count() as u64;
        Ok(is_cut)
    }

    /// Power comes back, to what lies in the store or to what an attacker puts there.
    pub(crate) fn power_up(
        &mut self,
        index: usize,
        restore: Option<Restore>,
        mut cut: Option<Cut>,
    ) -> Result<(), String> {
        if let Some(Restore {
            back,
            mixed,
            reads_burnt,
        }) = restore
        {
            let (bench, disk) = (&mut self.benches[index], &mut self.models[index].disk);
            let blobs = bench.flash.kept_blobs();
            let newest = |back: usize| blobs.len() - 1 - back % blobs.len();
            let mut blob = blobs[newest(back)].clone();
            if let Some((other, at)) = mixed {
                blob[at..].copy_from_slice(&blobs[newest(other)][at..]);
            }
            bench
                .flash
                .set_noise(if reads_burnt { u64::MAX } else { 0 });
            let restored = blobs.iter().position(|known| *known == blob);
            let is_taken = match restored {
                Some(kept) => disk.takes(kept, reads_burnt)?,
                None => false,
            };
            bench.flash.set_blob(blob);
            if let (true, Some(kept)) = (is_taken, restored) {
                self.totals.see(if kept == disk.present {
                    "the present blob restored"
                } else {
                    "another blob restored"
                });
                disk.present = kept;
            } else {
                self.totals.see("a blob refused");
                bench.power_up();
                same("LEDs after a rollback", &bench.leds(), &Pattern::Fault)?;
                bench.flash.set_blob(blobs[disk.present].clone());
                bench.flash.set_noise(0);
                cut = None;
            }
        }
        self.restart(index, cut)
    }

    /// Powers the module up with what lies in the store, which it takes; and once more if the power was cut again.
    fn restart(&mut self, index: usize, cut: Option<Cut>) -> Result<(), String> {
        for cut in [cut, None] {
            let (bench, model) = (&mut self.benches[index], &mut self.models[index]);
            bench.power_up_until(cut);
            let mut is_cut = model.disk.power_up(cut);
            model.power_up(bench.now.0);
            let events = std::mem::take(&mut model.events);
            if is_cut {
                same("power cut at power-up", &bench.flash.was_cut(), &true)?;
            } else {
                // What is left of the erasure that a cut interrupted comes after raising and destroying.
                let later = cut.map(|cut| cut.later(2));
                let plan = model.disk.plan(&events);
                let outcome = model.disk.run(plan, later.flatten());
                same(
                    "power cut at power-up",
                    &bench.flash.was_cut(),
                    &outcome.is_some(),
                )?;
                is_cut = outcome.is_some();
                let is_done = !matches!(outcome, Some((_, false)));
                self.enter(index, if is_done { &events } else { &[] })?;
            }
            let bench = &mut self.benches[index];
            if !is_cut {
                break;
            }
            self.totals.cuts += 1;
            same("LEDs after a power cut", &bench.leds(), &Pattern::Fault)?;
        }
        self.look(index)
    }

    /// The power was cut: the module is out of order until it powers up, and is then what the last whole write made it.
    pub(crate) fn recover(&mut self, index: usize, then: Option<Restore>) -> Result<(), String> {
        let bench = &mut self.benches[index];
        same("LEDs after a power cut", &bench.leds(), &Pattern::Fault)?;
        if self.models[index].exchange == Exchange::Collecting {
            bench.raw(&[0x00, 0xA4, 0x04, 0x00]);
        }
        let answer = bench.raw(&[0x80, 0x30, 0x00, 0x00, 0x00]);
        let expected = Status::MemoryFailure.to_word().to_be_bytes();
        same("STATUS after a power cut", &answer, &expected.to_vec())?;
        self.power_up(index, then, None)
    }
}
