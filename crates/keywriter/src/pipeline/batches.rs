//! The loop that carries a stream through this computer's processors: batches are read in order, worked on by all
//! processors at once, and written in order. The batches are used again and again, so that memory does not grow.

use super::input::{Interrupt, InterruptibleReader, Source};
use std::{
    collections::BTreeMap,
    io::Read,
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

/// What is done with each batch.
pub(crate) struct Steps<N, R, D, W> {
    /// Makes an empty batch.
    pub(crate) new: N,
    /// Fills a batch; `false` if it is the last one. Errors are part of the batch.
    pub(crate) read: R,
    /// Works on a batch.
    pub(crate) work: D,
    /// Writes a batch.
    pub(crate) write: W,
}

/// Carries `input` through the steps; the first error of writing ends it. What fits into one batch needs no threads.
pub(crate) fn in_batches<B: Send, E>(
    input: &mut dyn Source,
    steps: Steps<
        impl Fn() -> B,
        impl FnMut(&mut dyn Read, &mut B) -> bool + Send,
        impl Fn(&mut B) + Sync,
        impl FnMut(&mut B) -> Result<(), E>,
    >,
) -> Result<(), E> {
    let Steps {
        new,
        mut read,
        work,
        mut write,
    } = steps;
    let interrupt = Interrupt::new();
    let mut input = InterruptibleReader::new(input, None, &interrupt);
    let mut first = new();
    let goes_on = read(&mut input, &mut first);
    work(&mut first);
    write(&mut first)?;
    if !goes_on {
        return Ok(());
    }
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let (done, finished) = sync_channel(workers);
    // One for each worker, and some that wait for their turn.
    let (give, free) = sync_channel(2 * workers + 1);
    let made = (0..2 * workers).map(|_| new()).chain([first]);
    let filled = made.into_iter().try_for_each(|batch| give.send(batch));
    debug_assert!(filled.is_ok(), "there is room for all");
    let reading = Mutex::new(Reading {
        input,
        read,
        next: 0,
        goes_on,
    });
    let free = Mutex::new(free);
    thread::scope(|scope| {
        for _ in 0..workers {
            let done = done.clone();
            let (free, reading, work) = (&free, &reading, &work);
            scope.spawn(move || work_on(free, reading, work, &done));
        }
        drop(done);
        let outcome = in_order(&finished, |mut batch| {
            write(&mut batch)?;
            // The workers may have ended.
            drop(give.send(batch));
            Ok(())
        });
        drop((finished, give));
        interrupt.raise();
        outcome
    })
}

/// The input, and the number of the next batch.
struct Reading<'a, R> {
    input: InterruptibleReader<'a>,
    read: R,
    next: u64,
    goes_on: bool,
}

/// Reads and works, until the input ends or nobody takes what was done.
fn work_on<B>(
    free: &Mutex<Receiver<B>>,
    reading: &Mutex<Reading<'_, impl FnMut(&mut dyn Read, &mut B) -> bool>>,
    work: &impl Fn(&mut B),
    done: &SyncSender<(u64, B)>,
) {
    let next = || {
        // First a batch, then its place: whoever has the lowest place never waits for a batch.
        let mut batch = lock(free).recv().ok()?;
        let mut reading = lock(reading);
        if !reading.goes_on {
            return None;
        }
        let Reading { input, read, .. } = &mut *reading;
        reading.goes_on = read(input, &mut batch);
        reading.next += 1;
        Some((reading.next, batch))
    };
    while let Some((place, mut batch)) = next() {
        work(&mut batch);
        if done.send((place, batch)).is_err() {
            return;
        }
    }
}

/// Takes what was done in the order of its places, which begin at 1.
fn in_order<B, E>(
    finished: &Receiver<(u64, B)>,
    mut take: impl FnMut(B) -> Result<(), E>,
) -> Result<(), E> {
    let (mut early, mut next) = (BTreeMap::new(), 1);
    for (place, batch) in finished {
        early.insert(place, batch);
        while let Some(batch) = early.remove(&next) {
            take(batch)?;
            next += 1;
        }
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A worker that panicked ends the scope with its panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::InputFile;
    use std::{sync::mpsc, time::Duration};

    /// Batches of 10 bytes, each made its complement.
    fn complement(
        input: &mut dyn Source,
        write: impl FnMut(&mut Vec<u8>) -> Result<(), &'static str>,
    ) -> Result<(), &'static str> {
        in_batches(
            input,
            Steps {
                new: Vec::new,
                read: |input: &mut dyn Read, batch: &mut Vec<u8>| {
                    batch.clear();
                    input.take(10).read_to_end(batch).unwrap_or(0) == 10
                },
                work: |batch: &mut Vec<u8>| {
                    // The later ones are done earlier.
                    let first = batch.first().copied().unwrap_or(0);
                    thread::sleep(Duration::from_micros(u64::from(255 - first)));
                    for byte in batch {
                        *byte = !*byte;
                    }
                },
                write,
            },
        )
    }

    #[test]
    fn batches_come_out_in_their_order() {
        for len in [0, 1, 9, 10, 11, 20, 1999, 2000] {
            let plain: Vec<u8> = (0..=250).cycle().take(len).collect();
            let mut out = Vec::new();
            let outcome = complement(&mut plain.as_slice(), |batch| {
                out.extend_from_slice(batch);
                Ok(())
            });
            let expected: Vec<u8> = plain.iter().map(|byte| !byte).collect();
            assert_eq!((outcome, out), (Ok(()), expected), "{len}");
        }
    }

    #[test]
    fn an_error_of_writing_ends_it_even_while_the_input_is_silent() {
        let (mut input, ours) = InputFile::pipe(&[1; 35]);
        let (tell, told) = mpsc::channel();
        let waiting = thread::spawn(move || {
            let mut left = 2;
            let outcome = complement(&mut input, |_| {
                left -= 1;
                if left == 0 { Err("full") } else { Ok(()) }
            });
            tell.send(outcome).unwrap();
        });
        assert_eq!(told.recv_timeout(Duration::from_secs(20)), Ok(Err("full")));
        waiting.join().unwrap();
        drop(ours);
    }
}
