//! Mails: their texts, the outbox, and delivery.

pub mod courier;
pub mod letter;
pub mod outbox;
mod picture;
