//! The statement that both modules of a run sign: what was copied, and from whom to whom (PROTOCOL § 4.6).

use crate::{
    EpochName, Malformed, Serial,
    certificate::Genuine,
    cloning::{Condition, Cycle, Permission},
    limits,
    message::{MessageKind, MessageRefusal},
    reader::Reader,
    verifier::Sha384Digest,
    writer::Writer,
};

/// One of the two modules of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Party {
    /// Its serial number.
    pub serial: Serial,
    /// SHA-384 of its certificate.
    pub certificate: Sha384Digest,
}

impl Party {
    /// Its size on the wire, in bytes.
    const SIZE: usize = Serial::MAX + 48;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            serial: Serial::read(reader)?,
            certificate: *reader.array()?,
        })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        self.serial.write(writer)?;
        writer.bytes(&self.certificate)
    }

    /// Returns whether this is the holder of that certificate.
    pub fn is(&self, module: &Genuine<'_>) -> bool {
        self.serial == module.serial() && &self.certificate == module.hash()
    }
}

/// What was copied. The numbers are the order in a statement and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// Group identity, epochs and data keys.
    Keyring,
    /// The Admin PIN's record.
    AdminPin,
    /// The User PIN's record, set or not.
    UserPin,
    /// The Recovery PIN's record, set or not.
    RecoveryPin,
    /// The Self-Destruct PIN's record, set or not.
    SelfDestructPin,
    /// XTS or ECB.
    EncryptionMode,
    /// How many wrong attempts each PIN allows.
    AttemptLimits,
    /// The unattended auto-lock; by option.
    AutoLock,
    /// The User PIN policy; by option.
    UserPinPolicy,
}

impl Item {
    /// Every item, in order.
    pub const ALL: [Self; limits::RECEIPT_ITEMS] = [
        Self::Keyring,
        Self::AdminPin,
        Self::UserPin,
        Self::RecoveryPin,
        Self::SelfDestructPin,
        Self::EncryptionMode,
        Self::AttemptLimits,
        Self::AutoLock,
        Self::UserPinPolicy,
    ];

    /// Returns the byte on the wire.
    pub const fn to_byte(self) -> u8 {
        match self {
            Self::Keyring => 1,
            Self::AdminPin => 2,
            Self::UserPin => 3,
            Self::RecoveryPin => 4,
            Self::SelfDestructPin => 5,
            Self::EncryptionMode => 6,
            Self::AttemptLimits => 7,
            Self::AutoLock => 8,
            Self::UserPinPolicy => 9,
        }
    }

    /// Parses the byte on the wire.
    pub fn from_byte(byte: u8) -> Result<Self, Malformed> {
        Self::ALL
            .into_iter()
            .find(|item| item.to_byte() == byte)
            .ok_or(Malformed)
    }

    /// Returns its name in tables and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::AdminPin => "admin-pin",
            Self::UserPin => "user-pin",
            Self::RecoveryPin => "recovery-pin",
            Self::SelfDestructPin => "self-destruct-pin",
            Self::EncryptionMode => "encryption-mode",
            Self::AttemptLimits => "attempt-limits",
            Self::AutoLock => "auto-lock",
            Self::UserPinPolicy => "user-pin-policy",
        }
    }
}

/// Items with the commitment to each: HMAC-SHA-384 under a key that only the group's modules derive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Commitments([Option<[u8; 48]>; limits::RECEIPT_ITEMS]);

impl Commitments {
    /// Inserts the commitment to one item.
    pub fn insert(&mut self, item: Item, commitment: [u8; 48]) {
        let place = Item::ALL.iter().position(|known| *known == item);
        if let Some(slot) = place.and_then(|index| self.0.get_mut(index)) {
            *slot = Some(commitment);
        }
    }

    /// Returns the items that were copied, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Item, &[u8; 48])> {
        Item::ALL
            .into_iter()
            .zip(&self.0)
            .filter_map(|(item, commitment)| Some((item, commitment.as_ref()?)))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut commitments = Self::default();
        let mut last = None;
        for _ in 0..reader.u8()? {
            let item = Item::from_byte(reader.u8()?)?;
            // Rising order only: one encoding per set.
            if last.is_some_and(|last| last >= item) {
                return Err(Malformed);
            }
            last = Some(item);
            commitments.insert(item, *reader.array()?);
        }
        Ok(commitments)
    }

    /// The size of the items on the wire without their count, in bytes.
    fn size(&self) -> usize {
        self.iter().count().saturating_mul(1 + 48)
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.u8(u8::try_from(self.iter().count()).map_err(|_overlong| Malformed)?)?;
        for (item, commitment) in self.iter() {
            writer.u8(item.to_byte())?;
            writer.bytes(commitment)?;
        }
        Ok(())
    }
}

/// What happened, as both modules sign it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The run's transcript up to the Consent.
    pub transcript: Sha384Digest,
    /// The Parcel's number on its master.
    pub number: u64,
    /// The cycle and its choices.
    pub cycle: Cycle,
    /// Whom the master was allowed to clone to.
    pub permission: Permission,
    /// Who sent.
    pub master: Party,
    /// Who stored.
    pub secondary: Party,
    /// What the secondary was before.
    pub condition: Condition,
    /// The group's identity.
    pub group: [u8; 16],
    /// The epoch that enciphers.
    pub epoch: EpochName,
    /// What was copied.
    pub commitments: Commitments,
    /// HMAC-SHA-384 over the transcript and what the secondary read back from its store, under a label of the cloned
    /// key.
    pub proof: [u8; 48],
    /// HMAC-SHA-384 over everything before it, under a key of the master's own. It came in the Parcel: by it the master
    /// knows the statement again that it expected, whatever has changed on it since.
    pub token: [u8; 48],
}

impl Statement {
    /// What it begins with, in bytes: version, kind, suite, and the length of its fields.
    const LEAD: usize = MessageKind::SIZE + 2;

    /// The size of its fields without the items, in bytes.
    const FIXED: usize = 48
        + 8
        + Cycle::SIZE
        + Permission::SIZE
        + 2 * Party::SIZE
        + 1
        + 16
        + EpochName::SIZE
        + 1
        + 48
        + 48;

    /// Reads a statement's fields off the front, and the lead before them.
    fn fields<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], MessageRefusal> {
        MessageKind::Receipt.read(reader)?;
        Ok(reader.prefixed(limits::STATEMENT.saturating_sub(Self::LEAD))?)
    }

    /// Reads a statement off the front and returns it whole.
    pub(crate) fn take<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], MessageRefusal> {
        let len = Self::fields(&mut reader.clone())?.len();
        Ok(reader.bytes(len.saturating_add(Self::LEAD))?)
    }

    /// Parses a whole statement.
    pub fn parse(bytes: &[u8]) -> Result<Self, MessageRefusal> {
        let mut whole = Reader::new(bytes);
        let mut reader = Reader::new(Self::fields(&mut whole)?);
        whole.finish()?;
        let statement = Self {
            transcript: *reader.array()?,
            number: reader.u64()?,
            cycle: Cycle::read(&mut reader)?,
            permission: Permission::read(&mut reader)?,
            master: Party::read(&mut reader)?,
            secondary: Party::read(&mut reader)?,
            condition: Condition::from_byte(reader.u8()?)?,
            group: *reader.array()?,
            epoch: EpochName::read(&mut reader)?,
            commitments: Commitments::read(&mut reader)?,
            proof: *reader.array()?,
            token: *reader.array()?,
        };
        reader.finish()?;
        Ok(statement)
    }

    /// Returns whether a run or a letter can end in it: it names two modules, has every item that is always copied, and
    /// of the others only those that its options name. To a member only the keyring is copied.
    pub(crate) fn is_possible(&self) -> bool {
        let options = self.cycle.options;
        let is_member = self.condition == Condition::Member;
        let mut items = Item::ALL.into_iter().zip(&self.commitments.0);
        self.master.serial != self.secondary.serial
            && items.all(|(item, commitment)| match item {
                Item::Keyring => commitment.is_some(),
                _ if is_member => commitment.is_none(),
                Item::AutoLock => commitment.is_none() || options.auto_lock,
                Item::UserPinPolicy => commitment.is_none() || options.user_pin_policy,
                Item::AdminPin
                | Item::UserPin
                | Item::RecoveryPin
                | Item::SelfDestructPin
                | Item::EncryptionMode
                | Item::AttemptLimits => commitment.is_some(),
            })
    }

    /// Appends the wire form.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        self.write_before_token(writer)?;
        writer.bytes(&self.token)
    }

    /// Appends what the token covers: everything before it.
    pub fn write_before_token(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        self.write_before_proof(writer)?;
        writer.bytes(&self.proof)
    }

    /// Appends what the proof covers: everything before it.
    pub fn write_before_proof(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        MessageKind::Receipt.write(writer)?;
        let len = self.commitments.size().saturating_add(Self::FIXED);
        writer.u16(u16::try_from(len).map_err(|_overlong| Malformed)?)?;
        writer.bytes(&self.transcript)?;
        writer.u64(self.number)?;
        self.cycle.write(writer)?;
        self.permission.write(writer)?;
        self.master.write(writer)?;
        self.secondary.write(writer)?;
        writer.u8(self.condition.to_byte())?;
        writer.bytes(&self.group)?;
        self.epoch.write(writer)?;
        self.commitments.write(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement() -> Statement {
        let party = |name: &str| Party {
            serial: name.parse().unwrap(),
            certificate: [3; 48],
        };
        let mut commitments = Commitments::default();
        commitments.insert(Item::AutoLock, [8; 48]);
        commitments.insert(Item::Keyring, [1; 48]);
        Statement {
            transcript: [1; 48],
            number: 7,
            cycle: Cycle {
                number: 2,
                options: crate::cloning::Options::default(),
                secondaries: 9,
            },
            permission: Permission::Unrestricted,
            master: party("A"),
            secondary: party("B"),
            condition: Condition::Shipment,
            group: [4; 16],
            epoch: EpochName {
                number: 1,
                check: [7; 8],
            },
            commitments,
            proof: [5; 48],
            token: [6; 48],
        }
    }

    #[test]
    fn a_statement_has_one_encoding() {
        let mut out = [0; limits::STATEMENT];
        let mut writer = Writer::new(&mut out);
        statement().write(&mut writer).unwrap();
        let mut bytes = writer.written().to_vec();
        assert_eq!(Statement::parse(&bytes), Ok(statement()));
        bytes.push(0);
        assert_eq!(Statement::parse(&bytes), Err(MessageRefusal::Malformed));
        for (at, refusal) in [
            (0, MessageRefusal::Version),
            (1, MessageRefusal::Malformed),
            (2, MessageRefusal::Version),
            (4, MessageRefusal::Malformed),
        ] {
            let mut altered = bytes[..bytes.len() - 1].to_vec();
            altered[at] += 1;
            assert_eq!(Statement::parse(&altered), Err(refusal), "byte {at}");
        }
    }

    #[test]
    fn items_out_of_order_are_refused() {
        let mut out = [0; limits::STATEMENT];
        let mut writer = Writer::new(&mut out);
        writer.u8(2).unwrap();
        for item in [Item::AutoLock, Item::Keyring] {
            writer.u8(item.to_byte()).unwrap();
            writer.bytes(&[0; 48]).unwrap();
        }
        assert_eq!(
            Commitments::read(&mut Reader::new(writer.written())),
            Err(Malformed)
        );
    }

    #[test]
    fn a_statement_has_the_items_of_a_run_of_two_modules() {
        let always = &Item::ALL[..7];
        let of = |items: &[Item], auto_lock, user_pin_policy| {
            let mut statement = statement();
            statement.commitments = Commitments::default();
            for item in items {
                statement.commitments.insert(*item, [9; 48]);
            }
            statement.cycle.options.auto_lock = auto_lock;
            statement.cycle.options.user_pin_policy = user_pin_policy;
            statement
        };
        for auto_lock in [false, true] {
            for policy in [false, true] {
                let with = |item| of(&[always, &[item]].concat(), auto_lock, policy).is_possible();
                // An item that the options name is left out if the master has no such setting.
                assert!(of(always, auto_lock, policy).is_possible());
                assert_eq!(with(Item::AutoLock), auto_lock);
                assert_eq!(with(Item::UserPinPolicy), policy);
            }
        }
        assert!(!of(&[], false, false).is_possible());
        for missing in always {
            let others: std::vec::Vec<_> = always
                .iter()
                .filter(|item| *item != missing)
                .copied()
                .collect();
            assert!(!of(&others, true, true).is_possible(), "{missing:?}");
        }
        let mut same = of(always, false, false);
        same.secondary.serial = same.master.serial;
        assert!(!same.is_possible());
    }

    #[test]
    fn the_longest_statement_fits() {
        let mut full = statement();
        for item in Item::ALL {
            full.commitments.insert(item, [9; 48]);
        }
        assert!(
            full.write(&mut Writer::new(&mut [0; limits::STATEMENT]))
                .is_ok()
        );
    }
}
