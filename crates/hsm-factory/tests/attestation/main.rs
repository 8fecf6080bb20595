//! What the factory issues and what modules accept, held against rustls-webpki, OpenSSL and the vectors.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test may panic")]

mod differential;
mod issued;
mod openssl;
mod oracle;
mod receipts;
mod vectors;

use hsm_testbench::by_hand;
