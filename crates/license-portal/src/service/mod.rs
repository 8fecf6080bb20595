//! What the portal does, for pages, API and command line alike.

mod activation;
mod operation;
mod registration;
mod session;

pub use activation::{LinkPage, TicketPage};
pub use operation::{IssueOrder, LicenseReport};
