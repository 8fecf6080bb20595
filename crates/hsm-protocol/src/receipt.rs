//! The receipt that anyone can check with the root alone (PROTOCOL § 4.6): a statement that both modules signed.

pub use crate::statement::{Commitments, Item, Party, Statement};

use crate::{
    Malformed, Signature, Verifier,
    certificate::{CertificateRefusal, Chain, Root},
    limits,
    message::{MessageKind, MessageRefusal},
    reader::Reader,
    signed::{SIGNED_MESSAGE, SignedLabel, signed_message},
    writer::Writer,
};

/// The secondary's half: the statement, its certificates, its signature. It is also the Receipt message.
#[derive(Clone, Copy, Debug)]
pub struct Receipt<'a> {
    /// The statement as it was signed.
    pub statement_bytes: &'a [u8],
    /// The secondary's certificates.
    pub chain: Chain<'a>,
    /// The secondary's signature.
    pub signature: &'a Signature,
}

impl<'a> Receipt<'a> {
    /// The maximum size of a Receipt, in bytes.
    pub const MAX: usize = limits::STATEMENT + limits::CHAIN + 96;

    /// Parses a whole Receipt.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, MessageRefusal> {
        let mut reader = Reader::new(bytes);
        let receipt = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(receipt)
    }

    fn read(reader: &mut Reader<'a>) -> Result<Self, MessageRefusal> {
        Ok(Self {
            statement_bytes: Statement::take(reader)?,
            chain: Chain::read(reader)?,
            signature: reader.array()?,
        })
    }

    /// Appends the wire form.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.bytes(self.statement_bytes)?;
        writer.bytes(self.chain.as_wire())?;
        writer.bytes(self.signature)
    }

    /// Parses the statement.
    pub fn statement(&self) -> Result<Statement, MessageRefusal> {
        Statement::parse(self.statement_bytes)
    }

    /// Returns what the secondary signs.
    pub fn signed<V: Verifier>(statement: &[u8]) -> [u8; SIGNED_MESSAGE] {
        signed_message(SignedLabel::Receipt, &V::sha384(&[statement]))
    }
}

/// The master's half, made only for a proof that the master checked. It is also the Countersignature message.
#[derive(Clone, Copy, Debug)]
pub struct Countersignature<'a> {
    /// The master's certificates.
    pub chain: Chain<'a>,
    /// The master's signature.
    pub signature: &'a Signature,
}

impl<'a> Countersignature<'a> {
    /// The maximum size of a Countersignature, in bytes.
    pub const MAX: usize = MessageKind::SIZE + limits::CHAIN + 96;

    fn read(reader: &mut Reader<'a>) -> Result<Self, MessageRefusal> {
        MessageKind::Countersignature.read(reader)?;
        Ok(Self {
            chain: Chain::read(reader)?,
            signature: reader.array()?,
        })
    }

    /// Appends the wire form.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        MessageKind::Countersignature.write(writer)?;
        writer.bytes(self.chain.as_wire())?;
        writer.bytes(self.signature)
    }

    /// Returns what the master signs.
    pub fn signed<V: Verifier>(statement: &[u8], secondary: &Signature) -> [u8; SIGNED_MESSAGE] {
        signed_message(
            SignedLabel::Countersignature,
            &V::sha384(&[statement, secondary]),
        )
    }
}

/// A Receipt followed by its Countersignature.
#[derive(Clone, Copy, Debug)]
pub struct FinishedReceipt<'a> {
    /// The secondary's half.
    pub receipt: Receipt<'a>,
    /// The master's half.
    pub countersignature: Countersignature<'a>,
}

impl<'a> FinishedReceipt<'a> {
    /// The maximum size of a finished receipt, in bytes.
    pub const MAX: usize = Receipt::MAX + Countersignature::MAX;

    /// Parses a whole finished receipt.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, MessageRefusal> {
        let mut reader = Reader::new(bytes);
        let finished = Self {
            receipt: Receipt::read(&mut reader)?,
            countersignature: Countersignature::read(&mut reader)?,
        };
        reader.finish()?;
        Ok(finished)
    }

    /// Checks both chains and both signatures, that the statement names their holders, and that a run of two modules
    /// can end in it.
    pub fn verify<V: Verifier>(&self, root: &Root<'_>) -> Result<VerifiedReceipt, ReceiptRefusal> {
        let statement = self.receipt.statement()?;
        let secondary = root
            .verify::<V>(&self.receipt.chain)
            .map_err(ReceiptRefusal::Secondary)?;
        let master = root
            .verify::<V>(&self.countersignature.chain)
            .map_err(ReceiptRefusal::Master)?;
        if !statement.secondary.is(&secondary) || !statement.master.is(&master) {
            return Err(ReceiptRefusal::OtherModule);
        }
        let signed = Receipt::signed::<V>(self.receipt.statement_bytes);
        V::verify(secondary.public(), &signed, self.receipt.signature)
            .map_err(|_bad| ReceiptRefusal::SecondarySignature)?;
        let countersigned =
            Countersignature::signed::<V>(self.receipt.statement_bytes, self.receipt.signature);
        V::verify(
            master.public(),
            &countersigned,
            self.countersignature.signature,
        )
        .map_err(|_bad| ReceiptRefusal::MasterSignature)?;
        if !statement.is_possible() || master.is_virtual() != secondary.is_virtual() {
            return Err(ReceiptRefusal::Impossible);
        }
        Ok(VerifiedReceipt {
            statement,
            virtual_modules: master.is_virtual(),
        })
    }
}

/// A statement that both modules signed.
#[derive(Clone, Copy, Debug)]
pub struct VerifiedReceipt {
    statement: Statement,
    virtual_modules: bool,
}

impl VerifiedReceipt {
    /// Returns the statement.
    pub const fn statement(&self) -> &Statement {
        &self.statement
    }

    /// Returns whether they are virtual modules: good for evaluation, not for secrets.
    pub const fn has_virtual_module(&self) -> bool {
        self.virtual_modules
    }
}

/// Why a receipt is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptRefusal {
    /// The bytes are not a receipt.
    Malformed,
    /// A receipt of another protocol version or suite.
    Version,
    /// The secondary's certificates do not lead to the root.
    Secondary(CertificateRefusal),
    /// The master's certificates do not lead to the root.
    Master(CertificateRefusal),
    /// The statement names other modules than the certificates.
    OtherModule,
    /// The secondary did not sign this statement.
    SecondarySignature,
    /// The master did not countersign this receipt.
    MasterSignature,
    /// Both modules signed it, and no run ends in such a statement.
    Impossible,
}

impl From<MessageRefusal> for ReceiptRefusal {
    fn from(refusal: MessageRefusal) -> Self {
        match refusal {
            MessageRefusal::Malformed => Self::Malformed,
            MessageRefusal::Version => Self::Version,
        }
    }
}
