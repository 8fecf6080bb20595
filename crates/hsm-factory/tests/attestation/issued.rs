//! Roots, authorities and chains as the factory makes them.

use crate::oracle::{accepted, ours, webpki};
use hsm_factory::{
    Authority, FactoryError, P384Verifier, Profile, RegisterError, RegisterFile, Root,
};
use hsm_protocol::{
    Malformed, Serial,
    certificate::{
        self, CertificateRefusal, Chain, Genuine, Role, encode_request, encode_request_info,
    },
    limits,
};
use hsm_testbench::{
    Forgetful,
    by_hand::{Form, signature},
};
use p384::{
    ecdsa::{self, SigningKey},
    pkcs8::DecodePrivateKey,
};
use x509_cert::der::Decode;

/// What a module sends to be certified.
pub(crate) fn request(serial: &str, key: &SigningKey) -> Vec<u8> {
    request_in(Form::Low, serial, key)
}

fn request_in(form: Form, serial: &str, key: &SigningKey) -> Vec<u8> {
    let public = crate::by_hand::public(key).try_into().unwrap();
    let mut info = [0; limits::CSR];
    let len = encode_request_info(&serial.parse().unwrap(), &public, &mut info).unwrap();
    let signature = signature(key, form, &info[..len]);
    let mut request = [0; limits::CSR];
    let len = encode_request(&info[..len], &signature, &mut request).unwrap();
    request[..len].to_vec()
}

pub(crate) const VIRTUAL: Profile = Profile { is_virtual: true };

fn module_key() -> SigningKey {
    crate::by_hand::key(0x11)
}

fn verify<'a>(root: &Root, chain: &'a [u8]) -> Genuine<'a> {
    let root = certificate::Root::parse(root.certificate_der()).unwrap();
    root.verify::<P384Verifier>(&Chain::parse(chain).unwrap())
        .unwrap()
}

/// The certificates of a chain.
pub(crate) fn split(chain: &[u8]) -> Vec<&[u8]> {
    Chain::parse(chain)
        .unwrap()
        .certificates()
        .map(hsm_protocol::certificate::Certificate::as_der)
        .collect()
}

#[test]
fn a_module_certified_by_the_root_is_genuine() {
    let root = Root::generate("Test root").unwrap();
    for is_virtual in [false, true] {
        let request = request("VM-0001", &module_key());
        let chain = root
            .certify(&request, Profile { is_virtual }, &mut Forgetful)
            .unwrap();
        let genuine = verify(&root, &chain);
        assert_eq!(genuine.serial(), Serial::parse(b"VM-0001").unwrap());
        assert_eq!(genuine.public()[..], crate::by_hand::public(&module_key()));
        assert_eq!(genuine.is_virtual(), is_virtual);
        let certificates = split(&chain);
        assert!(ours(root.certificate_der(), &certificates).is_ok());
        // Who does not know the critical extension must refuse it: a general verifier takes no hardware module.
        let general = webpki(root.certificate_der(), &certificates);
        assert_eq!(general.is_ok(), is_virtual, "{general:?}");
    }
}

#[test]
fn a_module_certified_by_an_authority_is_genuine() {
    let root = Root::generate("Test root").unwrap();
    let authority = root.authorize("Test authority").unwrap();
    let chain = authority
        .certify(&request("VM0002", &module_key()), VIRTUAL, &mut Forgetful)
        .unwrap();
    assert_eq!(split(&chain).len(), 2);
    assert_eq!(verify(&root, &chain).serial().as_str(), "VM0002");
    assert!(accepted(root.certificate_der(), &split(&chain)));
}

#[test]
fn chains_with_the_longest_names_stay_within_the_limits() {
    let longest = "n".repeat(hsm_factory::profile::NAME);
    let root = Root::generate(&longest).unwrap();
    let authority: Authority = root.authorize(&longest).unwrap();
    let request = request("ABCDEFGHIJKLMNOP", &module_key());
    let chain = authority
        .certify(&request, VIRTUAL, &mut Forgetful)
        .unwrap();
    assert!(chain.len() < limits::CHAIN * 3 / 4, "{}", chain.len());
    assert!(request.len() < limits::CSR * 3 / 4, "{}", request.len());
    let too_long = Root::generate(&"n".repeat(hsm_factory::profile::NAME + 1));
    assert!(matches!(too_long, Err(FactoryError::Name)));
    assert!(matches!(Root::generate(""), Err(FactoryError::Name)));
}

#[test]
fn roots_of_one_name_are_told_apart() {
    let [a, b] = ["Same", "Same"].map(|name| Root::generate(name).unwrap());
    let chain = a
        .certify(&request("VM0001", &module_key()), VIRTUAL, &mut Forgetful)
        .unwrap();
    assert_eq!(
        ours(b.certificate_der(), &split(&chain)),
        Err(CertificateRefusal::ForeignRoot)
    );
    let authority = a.authorize("Authority").unwrap();
    let chain = authority
        .certify(&request("VM0001", &module_key()), VIRTUAL, &mut Forgetful)
        .unwrap();
    assert_eq!(
        ours(b.certificate_der(), &split(&chain)),
        Err(CertificateRefusal::ForeignRoot)
    );
}

#[test]
fn a_root_read_back_is_the_same_root() {
    let root = Root::generate("Test, \"root\" = +").unwrap();
    let again = Root::from_pem(&root.to_pem().unwrap()).unwrap();
    assert_eq!(again.certificate_der(), root.certificate_der());
    let chain = again
        .certify(&request("VM0001", &module_key()), VIRTUAL, &mut Forgetful)
        .unwrap();
    verify(&root, &chain);
}

#[test]
fn a_key_and_a_certificate_of_different_roots_are_refused() {
    let [a, b] = ["A", "B"].map(|name| Root::generate(name).unwrap());
    let pem = a.to_pem().unwrap();
    let mixed = pem.replace(&a.certificate_pem().unwrap(), &b.certificate_pem().unwrap());
    assert!(matches!(
        Root::from_pem(&mixed),
        Err(FactoryError::Certificate)
    ));
    assert!(matches!(
        Root::from_pem(&a.certificate_pem().unwrap()),
        Err(FactoryError::Key(_))
    ));
    let alone = pem.replace(&a.certificate_pem().unwrap(), "");
    assert!(matches!(
        Root::from_pem(&alone),
        Err(FactoryError::Certificate)
    ));
    for len in 0..pem.len() - 1 {
        assert!(Root::from_pem(&pem[..len]).is_err(), "{len}");
    }
    SigningKey::from_pkcs8_pem(&alone).unwrap();
}

#[test]
fn a_request_with_any_bit_changed_is_refused() {
    let root = Root::generate("Test root").unwrap();
    let good = request("VM0001", &module_key());
    for at in 0..good.len() {
        for change in [0x01, 0x80] {
            let mut bad = good.clone();
            bad[at] ^= change;
            assert!(matches!(
                root.certify(&bad, VIRTUAL, &mut Forgetful),
                Err(FactoryError::Request(_))
            ));
        }
    }
}

#[test]
fn a_request_whose_signature_has_its_other_form_is_refused() {
    let root = Root::generate("Test root").unwrap();
    let certify = |form| {
        root.certify(
            &request_in(form, "VM0001", &module_key()),
            VIRTUAL,
            &mut Forgetful,
        )
    };
    assert!(certify(Form::Low).is_ok());
    assert!(matches!(
        certify(Form::High),
        Err(FactoryError::Request(CertificateRefusal::NotGenuine))
    ));
}

#[test]
fn every_certificate_is_signed_in_the_permitted_form() {
    // Without a rule, every second one would be of the other form.
    for _ in 0..20 {
        let root = Root::generate("Test root").unwrap();
        let authority = root.authorize("Test authority").unwrap();
        let request = request("VM0001", &module_key());
        verify(
            &root,
            &authority
                .certify(&request, VIRTUAL, &mut Forgetful)
                .unwrap(),
        );
        verify(
            &root,
            &root.certify(&request, VIRTUAL, &mut Forgetful).unwrap(),
        );
        let der = x509_cert::Certificate::from_der(root.certificate_der()).unwrap();
        let bits = der.signature().as_bytes().unwrap();
        let signature = ecdsa::Signature::from_der(bits).unwrap();
        assert_eq!(
            signature.normalize_s(),
            signature,
            "the root's own signature"
        );
    }
}

#[test]
fn an_authority_is_no_module_and_a_module_no_authority() {
    let root = Root::generate("Test root").unwrap();
    let authority = root.authorize("Test authority").unwrap();
    let chain = authority
        .certify(&request("VM0001", &module_key()), VIRTUAL, &mut Forgetful)
        .unwrap();
    let [leaf, above] = split(&chain)[..] else {
        panic!()
    };
    let role = certificate::Certificate::parse(above).unwrap().role();
    assert_eq!(role, Role::Authority { path_len: Some(0) });
    let der = root.certificate_der();
    assert_eq!(ours(der, &[above]), Err(CertificateRefusal::NotGenuine));
    assert_eq!(
        ours(der, &[above, above]),
        Err(CertificateRefusal::NotGenuine)
    );
    assert_eq!(
        ours(der, &[above, leaf]),
        Err(CertificateRefusal::ForeignRoot)
    );
    assert_eq!(ours(der, &[leaf]), Err(CertificateRefusal::ForeignRoot));
    assert_eq!(
        certificate::Root::parse(above).err(),
        Some(Malformed),
        "not self-issued"
    );
    assert_eq!(certificate::Root::parse(leaf).err(), Some(Malformed));
    // A further link below an authority whose path length is zero.
    assert_eq!(ours(above, &[leaf]), Err(CertificateRefusal::Malformed));
}

#[test]
fn a_serial_number_has_one_key_in_a_register() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("certified.txt");
    let root = Root::generate("Test root").unwrap();
    let authority = root.authorize("Test authority").unwrap();
    let certify = |serial, key: u8| {
        let request = request(serial, &crate::by_hand::key(key));
        let mut register = RegisterFile::new(&path);
        let [by_root, by_authority] = [
            root.certify(&request, VIRTUAL, &mut register),
            authority.certify(&request, VIRTUAL, &mut register),
        ]
        .map(|outcome| outcome.map(|_chain| ()));
        assert_eq!(by_root.is_ok(), by_authority.is_ok());
        by_root
    };
    certify("VM0001", 0x11).unwrap();
    certify("VM0002", 0x12).unwrap();
    // The first answer may have been lost on its way to the module.
    certify("VM0001", 0x11).unwrap();
    let Err(FactoryError::Register(RegisterError::Taken { serial, when, .. })) =
        certify("VM0001", 0x12)
    else {
        panic!("a second module of this serial number")
    };
    assert_eq!(serial, "VM0001");
    assert!(when.starts_with('2') && when.ends_with('Z'), "{when}");

    // Power was cut while a line was written: it counts for nothing.
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 2);
    let second = text.find("VM0002").unwrap();
    for end in second..text.len() - 1 {
        std::fs::write(&path, &text[..end]).unwrap();
        certify("VM0002", 0x13).unwrap();
        assert!(certify("VM0001", 0x12).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
    }
    // An editor that ends no last line loses none.
    std::fs::write(&path, text.trim_end()).unwrap();
    assert!(certify("VM0002", 0x13).is_err());
    certify("VM0003", 0x13).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 3);
    // Nor does one that leaves an empty line.
    std::fs::write(&path, format!("\n{text}")).unwrap();
    assert!(certify("VM0002", 0x13).is_err());
    // A line that is damaged may be any module's.
    for damaged in [
        text.replacen(' ', "", 1),
        text.replacen(" 04", " 4", 1),
        format!("#{text}"),
    ] {
        std::fs::write(&path, &damaged).unwrap();
        let Err(FactoryError::Register(refused)) = certify("VM0003", 0x13) else {
            panic!("certified past {damaged}")
        };
        assert!(matches!(refused, RegisterError::Damaged { line: 1, .. }));
        assert!(refused.to_string().starts_with("line 1 of "), "{refused}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), damaged);
    }
    // A register that cannot be written certifies nothing.
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(matches!(
        certify("VM0003", 0x11),
        Err(FactoryError::Register(RegisterError::File(..)))
    ));
}
