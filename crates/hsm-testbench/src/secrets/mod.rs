//! The secrets of a run, worked out from what its modules drew and sent, step by step as PROTOCOL § 4 says: for the
//! vector that shows them to whoever builds a module.

pub mod letter;

use crate::vector::{field, fields};
use hsm_core::crypto::{CryptoError, Provider, Rng};
use std::fmt::Write;

/// What the modules drew for the run, and what else goes into its secrets.
pub struct Drawn {
    /// The secondary's ECDH scalar.
    pub secondary_scalar: [u8; 48],
    /// The secondary's ML-KEM seed, *d* ‖ *z*.
    pub secondary_seed: [u8; 64],
    /// The master's ECDH scalar.
    pub master_scalar: [u8; 48],
    /// What the master encapsulated, *m* of FIPS 203 § 6.2.
    pub master_message: [u8; 32],
    /// The secret that the master's chip holds.
    pub module_secret: [u8; 32],
    /// The master's Admin PIN, as bytes.
    pub admin_pin: Vec<u8>,
    /// The master's User PIN, as bytes.
    pub user_pin: Vec<u8>,
}

impl Drawn {
    /// Reads the first lines of a vector.
    pub fn read(text: &str) -> Self {
        let fields = fields(text);
        let bytes = |name: &str| field(&fields, name);
        Self {
            secondary_scalar: array(&bytes("secondary-ecdh-scalar")),
            secondary_seed: array(&bytes("secondary-kem-seed")),
            master_scalar: array(&bytes("master-ecdh-scalar")),
            master_message: array(&bytes("master-kem-message")),
            module_secret: array(&bytes("master-module-secret")),
            admin_pin: bytes("admin-pin"),
            user_pin: bytes("user-pin"),
        }
    }

    /// Returns the text of the vector: what was drawn, then what follows from it.
    pub fn text<P: Provider>(&self, messages: &[Vec<u8>]) -> String {
        let given: [(&str, &[u8]); 7] = [
            ("secondary-ecdh-scalar", &self.secondary_scalar),
            ("secondary-kem-seed", &self.secondary_seed),
            ("master-ecdh-scalar", &self.master_scalar),
            ("master-kem-message", &self.master_message),
            ("master-module-secret", &self.module_secret),
            ("admin-pin", &self.admin_pin),
            ("user-pin", &self.user_pin),
        ];
        let mut text = String::from(
            "expect: the secrets of the run in v1/clone-from-shipment\nsection: 4\n\n",
        );
        let mut line = |name: &str, bytes: &[u8]| {
            writeln!(text, "{name}: {}", hex::encode(bytes)).expect("a string grows");
        };
        for (name, bytes) in given {
            line(name, bytes);
        }
        for (name, bytes) in self.follow::<P>(messages) {
            line(&name, &bytes);
        }
        text
    }

    /// Returns all that follows, in the order in which the modules work it out.
    fn follow<P: Provider>(&self, messages: &[Vec<u8>]) -> Vec<(String, Vec<u8>)> {
        let [offer, grant, consent, parcel, receipt, ..] = messages else {
            panic!("not a whole run");
        };
        let mut steps = Steps::<P>::default();
        let (ecdh, kem) = self.agree::<P>(offer, grant);
        steps.note("ecdh-secret", &ecdh);
        steps.note("kem-secret", &kem);

        // § 4.2, § 4.3: the transcript, and the keys of the run.
        let suite = b"KeyWriter v1 cloning: ECDH-P384 + ML-KEM-1024, ECDSA-P384-SHA384, HKDF-SHA384, AES-256-GCM";
        let open = open_part(grant);
        let mut transcript = P::sha384(&[suite]);
        for (name, part) in [("transcript-offer", &offer[..]), ("transcript-open", open)] {
            transcript = P::sha384(&[&transcript, part]);
            steps.note(name, &transcript);
        }
        let mut prk = [0; 48];
        P::hmac_sha384(&transcript, &[&ecdh, &kem], &mut prk);
        steps.note("prk", &prk);
        let [grant_key, consent_key, parcel_key] = ["grant", "consent", "parcel"].map(|name| {
            let key = expand::<P, 32>(&prk, &format!("KeyWriter v1 {name} key"));
            steps.note(&format!("{name}-key"), &key);
            key
        });

        // § 4.3 to § 4.5: what was sealed.
        steps.open(
            "grant-plaintext",
            &grant_key,
            &transcript,
            &grant[open.len() + 2..],
        );
        transcript = P::sha384(&[&transcript, &grant[open.len()..]]);
        steps.note("transcript-grant", &transcript);
        steps.open(
            "consent-plaintext",
            &consent_key,
            &transcript,
            &consent[5..],
        );
        transcript = P::sha384(&[&transcript, consent]);
        steps.note("transcript-consent", &transcript);
        let plain = steps.open("parcel-plaintext", &parcel_key, &transcript, &parcel[5..]);
        self.csps(&mut steps, &plain, receipt);
        steps.noted
    }

    /// § 4.3: both shared secrets.
    fn agree<P: Provider>(&self, offer: &[u8], grant: &[u8]) -> ([u8; 48], [u8; 32]) {
        Shares {
            scalar: &self.secondary_scalar,
            seed: &self.secondary_seed,
            point: array(&offer[36..133]),
            kem_key: array(&offer[133..1701]),
        }
        .agree::<P>(&self.master_scalar, &self.master_message, &grant[35..])
    }

    /// § 4.5, § 4.6: what the Parcel carries, and what the Receipt commits to.
    fn csps<P: Provider>(&self, steps: &mut Steps<P>, plain: &[u8], receipt: &[u8]) {
        let (salt, cost) = (&plain[8..40], u32::from_be_bytes(array(&plain[40..44])));
        let keyring = &plain[44..44 + 2805];
        let pins: Vec<&[u8]> = plain[44 + 2805..].chunks(33).take(4).collect();
        let settings = &plain[44 + 2805 + 4 * 33..plain.len() - 48];
        steps.note("pin-salt", salt);
        for (name, pin, record) in [
            ("admin-pin-stretched", &self.admin_pin, pins[0]),
            ("user-pin-stretched", &self.user_pin, pins[1]),
        ] {
            let mut stretched = [0; 32];
            P::pbkdf2(pin, salt, cost, &mut stretched).expect("a cost");
            assert!(record[0] == 1 && record[1..] == stretched, "{name}");
            steps.note(name, &stretched);
        }
        let epoch_key = array(&keyring[61..109]);
        steps.note("group", &keyring[..16]);
        steps.note("link-key", &keyring[16..48]);
        steps.note("epoch-key", &epoch_key);
        let check = expand::<P, 8>(&epoch_key, "KeyWriter v1 epoch check value");
        assert!(
            keyring[48..61] == [&[1, 0, 0, 0, 1], &check[..]].concat(),
            "one epoch"
        );
        steps.note("epoch-check-value", &check);

        let commitment_key = expand::<P, 48>(&epoch_key, "KeyWriter v1 receipt commitment");
        steps.note("commitment-key", &commitment_key);
        let pin_item = |at: usize| [&plain[8..44], pins[at]].concat();
        let items = [
            keyring.to_vec(),
            pin_item(0),
            pin_item(1),
            pin_item(2),
            pin_item(3),
            settings[..2].to_vec(),
            settings[2..4].to_vec(),
            settings[4..5].to_vec(),
        ];
        let mut statement = receipt[..STATEMENT_FIXED].to_vec();
        for (tag, item) in (1..).zip(items) {
            let mut commitment = [0; 48];
            P::hmac_sha384(&commitment_key, &[&[tag], &item], &mut commitment);
            steps.note(&format!("commitment-{tag}"), &commitment);
            statement.push(tag);
            statement.extend(commitment);
        }
        let proof_key = expand::<P, 48>(&epoch_key, "KeyWriter v1 receipt proof");
        steps.note("proof-key", &proof_key);
        let mut proof = [0; 48];
        P::hmac_sha384(&proof_key, &[&statement], &mut proof);
        statement.extend(proof);
        let (mut receipt_key, mut token) = ([0; 48], [0; 48]);
        P::hmac_sha384(
            &self.module_secret,
            &[b"KeyWriter v1 receipt key"],
            &mut receipt_key,
        );
        steps.note("receipt-key", &receipt_key[..32]);
        P::hmac_sha384(&receipt_key[..32], &[&statement], &mut token);
        assert!(plain.ends_with(&token), "the token in the Parcel");
        statement.extend(token);
        assert!(
            receipt.starts_with(&statement),
            "the statement that was signed"
        );
    }
}

/// What the one who is sent something drew, and what of it was sent.
struct Shares<'a> {
    scalar: &'a [u8; 48],
    seed: &'a [u8; 64],
    point: [u8; 97],
    kem_key: [u8; 1568],
}

impl Shares<'_> {
    /// Returns the ECDH and the ML-KEM secret, which both sides come to: the master with what it drew, and its share and
    /// ciphertext, with which `sent` begins.
    fn agree<P: Provider>(
        &self,
        master_scalar: &[u8; 48],
        master_message: &[u8; 32],
        sent: &[u8],
    ) -> ([u8; 48], [u8; 32]) {
        let (share, ciphertext) = (array(&sent[..97]), array(&sent[97..97 + 1568]));
        let [secondary, master] = [
            (self.scalar, &self.point, &share),
            (master_scalar, &share, &self.point),
        ]
        .map(|(scalar, own, peer)| {
            let (mut secret, mut shared) = (P::EcdhSecret::default(), [0; 48]);
            let point = P::ecdh_from_scalar(scalar, &mut secret).expect("in range");
            assert!(point == *own, "the point that was sent");
            P::ecdh_agree(&secret, peer, &mut shared).expect("a point");
            shared
        });
        assert_eq!(secondary, master, "both sides of ECDH");
        let (mut secret, mut key, mut kem) = (P::KemSecret::default(), [0; 1568], [0; 32]);
        P::kem_from_seed(self.seed, &mut secret, &mut key).expect("any seed");
        assert!(key == self.kem_key, "the ML-KEM key that was sent");
        P::kem_decapsulate(&secret, &ciphertext, &mut kem).expect("a ciphertext");
        let (mut again, mut sent) = ([0; 32], [0; 1568]);
        let mut rng = Given(master_message.to_vec());
        P::kem_encapsulate(&mut rng, &key, &mut sent, &mut again).expect("a key");
        assert!(sent == ciphertext && again == kem, "both sides of ML-KEM");
        (secondary, kem)
    }
}

/// The size of a statement before its items, in bytes (§ 4.6).
const STATEMENT_FIXED: usize = 3 + 2 + 48 + 8 + 4 + 1 + 2 + 49 + 2 * 64 + 1 + 16 + 12 + 1;

/// What was worked out so far.
struct Steps<P> {
    noted: Vec<(String, Vec<u8>)>,
    primitives: std::marker::PhantomData<P>,
}

impl<P> Default for Steps<P> {
    fn default() -> Self {
        Self {
            noted: Vec::new(),
            primitives: std::marker::PhantomData,
        }
    }
}

impl<P: Provider> Steps<P> {
    fn note(&mut self, name: &str, bytes: &[u8]) {
        self.noted.push((name.to_owned(), bytes.to_vec()));
    }

    fn open(&mut self, name: &str, key: &[u8; 32], aad: &[u8; 48], sealed: &[u8]) -> Vec<u8> {
        let (cipher, tag) = sealed.split_last_chunk().expect("a tag");
        let mut plain = cipher.to_vec();
        P::gcm_open(key, &[0; 12], aad, &mut plain, tag).expect(name);
        self.note(name, &plain);
        plain
    }
}

/// § 4.3: everything before the sealed part.
fn open_part(grant: &[u8]) -> &[u8] {
    let mut end = 1701;
    for _ in 0..grant[1700] {
        end += 2 + usize::from(u16::from_be_bytes(array(&grant[end..end + 2])));
    }
    &grant[..end]
}

fn expand<P: Provider, const N: usize>(key: &[u8; 48], label: &str) -> [u8; N] {
    let mut out = [0; N];
    P::hkdf_expand(key, &[label.as_bytes()], &mut out).expect("short");
    out
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("of that size")
}

/// Gives what it was given.
struct Given(Vec<u8>);

impl Rng for Given {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CryptoError> {
        let given = self.0.get(..out.len()).ok_or(CryptoError)?;
        out.copy_from_slice(given);
        Ok(())
    }
}
