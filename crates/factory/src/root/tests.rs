use super::*;
use crate::{
    certify,
    key::{pin::Source, place::Place},
};
use hsm_testbench::not_tested;
use std::{env, fs, path::PathBuf, process::Command};

/// A folder of a factory, and one who opens its key.
struct Lab {
    scratch: tempfile::TempDir,
    keeper: Keeper,
    opener: Opener,
}

impl Lab {
    fn folder(&self) -> Folder {
        Folder::new(self.scratch.path().join("factory"))
    }

    fn make(&self, folder: &Folder) -> Result<()> {
        make(folder, "Test", &self.keeper)
    }

    fn open(&self) -> Result<Root<Box<dyn RootKey>>> {
        open(&self.folder(), &self.opener)
    }

    fn forget(&self) {
        fs::remove_dir_all(self.scratch.path().join("factory")).unwrap();
    }
}

/// Keys are sealed by `age`. Returns nothing where that is not installed.
fn age() -> Option<Lab> {
    let scratch = tempfile::tempdir().unwrap();
    let identity = scratch.path().join("identity");
    let Ok(made) = Command::new("age-keygen").arg("-o").arg(&identity).output() else {
        not_tested("the factory's root: Debian's package age is missing");
        return None;
    };
    assert!(made.status.success());
    let text = fs::read_to_string(&identity).unwrap();
    let recipient = text
        .lines()
        .find_map(|line| line.strip_prefix("# public key: "));
    Some(Lab {
        scratch,
        keeper: Keeper::Age(vec![recipient.unwrap().to_owned()]),
        opener: Opener {
            identities: vec![identity],
            pin: Source::default(),
        },
    })
}

/// Runs a test of this program once more, with tokens of `SoftHSM` in a folder of their own: its environment names it, which
/// a process must not change of itself.
fn with_softhsm(test: &str, mechanisms: &str) {
    let scratch = tempfile::tempdir().unwrap();
    let settings = scratch.path().join("softhsm2.conf");
    let tokens = scratch.path().join("tokens");
    fs::create_dir(&tokens).unwrap();
    let content = format!(
        "directories.tokendir = {}\nobjectstore.backend = file\nslots.mechanisms = {mechanisms}\n",
        tokens.to_str().unwrap()
    );
    fs::write(&settings, content).unwrap();
    if !PathBuf::from(SOFTHSM).exists() {
        not_tested("keys in a token: Debian's package softhsm2 is missing");
        return;
    }
    for label in ["Ours", "Other"] {
        let words = "--init-token --free --so-pin 12345678 --pin 87654321 --label";
        let mut make = Command::new("softhsm2-util");
        make.args(words.split(' '))
            .arg(label)
            .env("SOFTHSM2_CONF", &settings);
        assert!(make.output().unwrap().status.success());
    }
    let mut again = Command::new(env::current_exe().unwrap());
    let path = format!("root::tests::{test}");
    let output = again
        .args(["--ignored", "--exact", &path])
        .env("SOFTHSM2_CONF", &settings)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

/// The lab of a test that [`with_softhsm`] runs.
fn softhsm() -> Lab {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("pin");
    fs::write(&file, "87654321\n").unwrap();
    let pin = pin(file);
    let place = Place {
        module: SOFTHSM.into(),
        label: "Ours".to_owned(),
    };
    Lab {
        scratch,
        keeper: Keeper::Token(place, pin.clone()),
        opener: Opener {
            identities: Vec::new(),
            pin,
        },
    }
}

fn pin(file: PathBuf) -> Source {
    Source {
        pin_file: Some(file),
        ..Source::default()
    }
}

const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// Cuts the power before each write: there is a root or none, and the next start makes one.
fn cut_everywhere(lab: &Lab, all: u32) {
    for writes in 0.. {
        let folder = lab.folder();
        folder.writes_left.set(writes);
        let made = lab.make(&folder);
        let folder = lab.folder();
        if made.is_ok() {
            assert_eq!(writes, all);
            lab.open().unwrap();
            return;
        }
        assert!(folder.key(ROOT).is_none(), "{writes}");
        let none = trusted(&folder).unwrap_err();
        assert!(none.to_string().contains("there is no root"), "{none}");
        lab.make(&folder).unwrap();
        lab.open().unwrap();
        lab.forget();
    }
}

#[test]
fn a_power_cut_at_any_write_leaves_a_root_or_none() {
    let Some(lab) = age() else { return };
    cut_everywhere(&lab, 2);
}

#[test]
fn a_root_in_memory_certifies() {
    let Some(lab) = age() else { return };
    let folder = lab.folder();
    lab.make(&folder).unwrap();
    certify::tests::try_it(&lab.open().unwrap(), &folder.register());
    let unnamed = Opener {
        identities: Vec::new(),
        pin: Source::default(),
    };
    let closed = open(&folder, &unnamed).err().unwrap();
    assert!(closed.to_string().contains("-i FILE"), "{closed}");
}

#[test]
fn a_second_root_is_never_made_over_a_first_one() {
    let Some(lab) = age() else { return };
    let folder = lab.folder();
    lab.make(&folder).unwrap();
    let certificate = fs::read(folder.public(ROOT)).unwrap();
    let again = lab.make(&folder).unwrap_err();
    assert!(again.to_string().contains("there is a root already"));

    // The key is elsewhere, and something was certified with it.
    let away = lab.scratch.path().join("away");
    fs::rename(folder.sealed(ROOT), &away).unwrap();
    fs::write(folder.register(), "KW-1 2026-01-01T00:00:00Z 04\n").unwrap();
    let again = lab.make(&folder).unwrap_err();
    assert!(again.to_string().contains("has entries"), "{again}");
    assert_eq!(fs::read(folder.public(ROOT)).unwrap(), certificate);
    trusted(&folder).unwrap();
    fs::rename(&away, folder.sealed(ROOT)).unwrap();
    lab.open().unwrap();
}

#[test]
fn a_lost_certificate_comes_back_from_the_sealed_file() {
    let Some(lab) = age() else { return };
    let folder = lab.folder();
    lab.make(&folder).unwrap();
    let certificate = fs::read(folder.public(ROOT)).unwrap();
    fs::remove_file(folder.public(ROOT)).unwrap();
    lab.open().unwrap();
    assert_eq!(fs::read(folder.public(ROOT)).unwrap(), certificate);
}

#[test]
fn two_at_once_make_one_root() {
    let Some(lab) = age() else { return };
    let lab = &lab;
    let made = std::thread::scope(|scope| {
        let all: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| lab.make(&lab.folder()).is_ok()))
            .collect();
        all.into_iter()
            .map(|one| one.join().unwrap())
            .collect::<Vec<_>>()
    });
    assert_eq!(made.iter().filter(|made| **made).count(), 1);
    lab.open().unwrap();
}

#[test]
fn keys_are_made_in_a_token_and_stay_there() {
    with_softhsm("in_a_token", "ALL");
}

/// As one test: tokens count wrong PINs.
#[test]
#[ignore = "its environment names the tokens: `keys_are_made_in_a_token_and_stay_there` runs it"]
fn in_a_token() {
    let lab = softhsm();
    let folder = lab.folder();
    let Keeper::Token(ours, _) = &lab.keeper else {
        unreachable!()
    };
    let fails = |place: &Place, pin: &Source| {
        let keeper = Keeper::Token(place.clone(), pin.clone());
        let error = make(&folder, "Test", &keeper).unwrap_err();
        assert!(folder.key(ROOT).is_none());
        format!("{error:#}")
    };
    let module = Place {
        module: "/none.so".into(),
        ..ours.clone()
    };
    let error = fails(&module, &lab.opener.pin);
    assert!(
        error.contains("/none.so") && error.contains("driver"),
        "{error}"
    );
    let label = Place {
        label: "Nobody's".to_owned(),
        ..ours.clone()
    };
    let error = fails(&label, &lab.opener.pin);
    assert!(
        error.contains("no token has the label Nobody's: there is O"),
        "{error}"
    );
    let wrong = lab.scratch.path().join("wrong");
    fs::write(&wrong, "11111111").unwrap();
    let error = fails(ours, &pin(wrong.clone()));
    assert!(error.contains("wrong PIN for the token Ours"), "{error}");

    cut_everywhere(&lab, 4);
    certify::tests::try_it(&lab.open().unwrap(), &folder.register());
    for file in fs::read_dir(lab.scratch.path().join("factory")).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(11).any(|part| part == b"PRIVATE KEY"));
    }

    // Another token with that label, a key that is gone, another root's certificate.
    let file = folder.token(ROOT);
    let text = fs::read_to_string(&file).unwrap();
    let swapped = |from: &str, to: &str| {
        fs::write(&file, text.replace(from, to)).unwrap();
        let error = format!("{:#}", lab.open().err().unwrap());
        fs::write(&file, &text).unwrap();
        error
    };
    let entry = Entry::read(&file).unwrap().unwrap();
    let error = swapped(&entry.serial, "0000");
    assert!(error.contains("its serial number differs"), "{error}");
    let error = swapped(&entry.id, "00ff");
    assert!(error.contains("has no key 00ff"), "{error}");
    let error = swapped("\"id\"", "\"ID\"");
    assert!(error.contains("root.token is damaged"), "{error}");
    let foreign = Root::generate("Foreign").unwrap();
    let public = folder.public(ROOT);
    let ours = fs::read(&public).unwrap();
    fs::write(&public, foreign.certificate_pem().unwrap()).unwrap();
    let error = format!("{:#}", lab.open().err().unwrap());
    assert!(error.contains("not the one of its private key"), "{error}");
    fs::write(&public, ours).unwrap();
    lab.open().unwrap();
}

#[test]
fn a_start_that_was_cut_goes_on_in_the_same_token() {
    with_softhsm("in_the_same_token", "ALL");
}

#[test]
#[ignore = "its environment names the tokens: `a_start_that_was_cut_goes_on_in_the_same_token` runs it"]
fn in_the_same_token() {
    let lab = softhsm();
    let folder = lab.folder();
    // The key is there, the certificate is not.
    folder.writes_left.set(2);
    lab.make(&folder).unwrap_err();
    let folder = lab.folder();
    let entry = Entry::read(&folder.begun(ROOT)).unwrap().unwrap();
    let Keeper::Token(ours, pin) = &lab.keeper else {
        unreachable!()
    };
    let other = Place {
        label: "Other".to_owned(),
        ..ours.clone()
    };
    let error = make(&folder, "Test", &Keeper::Token(other, pin.clone())).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("in the token Ours: name that one"),
        "{error}"
    );
    lab.make(&folder).unwrap();
    let made = Entry::read(&folder.token(ROOT)).unwrap().unwrap();
    assert_eq!(made.id, entry.id);
    // One key was made, not two.
    let token = Token::open(ours, pin).unwrap();
    assert_eq!(token.keys().unwrap(), 1);
}

#[test]
fn a_key_that_can_be_taken_out_is_not_used() {
    with_softhsm("taken_out", "ALL");
}

#[test]
#[ignore = "its environment names the tokens: `a_key_that_can_be_taken_out_is_not_used` runs it"]
fn taken_out() {
    let lab = softhsm();
    let folder = lab.folder();
    lab.make(&folder).unwrap();
    let entry = Entry::read(&folder.token(ROOT)).unwrap().unwrap();
    let weak = Token::of(&entry, &lab.opener.pin)
        .unwrap()
        .make_weak()
        .unwrap();
    let text = fs::read_to_string(folder.token(ROOT)).unwrap();
    fs::write(folder.token(ROOT), text.replace(&entry.id, &weak)).unwrap();
    let error = lab.open().err().unwrap();
    assert!(error.to_string().contains("can be taken out"), "{error}");
}

#[test]
fn a_token_that_does_not_know_the_curve_is_named() {
    with_softhsm("without_ecdsa", "CKM_AES_CBC");
}

#[test]
#[ignore = "its environment names the tokens: `a_token_that_does_not_know_the_curve_is_named` runs it"]
fn without_ecdsa() {
    let lab = softhsm();
    let error = lab.make(&lab.folder()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("makes no keys for ECDSA on P-384"),
        "{error}"
    );
}
