//! Counters for `/metrics`, in the text format that Prometheus reads.

use std::fmt;

use prometheus_client::{
    encoding::text::{encode, encode_registry},
    metrics::{TypedMetric, counter::Counter, family::Family, gauge::Gauge},
    registry::{Metric, Registry},
};

use crate::model::Counts;

/// What happened in this instance since it started.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Responses below 400.
    pub answered: Counter,
    /// Responses from 400 to 499.
    pub rejected: Counter,
    /// Responses from 500.
    pub failed: Counter,
    /// Licenses activated.
    pub activations: Counter,
    /// Tokens signed for a PIN.
    pub registrations: Counter,
    /// Tokens signed for an older token.
    pub refreshes: Counter,
    /// Wrong PINs, license numbers and email addresses.
    pub refused: Counter,
    /// Attempts refused because there were too many.
    pub slowed_down: Counter,
    /// Mails that the mail server accepted.
    pub mails_delivered: Counter,
    /// Failed deliveries.
    pub mails_failed: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let responses = labeled(
            &mut registry,
            "responses",
            "Responses by status: below 400, below 500, others",
        );
        let class = |name| responses.get_or_create_owned(&[("class", name)]);
        let [answered, rejected, failed] = ["answered", "rejected", "failed"].map(class);
        let mut counter = |name, help| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        Self {
            answered,
            rejected,
            failed,
            activations: counter("activations", "Licenses activated"),
            registrations: counter("registrations", "Tokens signed for a PIN"),
            refreshes: counter("refreshes", "Tokens signed for an older token"),
            refused: counter("refused", "Wrong PINs, license numbers and email addresses"),
            slowed_down: counter(
                "slowed_down",
                "Attempts refused because there were too many",
            ),
            mails_delivered: counter("mails_delivered", "Mails that the mail server accepted"),
            mails_failed: counter("mails_failed", "Failed deliveries"),
            registry,
        }
    }
}

impl Metrics {
    /// Returns all of it as text, with the counts of the database if it answers.
    pub fn text(&self, counts: Option<Counts>) -> Result<String, fmt::Error> {
        let mut database = Registry::with_prefix(PREFIX);
        if let Some(counts) = counts {
            let licenses = labeled::<Gauge>(&mut database, "licenses", "Licenses by state");
            for (state, count) in [
                ("issued", counts.issued),
                ("verifying", counts.verifying),
                ("active", counts.active),
                ("revoked", counts.revoked),
            ] {
                licenses.get_or_create(&[("state", state)]).set(count);
            }
            gauge(
                &mut database,
                "mails_waiting",
                "Mails that wait for delivery",
                counts.mails_waiting,
            );
            gauge(
                &mut database,
                "mails_failing",
                "Waiting mails that failed before",
                counts.mails_failing,
            );
            gauge(
                &mut database,
                "mails_undeliverable",
                "Mails that cannot be delivered, and were not replaced by others",
                counts.mails_undeliverable,
            );
        }
        gauge(
            &mut database,
            "database_up",
            "Whether the database answers",
            counts.is_some().into(),
        );
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        encode(&mut text, &database)?;
        Ok(text)
    }
}

/// Registers metrics that differ in one label.
fn labeled<M: Metric + TypedMetric + Default>(
    registry: &mut Registry,
    name: &str,
    help: &str,
) -> Family<[(&'static str, &'static str); 1], M> {
    let family = Family::default();
    registry.register(name, help, family.clone());
    family
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: i64) {
    let gauge = Gauge::<i64>::default();
    gauge.set(value);
    registry.register(name, help, gauge);
}

/// What the name of every metric begins with.
const PREFIX: &str = "license_portal";
