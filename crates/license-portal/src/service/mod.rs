//! What the portal does, whoever asks: pages, API and command line.

mod activation;
mod operation;
mod registration;

pub use activation::{LinkPage, TicketPage};
pub use operation::{IssueOrder, LicenseReport};
