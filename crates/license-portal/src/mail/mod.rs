//! Mails: their texts, the outbox that never forgets one, and the ways out.

pub mod courier;
pub mod letter;
pub mod outbox;
