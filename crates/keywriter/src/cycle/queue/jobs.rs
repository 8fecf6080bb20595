//! Which job is the most urgent.
//!
//! A Consent goes first: it starts a secondary's longest work and frees one of the master's run numbers. Then come
//! Offers, which keep secondaries busy, and last Receipts, for which no module waits. But when as many Receipts wait as
//! the master has run numbers, they go before further Offers: the journal must not lose a pending entry.

use super::{CountersignJob, GrantJob, Job, ParcelJob};
use hsm_protocol::limits;
use std::collections::VecDeque;

/// Jobs in the order of their arrival, kind by kind, and the run numbers that are free.
pub(super) struct JobQueue {
    parcels: VecDeque<ParcelJob>,
    grants: VecDeque<GrantJob>,
    countersignatures: VecDeque<CountersignJob>,
    free: Vec<u8>,
}

/// What to do now.
pub(super) enum Next {
    /// Under that run number.
    Grant(u8, GrantJob),
    Parcel(ParcelJob),
    Countersign(CountersignJob),
}

impl Default for JobQueue {
    fn default() -> Self {
        Self {
            parcels: VecDeque::new(),
            grants: VecDeque::new(),
            countersignatures: VecDeque::new(),
            free: (0..=u8::MAX).take(limits::RUNS).collect(),
        }
    }
}

impl JobQueue {
    pub(super) fn add(&mut self, job: Job) {
        match job {
            Job::Parcel(job) => self.parcels.push_back(job),
            Job::Grant(job) => self.grants.push_back(job),
            Job::Countersign(job) => self.countersignatures.push_back(job),
            Job::Free(number) => self.free.push(number),
            Job::Expect(_) => {}
        }
    }

    pub(super) fn next(&mut self) -> Option<Next> {
        if let Some(job) = self.parcels.pop_front() {
            return Some(Next::Parcel(job));
        }
        let is_backlog = self.countersignatures.len() >= limits::RUNS;
        if !is_backlog
            && !self.grants.is_empty()
            && let Some(number) = self.free.pop()
        {
            let job = self.grants.pop_front()?;
            return Some(Next::Grant(number, job));
        }
        self.countersignatures.pop_front().map(Next::Countersign)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::*, *};

    fn grant(queue: &QueueHandle) -> Job {
        Job::Grant(GrantJob {
            offer: Vec::new(),
            permit: None,
            queue: queue.clone(),
            reply: sync_channel(1).0,
        })
    }

    fn parcel(queue: &QueueHandle) -> Job {
        Job::Parcel(ParcelJob {
            run: RunNumber {
                number: 0,
                queue: queue.clone(),
            },
            consent: Vec::new(),
            reply: sync_channel(1).0,
        })
    }

    fn countersign() -> Job {
        Job::Countersign(CountersignJob {
            serial: "A".parse().unwrap(),
            receipt: Vec::new(),
            reply: sync_channel(1).0,
        })
    }

    fn order(queue: &mut JobQueue) -> String {
        std::iter::from_fn(|| queue.next())
            .map(|next| match next {
                Next::Grant(..) => 'G',
                Next::Parcel(_) => 'P',
                Next::Countersign(_) => 'C',
            })
            .collect()
    }

    #[test]
    fn a_consent_goes_before_an_offer_and_an_offer_before_a_receipt() {
        let (handle, _inbox) = channel();
        let mut queue = JobQueue::default();
        for job in [countersign(), grant(&handle), parcel(&handle)] {
            queue.add(job);
        }
        assert_eq!(order(&mut queue), "PGC");
    }

    #[test]
    fn a_backlog_of_receipts_goes_before_offers() {
        let (handle, _inbox) = channel();
        let mut queue = JobQueue::default();
        queue.add(grant(&handle));
        (0..limits::RUNS).for_each(|_| queue.add(countersign()));
        assert_eq!(order(&mut queue), "CGCCCCCCC");
    }

    #[test]
    fn no_offer_is_taken_up_without_a_free_run_number() {
        let (handle, _inbox) = channel();
        let mut queue = JobQueue::default();
        (0..=limits::RUNS).for_each(|_| queue.add(grant(&handle)));
        assert_eq!(order(&mut queue), "G".repeat(limits::RUNS));
        queue.add(Job::Free(3));
        assert_eq!(order(&mut queue), "G");
    }
}
