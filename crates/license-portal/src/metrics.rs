//! Counters for `/metrics`, in Prometheus' text format.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::model::Counts;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// What it stands at.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What happened in this instance since it started.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Responses below 400.
    pub answered: Counter,
    /// Responses 400 to 499.
    pub rejected: Counter,
    /// Responses from 500.
    pub failed: Counter,
    /// Licenses made active.
    pub activations: Counter,
    /// Tokens signed for a PIN.
    pub registrations: Counter,
    /// Tokens signed for an older token.
    pub refreshes: Counter,
    /// Wrong PINs, numbers and addresses.
    pub refused: Counter,
    /// Attempts that came too often.
    pub slowed_down: Counter,
    /// Mails handed to the mail server.
    pub mails_delivered: Counter,
    /// Deliveries that failed.
    pub mails_failed: Counter,
}

impl Metrics {
    /// All of it as text, with what the database holds, if it answers.
    pub fn text(&self, counts: Option<Counts>) -> String {
        let mut text = String::new();
        let mut put = |kind: &str, name: &str, help: &str, series: &[(&str, u64)]| {
            // Writing to a string does not fail.
            let _ = writeln!(
                text,
                "# HELP license_portal_{name} {help}\n# TYPE license_portal_{name} {kind}"
            );
            for (labels, value) in series {
                let _ = writeln!(text, "license_portal_{name}{labels} {value}");
            }
        };
        let classes = [
            ("{class=\"answered\"}", self.answered.value()),
            ("{class=\"rejected\"}", self.rejected.value()),
            ("{class=\"failed\"}", self.failed.value()),
        ];
        put(
            "counter",
            "responses_total",
            "Responses by status: below 400, below 500, others.",
            &classes,
        );
        for (name, help, counter) in [
            (
                "activations_total",
                "Licenses made active.",
                &self.activations,
            ),
            (
                "registrations_total",
                "Tokens signed for a PIN.",
                &self.registrations,
            ),
            (
                "refreshes_total",
                "Tokens signed for an older token.",
                &self.refreshes,
            ),
            (
                "refused_total",
                "Wrong PINs, numbers and addresses.",
                &self.refused,
            ),
            (
                "slowed_down_total",
                "Attempts that came too often.",
                &self.slowed_down,
            ),
            (
                "mails_delivered_total",
                "Mails handed to the mail server.",
                &self.mails_delivered,
            ),
            (
                "mails_failed_total",
                "Deliveries that failed.",
                &self.mails_failed,
            ),
        ] {
            put("counter", name, help, &[("", counter.value())]);
        }
        if let Some(counts) = counts {
            let count = |value: i64| u64::try_from(value).unwrap_or_default();
            let states = [
                ("{state=\"issued\"}", count(counts.issued)),
                ("{state=\"verifying\"}", count(counts.verifying)),
                ("{state=\"active\"}", count(counts.active)),
                ("{state=\"revoked\"}", count(counts.revoked)),
            ];
            put("gauge", "licenses", "Licenses by state.", &states);
            put(
                "gauge",
                "mails_waiting",
                "Mails in the outbox.",
                &[("", count(counts.mails_waiting))],
            );
            put(
                "gauge",
                "mails_failing",
                "Mails that failed and wait.",
                &[("", count(counts.mails_failing))],
            );
        }
        put(
            "gauge",
            "database_up",
            "Whether the database answers.",
            &[("", counts.is_some().into())],
        );
        text
    }
}
