//! Registration against a scripted portal, launches with a clock that is passed in, and the gate before real modules.

use super::*;
use crate::{
    cycle::{self, CycleError, Event, Setup, Summary},
    test_hub::{
        module::{TestModule, Unlocked},
        world::{Fault, World},
    },
};
use hsm_protocol::{cloning::Options, command::ins};
use license_token::{Holder, SigningKey, TokenId};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::Mutex,
    thread::{self, JoinHandle},
};
use tempfile::TempDir;

/// A day in 2026, at noon.
const NOW: u64 = 20_600 * DAY + DAY / 2;
const DAY: u64 = 86_400;

fn number() -> LicenseNumber {
    LicenseNumber::generate([9; 15])
}

fn pin(digits: &str) -> Pin {
    Pin::parse(digits).unwrap()
}

fn token(number: LicenseNumber, installation: Installation, lasts: u16) -> LicenseToken {
    let issued = Day::from_unix(NOW);
    SigningKey::development().sign(Claims {
        token: TokenId::new([1; 7]),
        number,
        installation,
        issued,
        expires: Some(issued.plus(lasts)),
        holder: Holder::new("John Doe", "Example Ltd").unwrap(),
    })
}

/// Answers so many questions; returns their paths and bodies.
fn portal(
    answers: Vec<impl FnOnce(&Value) -> (u16, Value) + Send + 'static>,
) -> (Portal, JoinHandle<Vec<(String, Value)>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let serve = thread::spawn(move || {
        let mut questions = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let (path, body) = question(&stream);
            let (status, text) = answer(&body);
            let text = text.to_string();
            let length = text.len();
            write!(
                stream,
                "HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}"
            )
            .unwrap();
            questions.push((path, body));
        }
        questions
    });
    (Portal::new(&url).unwrap(), serve)
}

fn question(stream: &TcpStream) -> (String, Value) {
    let mut lines = BufReader::new(stream);
    let mut first = String::new();
    lines.read_line(&mut first).unwrap();
    let mut length = 0;
    loop {
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    lines.read_exact(&mut body).unwrap();
    let path = first.split(' ').nth(1).unwrap().to_owned();
    (path, serde_json::from_slice(&body).unwrap())
}

fn installation_in(body: &Value) -> Installation {
    Installation::parse(body["installation"].as_str().unwrap()).unwrap()
}

/// A portal that registers once, for so many days.
fn registering(lasts: u16) -> (Portal, JoinHandle<Vec<(String, Value)>>) {
    portal(vec![move |body: &Value| {
        let token = token(number(), installation_in(body), lasts);
        (200, json!({ "token": token.to_string() }))
    }])
}

/// A user who is registered, with the PIN 12345678.
fn registered(lasts: u16) -> (TempDir, LicenseFile) {
    let folder = tempfile::tempdir().unwrap();
    let store = LicenseFile::new(folder.path().join("keywriter/license.json"));
    let (portal, serve) = registering(lasts);
    register(&store, &portal).unwrap();
    serve.join().unwrap();
    (folder, store)
}

fn register(store: &LicenseFile, portal: &Portal) -> Result<Launched, LicenseError> {
    store.register(
        portal,
        (number(), &pin("12345678")),
        &Anchors::development(),
        NOW,
    )
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn a_registered_app_holds_a_license_and_no_digits_of_the_pin() {
    let folder = tempfile::tempdir().unwrap();
    let store = LicenseFile::new(folder.path().join("keywriter/license.json"));
    assert!(store.registration().unwrap().is_none());
    assert!(
        !folder.path().join("keywriter").exists(),
        "asking writes nothing"
    );
    let (portal, serve) = registering(400);
    let session = register(&store, &portal).unwrap();
    assert!(session.permit(&Anchors::development(), NOW).is_ok());
    let (path, body) = serve.join().unwrap().remove(0);
    assert_eq!(path, "/api/v1/register");
    assert_eq!(
        body,
        json!({
            "license": number().to_string(),
            "pin": "12345678",
            "installation": session.registration().installation().to_string(),
            "keys": [license_token::Anchor::development().id().to_string()],
        })
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = store.path().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert!(!read(store.path()).contains("12345678"));
    let claims = store.registration().unwrap().unwrap().claims().unwrap();
    assert_eq!(claims.holder.name(), "John Doe");
}

#[test]
fn each_answer_of_a_portal_has_an_error_of_its_own_and_keeps_nothing() {
    for (status, answer, words) in [
        (403, json!({"error": "refused"}), "the portal refused"),
        (
            400,
            json!({"error": "slip"}),
            "does not accept this license number",
        ),
        (
            422,
            json!({"error": "malformed"}),
            "does not accept this license number",
        ),
        (
            429,
            json!({"error": "slow-down", "retry_after": 7}),
            "in 7 seconds",
        ),
        (500, json!({}), "HTTP status 500"),
        (200, json!({"token": "x"}), "HTTP status 200"),
        (302, json!({}), "HTTP status 302"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let store = LicenseFile::new(folder.path().join("license.json"));
        let (portal, serve) = portal(vec![move |_: &Value| (status, answer)]);
        let error = register(&store, &portal).unwrap_err();
        serve.join().unwrap();
        assert!(error.to_string().contains(words), "{error}");
        assert!(store.registration().unwrap().is_none());
    }
}

#[test]
fn a_token_for_another_app_number_or_time_or_of_another_key_is_not_kept() {
    let wrong: [fn(Installation) -> LicenseToken; 4] = [
        |_| token(number(), Installation::new([0; 16]), 400),
        |here| token(LicenseNumber::generate([1; 15]), here, 400),
        |here| {
            let claims = token(number(), here, 400).unverified().clone();
            SigningKey::from_seed(&[1; 32]).sign(claims)
        },
        |here| {
            let mut claims = token(number(), here, 400).unverified().clone();
            claims.issued = claims.issued.plus(30);
            SigningKey::development().sign(claims)
        },
    ];
    for make in wrong {
        let (folder, store) = registered(400);
        let before = store.registration().unwrap().unwrap();
        let (portal, serve) = portal(vec![move |body: &Value| {
            (
                200,
                json!({"token": make(installation_in(body)).to_string()}),
            )
        }]);
        let error = register(&store, &portal).unwrap_err();
        serve.join().unwrap();
        assert!(
            error.to_string().starts_with("the license received"),
            "{error}"
        );
        let after = store.registration().unwrap().unwrap();
        assert_eq!(before.token(), after.token());
        drop(folder);
    }
}

#[test]
fn an_offline_registration_needs_no_network() {
    let folder = tempfile::tempdir().unwrap();
    let store = LicenseFile::new(folder.path().join("license.json"));
    let request = store.request(number()).unwrap();
    assert_eq!(
        store.request(number()).unwrap(),
        request,
        "asking again asks the same"
    );
    let RequestCode {
        number,
        installation,
    } = RequestCode::parse(&request.to_string()).unwrap();
    let mut claims = token(number, installation, 400).unverified().clone();
    claims.holder = Holder::unnamed();
    let typed = ResponseCode::of(&SigningKey::development().sign(claims)).unwrap();
    let response = ResponseCode::parse(&typed.to_string()).unwrap();
    let chosen = pin("12345678");
    let anchor = Anchors::development();
    store
        .complete((&request, &response), &chosen, &anchor, NOW)
        .unwrap();
    assert!(
        store
            .launch(&chosen, NOW)
            .unwrap()
            .permit(&anchor, NOW)
            .is_ok()
    );

    let other = RequestCode {
        number: LicenseNumber::generate([1; 15]),
        ..request
    };
    let error = store.complete((&other, &response), &chosen, &anchor, NOW);
    assert!(error.is_err(), "a response to another request");
}

#[test]
fn a_restart_does_not_reset_the_delay() {
    let (_folder, store) = registered(400);
    let launch = |digits: &str, now| {
        // Each one as a program of its own.
        LicenseFile::new(store.path().to_owned()).launch(&pin(digits), now)
    };
    let wait = |launched: Result<Launched, LicenseError>| match launched {
        Err(LicenseError::Pin(refusal)) => refusal.wait(),
        other => panic!("{other:?}"),
    };
    for expected in [0, 0, 5] {
        assert_eq!(wait(launch("00000000", NOW)), expected);
    }
    assert_eq!(wait(launch("12345678", NOW + 4)), 1);
    assert_eq!(
        wait(launch("12345678", NOW - DAY)),
        5,
        "the clock was moved back"
    );
    assert!(launch("12345678", NOW + 10).is_ok());
    assert_eq!(wait(launch("00000000", NOW + 10)), 0);
}

#[test]
fn a_changed_pin_counts_from_the_next_launch() {
    let (_folder, store) = registered(400);
    let (old, new) = (pin("12345678"), pin("87654321"));
    let session = store.launch(&old, NOW).unwrap();
    let change = |current, new| store.change_pin(&session, (current, new), NOW);
    assert!(matches!(change(&new, &old), Err(LicenseError::Pin(_))));
    assert!(matches!(change(&old, &old), Err(LicenseError::SamePin)));
    change(&old, &new).unwrap();
    change(&old, &new).expect("in this launch the old one still counts");
    assert!(store.launch(&old, NOW).is_err());
    assert!(store.launch(&new, NOW).is_ok());
}

#[test]
fn a_license_lapses_and_a_clock_moved_back_does_not_bring_it_back() {
    let (_folder, store) = registered(30);
    let anchor = Anchors::development();
    let permit = |now| {
        let session = store.launch(&pin("12345678"), now).unwrap();
        session.permit(&anchor, now).map(|_permit| ())
    };
    assert_eq!(permit(NOW + 30 * DAY), Ok(()));
    let lapsed = Err(GateRefusal::Lapsed(Day::from_unix(NOW).plus(30)));
    assert_eq!(permit(NOW + 31 * DAY), lapsed);
    assert_eq!(permit(NOW + DAY), lapsed);
}

#[test]
fn a_refresh_renews_a_license_and_a_refused_one_revokes_it() {
    let (_folder, store) = registered(30);
    let anchor = Anchors::development();
    let (again, serve) = portal(vec![|body: &Value| {
        let installation = installation_in(body);
        (
            200,
            json!({"token": token(number(), installation, 400).to_string()}),
        )
    }]);
    store.refresh(&again, &anchor, NOW).unwrap();
    assert_eq!(serve.join().unwrap()[0].0, "/api/v1/refresh");
    let later = NOW + 300 * DAY;
    let session = store.launch(&pin("12345678"), later).unwrap();
    assert!(session.permit(&anchor, later).is_ok());

    let (refusing, serve) = portal(vec![|_: &Value| (403, json!({"error": "refused"}))]);
    let error = store.refresh(&refusing, &anchor, later).unwrap_err();
    serve.join().unwrap();
    assert!(matches!(error, LicenseError::Gate(GateRefusal::Revoked)));
    let session = store.launch(&pin("12345678"), later).unwrap();
    let refusal = session.permit(&anchor, later).unwrap_err();
    assert_eq!(refusal, GateRefusal::Revoked);
    let (portal, serve) = registering(400);
    register(&store, &portal).expect("registering again makes good");
    serve.join().unwrap();
}

#[test]
fn a_stored_license_that_was_changed_is_told_from_a_file_that_was() {
    let (_folder, store) = registered(400);
    let text = read(store.path());
    let changed = text.replace("KEYWRITER LICENSE", "KEYWRITER LICENCE");
    std::fs::write(store.path(), changed).unwrap();
    let session = store.launch(&pin("12345678"), NOW).unwrap();
    let refusal = session.permit(&Anchors::development(), NOW).unwrap_err();
    assert_eq!(refusal, GateRefusal::Damaged);

    std::fs::write(store.path(), text.replace("$argon2id$", "argon2id$")).unwrap();
    assert!(matches!(
        store.registration(),
        Err(LicenseError::Wrong { .. })
    ));
    std::fs::write(store.path(), text.replace("\"version\":1", "\"version\":2")).unwrap();
    let error = store.launch(&pin("12345678"), NOW).unwrap_err();
    assert!(error.to_string().contains("newer"), "{error}");
}

const UNLICENSED: GateRefusal = GateRefusal::Unregistered;
const FRESH: Unlocked = Unlocked::Fresh;

fn unlicensed(world: &World) -> Setup {
    Setup {
        hardware: Err(UNLICENSED),
        ..world.setup(&[], Options::default())
    }
}

#[test]
fn without_a_license_no_hardware_is_cloned_and_nothing_is_begun() {
    let world = World::new(&[("A", FRESH)]);
    let refusal = match world.run(&unlicensed(&world)) {
        Err(CycleError::License(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    assert_eq!(refusal, UNLICENSED);
    let log = world.with("M", |master| master.log.clone());
    assert!(!log.contains(&ins::CYCLE_BEGIN));
}

#[test]
fn without_a_license_a_virtual_master_clones_and_says_evaluation() {
    let world = World::default();
    let master = Unlocked::Admin { cloning: true };
    world.plug(TestModule::new_virtual("M", master));
    world.plug(TestModule::new_virtual("A", FRESH));
    let has_said = Mutex::new(false);
    let summary = cycle::run(&world, &unlicensed(&world), &|event| {
        if let Event::Evaluation { master } = event {
            assert_eq!(master.as_str(), "M");
            *has_said.lock().unwrap() = true;
        }
    });
    assert_eq!(summary.unwrap().done, 1);
    assert!(has_said.into_inner().unwrap());
}

#[test]
fn what_was_begun_with_a_license_is_finished_without_one() {
    let world = World::new(&[("A", FRESH)]);
    world.break_at("M", ins::COUNTERSIGN, Fault::Replug);
    let licensed = world.setup(&[], Options::default());
    assert!(world.run(&licensed).unwrap().0.master_lost);
    world.with("M", |master| master.bench.unlock_admin());
    // A module that joins meanwhile would be a new clone.
    world.break_at("M", ins::COUNTERSIGN, Fault::PlugOther("B"));
    let (Summary { done, failed, .. }, words) = world.run(&unlicensed(&world)).unwrap();
    assert_eq!((done, failed), (1, 1), "{words:?}");
    assert_eq!(words["A"], "finished");
    assert_eq!(words["B"], "cloning hardware modules needs a license");
}
