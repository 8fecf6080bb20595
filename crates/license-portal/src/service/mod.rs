//! What the portal does, for pages, API and command line alike.

mod activation;
mod operation;
mod order;
mod registration;
mod session;
pub mod table;

pub use activation::{LinkPage, TicketPage};
pub use operation::LicenseReport;
pub(crate) use operation::SEATS;
pub use order::{Order, OrderLine, is_order_key};
