//! Who notices that a message was altered: the table of PROTOCOL § 4.8, and which field a byte belongs to.

use Notice::{Master as M, Reader as R, Secondary as S};
use hsm_protocol::{
    Serial, Status, Verifier,
    certificate::{CertificateRefusal, Root},
    cloning::{Cycle, Grant, Permission},
    receipt::{FinishedReceipt, Receipt, ReceiptRefusal},
};
use hsm_testbench::relay::Message;

/// Who notices, and with which words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// The master, with this status word.
    Master(Status),
    /// The secondary, with this status word.
    Secondary(Status),
    /// The reader who checks the finished receipt.
    Reader(ReceiptRefusal),
}

/// One row: an alteration of a field, and every way in which it is noticed.
pub(super) struct Row {
    /// The message that is altered.
    pub(super) message: Message,
    /// Where.
    pub(super) field: &'static str,
    /// All that is ever seen; each of them is.
    pub(super) noticed: &'static [Notice],
}

const fn row(message: Message, field: &'static str, noticed: &'static [Notice]) -> Row {
    Row {
        message,
        field,
        noticed,
    }
}

/// The names and sizes of a well-formed message's fields, in order.
pub(super) fn fields(message: Message, bytes: &[u8]) -> Vec<(&'static str, usize)> {
    let rest = |used: usize| bytes.len() - used;
    match message {
        Message::Offer => vec![
            ("version", 1),
            ("kind", 1),
            ("suite", 1),
            ("condition", 1),
            ("nonce", 32),
            ("ECDH share", 97),
            ("ML-KEM key", 1568),
            ("certificates", rest(1701)),
        ],
        Message::Grant => {
            let grant = Grant::parse(bytes).expect("well formed");
            vec![
                ("version", 1),
                ("kind", 1),
                ("suite", 1),
                ("nonce", 32),
                ("ECDH share", 97),
                ("ML-KEM ciphertext", 1568),
                ("certificates", grant.chain.as_wire().len()),
                ("length", 2),
                ("sealed part", grant.sealed.as_wire().len()),
            ]
        }
        Message::Consent | Message::Parcel => {
            vec![
                ("version", 1),
                ("kind", 1),
                ("suite", 1),
                ("length", 2),
                ("sealed part", rest(5)),
            ]
        }
        Message::Receipt => {
            let receipt = Receipt::parse(bytes).expect("well formed");
            let before_parties = 48 + 8 + Cycle::SIZE + Permission::SIZE;
            let terms = before_parties - 48 - 8;
            let party = Serial::MAX + 48;
            let after = receipt.statement_bytes.len() - 5 - before_parties - 2 * party;
            vec![
                ("version", 1),
                ("kind", 1),
                ("suite", 1),
                ("length", 2),
                ("transcript", 48),
                ("number", 8),
                ("cycle, ticket", terms),
                ("master", party),
                ("secondary", party),
                ("condition", 1),
                ("group, epoch, commitments", after - 1 - 96),
                ("proof, token", 96),
                ("certificates", receipt.chain.as_wire().len()),
                ("signature", 96),
            ]
        }
        Message::Countersignature => vec![
            ("version", 1),
            ("kind", 1),
            ("suite", 1),
            ("certificates", rest(3 + 96)),
            ("signature", 96),
        ],
    }
}

/// The name of the field in which byte `index` lies; past the end it is the length.
pub(super) fn field_at(fields: &[(&'static str, usize)], index: usize) -> &'static str {
    let mut end = 0;
    fields
        .iter()
        .find(|(_, size)| {
            end += size;
            index < end
        })
        .map_or("length", |(name, _)| name)
}

/// Whether a receipt whose second half is `countersignature` holds, and if not, why.
pub(super) fn read<V: Verifier>(
    root: &[u8],
    receipt: &[u8],
    countersignature: &[u8],
) -> Option<Notice> {
    let bytes = [receipt, countersignature].concat();
    let root = Root::parse(root).expect("a root");
    FinishedReceipt::parse(&bytes)
        .map_err(ReceiptRefusal::from)
        .and_then(|finished| finished.verify::<V>(&root))
        .err()
        .map(Notice::Reader)
}

/// The table. What is not in it must not happen; what is in it must be seen.
pub(super) const TABLE: &[Row] = &[
    row(Message::Offer, "version", &[M(Status::VersionRefused)]),
    row(Message::Offer, "kind", &[M(Status::Malformed)]),
    row(Message::Offer, "suite", &[M(Status::VersionRefused)]),
    row(
        Message::Offer,
        "condition",
        &[M(Status::Malformed), S(Status::RunBroken)],
    ),
    row(Message::Offer, "nonce", &[S(Status::RunBroken)]),
    row(Message::Offer, "ECDH share", &[M(Status::RunBroken)]),
    // The master sees only keys that are none (FIPS 203 § 7.2); any other gives a secret that the secondary lacks.
    row(
        Message::Offer,
        "ML-KEM key",
        &[M(Status::RunBroken), S(Status::RunBroken)],
    ),
    row(
        Message::Offer,
        "certificates",
        &[
            M(Status::Malformed),
            M(Status::ForeignRoot),
            M(Status::NotGenuine),
        ],
    ),
    row(Message::Offer, "length", &[M(Status::Malformed)]),
    row(Message::Grant, "version", &[S(Status::VersionRefused)]),
    row(Message::Grant, "kind", &[S(Status::Malformed)]),
    row(Message::Grant, "suite", &[S(Status::VersionRefused)]),
    row(Message::Grant, "nonce", &[S(Status::RunBroken)]),
    row(Message::Grant, "ECDH share", &[S(Status::RunBroken)]),
    row(Message::Grant, "ML-KEM ciphertext", &[S(Status::RunBroken)]),
    row(
        Message::Grant,
        "certificates",
        &[
            S(Status::Malformed),
            S(Status::ForeignRoot),
            S(Status::NotGenuine),
        ],
    ),
    row(Message::Grant, "sealed part", &[S(Status::RunBroken)]),
    row(Message::Grant, "length", &[S(Status::Malformed)]),
    row(Message::Consent, "version", &[M(Status::VersionRefused)]),
    row(Message::Consent, "kind", &[M(Status::Malformed)]),
    row(Message::Consent, "suite", &[M(Status::VersionRefused)]),
    row(Message::Consent, "sealed part", &[M(Status::RunBroken)]),
    row(Message::Consent, "length", &[M(Status::Malformed)]),
    row(Message::Parcel, "version", &[S(Status::VersionRefused)]),
    row(Message::Parcel, "kind", &[S(Status::Malformed)]),
    row(Message::Parcel, "suite", &[S(Status::VersionRefused)]),
    row(Message::Parcel, "sealed part", &[S(Status::RunBroken)]),
    row(Message::Parcel, "length", &[S(Status::Malformed)]),
    row(Message::Receipt, "version", &[M(Status::VersionRefused)]),
    row(Message::Receipt, "kind", &[M(Status::Malformed)]),
    row(Message::Receipt, "suite", &[M(Status::VersionRefused)]),
    // The token covers the statement; the signature is checked only under a statement that the master expected.
    row(Message::Receipt, "transcript", &[M(Status::NotProved)]),
    row(Message::Receipt, "number", &[M(Status::NotProved)]),
    row(
        Message::Receipt,
        "cycle, ticket",
        &[M(Status::Malformed), M(Status::NotProved)],
    ),
    row(
        Message::Receipt,
        "master",
        &[M(Status::Malformed), M(Status::NotProved)],
    ),
    row(
        Message::Receipt,
        "secondary",
        &[M(Status::Malformed), M(Status::NotProved)],
    ),
    row(
        Message::Receipt,
        "condition",
        &[M(Status::Malformed), M(Status::NotProved)],
    ),
    row(
        Message::Receipt,
        "group, epoch, commitments",
        &[M(Status::Malformed), M(Status::NotProved)],
    ),
    row(Message::Receipt, "proof, token", &[M(Status::NotProved)]),
    row(
        Message::Receipt,
        "certificates",
        &[
            M(Status::Malformed),
            M(Status::ForeignRoot),
            M(Status::NotGenuine),
        ],
    ),
    row(Message::Receipt, "signature", &[M(Status::NotGenuine)]),
    row(Message::Receipt, "length", &[M(Status::Malformed)]),
    row(
        Message::Countersignature,
        "version",
        &[R(ReceiptRefusal::Version)],
    ),
    row(
        Message::Countersignature,
        "kind",
        &[R(ReceiptRefusal::Malformed)],
    ),
    row(
        Message::Countersignature,
        "suite",
        &[R(ReceiptRefusal::Version)],
    ),
    row(
        Message::Countersignature,
        "certificates",
        &[
            R(ReceiptRefusal::Malformed),
            R(ReceiptRefusal::Master(CertificateRefusal::ForeignRoot)),
            R(ReceiptRefusal::Master(CertificateRefusal::NotGenuine)),
        ],
    ),
    row(
        Message::Countersignature,
        "signature",
        &[R(ReceiptRefusal::MasterSignature)],
    ),
    row(
        Message::Countersignature,
        "length",
        &[R(ReceiptRefusal::Malformed)],
    ),
];
