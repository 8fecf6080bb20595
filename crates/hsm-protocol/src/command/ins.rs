//! Instructions.

/// SELECT (ISO 7816-4 § 11.1.1).
pub const SELECT: u8 = 0xA4;
/// GET RESPONSE (ISO 7816-4 § 11.7.1).
pub const GET_RESPONSE: u8 = 0xC0;
/// The module's identity, signed with the host's challenge.
pub const IDENTITY: u8 = 0x10;
/// Certificates: P1 = 0 the module's own chain, 1 the root it trusts.
pub const CERTIFICATE: u8 = 0x12;
/// The last Receipt that this module made as a secondary.
pub const LAST_RECEIPT: u8 = 0x14;
/// What stopped the module, and which self-tests it passed; P1 = 1 runs them all first.
pub const SELF_TEST: u8 = 0x16;
/// The module's letterbox; a module without one makes it.
pub const LETTERBOX: u8 = 0x18;
/// Makes the module's key.
pub const GENERATE_KEY: u8 = 0x20;
/// The certificate signing request.
pub const READ_CSR: u8 = 0x22;
/// Installs root and certificate, once.
pub const INSTALL: u8 = 0x24;
/// Role, group, epoch and settings.
pub const STATUS: u8 = 0x30;
/// Enciphers (P1 = 0) or deciphers (P1 = 1) data units.
pub const CIPHER: u8 = 0x32;
/// Begins a shared file: the module draws its salt and makes its header. P1 = 1: files that the host ciphers, with their
/// keys.
pub const FILE_BEGIN: u8 = 0x34;
/// Seals the next chunk of a file.
pub const FILE_SEAL: u8 = 0x36;
/// Opens a chunk of any file of the group.
pub const FILE_OPEN: u8 = 0x38;
/// The team's recipient: P1 = 0 the classical one, 1 the post-quantum one.
pub const FILE_RECIPIENT: u8 = 0x3A;
/// Opens a file key that was sealed to the team's recipient; P1 as for FILE RECIPIENT.
pub const FILE_UNWRAP: u8 = 0x3C;
/// Tells whose file it is: group and epoch. P1 = 1: releases the keys of files that the host ciphers.
pub const FILE_IDENTIFY: u8 = 0x3E;
/// Begins a cycle.
pub const CYCLE_BEGIN: u8 = 0x40;
/// Ends a cycle.
pub const CYCLE_END: u8 = 0x42;
/// A page of the journal (P1).
pub const JOURNAL: u8 = 0x44;
/// Clears the table of the journal.
pub const CLEAR_TABLE: u8 = 0x46;
/// Makes the next epoch of the group, and retires modules; P1 = 1 if the oldest epoch may be dropped for it.
pub const REKEY: u8 = 0x48;
/// Gives the group a policy: quorum and custodians.
pub const POLICY: u8 = 0x4A;
/// Custodian: approves a ticket, once a person typed its code.
pub const TICKET_APPROVE: u8 = 0x4C;
/// Master: ends a ticket before it is used up.
pub const TICKET_WITHDRAW: u8 = 0x4E;
/// Secondary: makes an Offer.
pub const OFFER: u8 = 0x50;
/// Secondary: takes a Grant, answers with the Consent.
pub const CONSENT: u8 = 0x52;
/// Secondary: takes the Parcel, commits, answers with the Receipt.
pub const COMMIT: u8 = 0x54;
/// Takes a letter that makes the module a clone, answers with the Receipt.
pub const LETTER_JOIN: u8 = 0x56;
/// Master: takes an Offer into run P1, answers with the Grant.
pub const GRANT: u8 = 0x60;
/// Master: takes the Consent of run P1, answers with the Parcel.
pub const PARCEL: u8 = 0x62;
/// Master: takes a Receipt, answers with the Countersignature.
pub const COUNTERSIGN: u8 = 0x64;
/// Master: takes a letterbox, answers with a letter: P1 = 0 to make a clone, 1 with the group's epochs.
pub const LETTER_WRITE: u8 = 0x66;
/// Takes a letter with the group's epochs, answers with the Receipt.
pub const LETTER_EPOCHS: u8 = 0x70;

/// Takes a ticket with one custodian's approval, for what follows in this session.
pub const TICKET_PRESENT: u8 = 0x72;
/// Who may do what in the group, and the tickets that the module used; signed with the host's challenge.
pub const TEAM: u8 = 0x74;

/// Every instruction of this application's class.
pub const ALL: [u8; 35] = [
    IDENTITY,
    CERTIFICATE,
    LAST_RECEIPT,
    SELF_TEST,
    LETTERBOX,
    GENERATE_KEY,
    READ_CSR,
    INSTALL,
    STATUS,
    CIPHER,
    FILE_BEGIN,
    FILE_SEAL,
    FILE_OPEN,
    FILE_RECIPIENT,
    FILE_UNWRAP,
    FILE_IDENTIFY,
    CYCLE_BEGIN,
    CYCLE_END,
    JOURNAL,
    CLEAR_TABLE,
    REKEY,
    POLICY,
    TICKET_APPROVE,
    TICKET_WITHDRAW,
    OFFER,
    CONSENT,
    COMMIT,
    LETTER_JOIN,
    GRANT,
    PARCEL,
    COUNTERSIGN,
    LETTER_WRITE,
    LETTER_EPOCHS,
    TICKET_PRESENT,
    TEAM,
];
