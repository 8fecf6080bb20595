//! The portal's store on both databases, its pages and API, real mail, real browsers, several instances.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test may panic")]

mod api;
mod browser;
mod instances;
mod mail;
mod obstacles;
mod pages;
mod postgres;
mod sample;
mod store;
mod visit;
mod world;
