//! Every maximum, in bytes unless it says otherwise. Lengths are checked against these before anything is stored.

/// A DER certificate.
pub const CERTIFICATE: usize = 1024;

/// Certificates in a chain: the module's own and at most one issuing authority.
pub const CHAIN_CERTIFICATES: usize = 2;

/// An encoded chain: a count, then each certificate with a 16-bit length.
pub const CHAIN: usize = 1 + CHAIN_CERTIFICATES * (2 + CERTIFICATE);

/// A certificate signing request.
pub const CSR: usize = 512;

/// An extended-length command APDU: header, `00`, Lc, data, Le.
pub const COMMAND_APDU: usize = 4 + 3 + 65_535 + 2;

/// A response APDU: data and status word.
pub const RESPONSE_APDU: usize = 65_536 + 2;

/// The body of a frame on a module's socket.
pub const FRAME_BODY: usize = 65_548;

/// The data of a chained command, all links together; the longest cloning message fits.
pub const CHAINED_COMMAND: usize = 8 * 1024;

/// The least room for a response: every message and the status word, before it is split to the length asked for.
pub const RESPONSE_ROOM: usize = CHAINED_COMMAND + 2;

/// The data that one CIPHER command takes.
pub const CIPHER_DATA: usize = 60 * 1024;

/// Files that a module writes at the same time; one more takes the place of the one that was silent longest.
pub const FILES: usize = 8;

/// Keys of fast files in one answer.
pub const FAST_KEYS: usize = 256;

/// Epochs in a keyring.
pub const EPOCHS: usize = 16;

/// Modules that a keyring names as re-keying masters.
pub const REKEYING_MASTERS: usize = 8;

/// Custodians that a team's policy names.
pub const CUSTODIANS: usize = 8;

/// A ticket.
pub const TICKET: usize = 1024;

/// Serial numbers that a ticket names as receivers.
pub const TICKET_SERIALS: usize = 16;

/// Modules of any serial number that a ticket allows to become clones.
pub const TICKET_COUNT: u16 = 250;

/// Tickets whose uses a master keeps; more are taken after the next re-key.
pub const USED_TICKETS: usize = 32;

/// Serial numbers that a group has retired.
pub const RETIRED: usize = 64;

/// Runs that a master keeps in flight at the same time.
pub const RUNS: usize = 8;

/// Entries that a journal keeps: the newest.
pub const JOURNAL_ENTRIES: usize = 64;

/// Serial numbers in a journal's table: all that were cloned to since it was last cleared.
pub const JOURNAL_TABLE: usize = 256;

/// Writes of its store that a host can cause while one Administrator has the module unlocked.
pub const HOST_WRITES: u16 = 1024;

/// Maximum number of secondaries in a cycle that disables its master, which counts their serial numbers.
pub const DISABLING_CYCLE: usize = 64;

/// Items in a receipt.
pub const RECEIPT_ITEMS: usize = 9;

/// A receipt's statement.
pub const STATEMENT: usize = 1024;

/// What one module seals for another in one message.
pub const SEALED: usize = 4096;
