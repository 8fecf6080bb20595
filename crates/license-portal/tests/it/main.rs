//! The portal's store on both databases, its pages and API, real mail, real browsers, several instances.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test may panic")]

mod accessibility;
mod activation;
mod admin;
mod api;
mod attacks;
mod behind;
mod browser;
mod configuration;
mod desk;
mod desk_store;
mod download;
mod driver;
mod hooks;
mod https;
mod installations;
mod instances;
mod keys;
mod letters;
mod load;
mod mail;
mod migration;
mod monitoring;
mod obstacles;
mod operators;
mod orders;
mod outbox;
mod pages;
mod postgres;
mod proxy;
mod sample;
mod store;
mod tables;
mod throttle;
mod ticket;
mod typed;
mod unit;
mod vendor;
mod visit;
mod world;
