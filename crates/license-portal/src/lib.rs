//! The license portal: issues licenses by mail, activates them, and registers the app (docs/PORTAL.md).
//!
//! | module | what it holds |
//! |---|---|
//! | [`model`] | licenses, holders, links, mails |
//! | [`store`] | the database: one trait, SQLite and PostgreSQL |
//! | [`service`] | what the portal does, whoever asks |
//! | [`mail`] | letters, the outbox, the ways out |
//! | [`web`] | pages, API, operator API |
//! | [`language`] | every text in English, German and French |
//! | [`keys`], [`pin_hash`] | secrets |
//! | [`cli`] | the program |

#![forbid(unsafe_code)]

pub mod cli;
pub mod clock;
pub mod keys;
pub mod language;
pub mod mail;
pub mod metrics;
pub mod model;
pub mod pin_hash;
pub mod portal;
pub mod service;
pub mod store;
pub mod web;
