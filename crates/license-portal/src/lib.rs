//! The license portal: mails licenses, activates them, and registers the app (docs/PORTAL.md).
//!
//! | module | contents |
//! |---|---|
//! | [`model`] | licenses, holders, links, mails |
//! | [`store`] | the database: SQLite or PostgreSQL |
//! | [`service`] | what the portal does, for pages, API and command line alike |
//! | [`email`] | email addresses, written in one way |
//! | [`mail`] | the text of mails, the outbox, delivery |
//! | [`hook`] | webhooks: telling other programs |
//! | [`web`] | pages, API, operator API |
//! | [`language`] | every text of pages and mails in English, German and French |
//! | [`keys`], [`pin_hash`] | secrets |
//! | [`cli`] | the command line |

#![forbid(unsafe_code)]

pub mod cli;
pub mod clock;
pub mod email;
mod files;
pub mod hook;
pub mod keys;
pub mod language;
pub mod mail;
pub mod metrics;
pub mod model;
pub mod pin_hash;
mod place;
pub mod portal;
pub mod service;
pub mod store;
mod text;
pub mod web;
