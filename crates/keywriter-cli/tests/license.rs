//! Registration, PIN and license as a user has them, against a portal that is a few lines long.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use license_token::{
    Claims, Day, Holder, Installation, LicenseNumber, RequestCode, ResponseCode, SigningKey,
    TokenId,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::PathBuf,
    process::{Command, Output, Stdio},
    thread,
    time::SystemTime,
};
use tempfile::TempDir;

/// A user with a folder of their own.
struct User(TempDir);

impl User {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn registered() -> Self {
        let user = Self::new();
        let output = user.register(|installation| (200, token(installation, Holder::unnamed())));
        assert!(output.status.success(), "{output:?}");
        user
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("keywriter/license.json")
    }

    /// Runs the program with these lines on descriptor 0, from where it reads PINs.
    fn run(&self, arguments: &[&str], pins: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_keywriter"))
            .args(["--transport", "socket", "--pin-fd", "0"])
            .args(arguments)
            .current_dir(self.0.path())
            .env_clear()
            .env("XDG_STATE_HOME", self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The program may not ask for any.
        drop(child.stdin.take().unwrap().write_all(pins.as_bytes()));
        child.wait_with_output().unwrap()
    }

    /// Exit code, and first line on standard error.
    fn fail(&self, arguments: &[&str], pins: &str) -> (Option<i32>, String) {
        let output = self.run(arguments, pins);
        let errors = String::from_utf8(output.stderr).unwrap();
        let first = errors.lines().next().unwrap_or_default().to_owned();
        (output.status.code(), first)
    }

    fn json(&self, arguments: &[&str], pins: &str) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat(), pins);
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Registers at a portal that answers once.
    fn register(
        &self,
        answer: impl FnOnce(Installation) -> (u16, Value) + Send + 'static,
    ) -> Output {
        let url = portal(answer);
        let number = number().to_string();
        let arguments = ["-vvv", "register", "--license", &number, "--portal", &url];
        let output = self.run(&arguments, "12345678\n");
        let said = [&output.stdout[..], &output.stderr[..]].concat();
        let said = String::from_utf8(said).unwrap();
        assert!(!said.contains("12345678"), "the PIN in: {said}");
        output
    }
}

fn number() -> LicenseNumber {
    LicenseNumber::generate([9; 15])
}

fn claims(installation: Installation, holder: Holder) -> Claims {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let issued = Day::from_unix(now.unwrap().as_secs());
    Claims {
        token: TokenId::new([1; 7]),
        number: number(),
        installation,
        issued,
        expires: Some(issued.plus(400)),
        holder,
    }
}

fn token(installation: Installation, holder: Holder) -> Value {
    let token = SigningKey::development().sign(claims(installation, holder));
    json!({ "token": token.to_string() })
}

fn portal(answer: impl FnOnce(Installation) -> (u16, Value) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap());
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
        let body: Value = serde_json::from_slice(&body).unwrap();
        let installation = Installation::parse(body["installation"].as_str().unwrap()).unwrap();
        let (status, text) = answer(installation);
        let text = text.to_string();
        let length = text.len();
        write!(
            stream,
            "HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}"
        )
        .unwrap();
    });
    url
}

/// No module is plugged in: what a launch that went well ends with.
const LAUNCHED: Option<i32> = Some(4);

#[test]
fn who_is_not_registered_is_asked_for_no_pin() {
    let user = User::new();
    assert_eq!(user.fail(&["list"], "").0, LAUNCHED);
    let shown = user.json(&["license", "show"], "");
    assert_eq!(
        shown,
        json!({"event": "license", "registered": false, "development": true})
    );
    let (code, words) = user.fail(&["pin", "change"], "");
    assert_eq!(
        (code, words.as_str()),
        (Some(7), "keywriter: this app is not registered")
    );
    assert!(!user.file().exists());
}

#[test]
fn a_registered_app_asks_for_its_pin_at_each_launch() {
    let user = User::new();
    let output = user.register(|installation| {
        let holder = Holder::new("John Doe", "Example Ltd").unwrap();
        (200, token(installation, holder))
    });
    let words = String::from_utf8(output.stdout).unwrap();
    let expected = format!("registration successful: license {}, until ", number());
    assert!(words.starts_with(&expected), "{words}");
    assert!(
        !fs::read_to_string(user.file())
            .unwrap()
            .contains("12345678")
    );

    assert_eq!(user.fail(&["list"], "12345678").0, LAUNCHED);
    let shown = user.json(&["license", "show"], "");
    assert_eq!(shown["license"], number().to_string());
    assert_eq!(shown["name"], "John Doe");
    assert_eq!(shown["standing"], "current");
    let no_pin = "keywriter: a PIN has 8 digits".to_owned();
    assert_eq!(user.fail(&["list"], ""), (Some(7), no_pin));
}

#[test]
fn the_commands_that_ask_for_the_pin_are_those_of_the_documentation() {
    let user = User::registered();
    let number = number().to_string();
    // One invocation of every command. Where no PIN is asked for, something else is wrong, or nothing is.
    let commands = [
        &["list"][..],
        &["master", "show"],
        &["clone"],
        &["journal", "VM0001"],
        &["encrypt", "-", "-o", "out"],
        &["decrypt", "-", "-o", "out"],
        &["recipient"],
        &["team", "rekey", "VM0001"],
        &["ticket", "show", "none"],
        &["letter", "request", "VM0001", "-o", "out"],
        &["rewrap", "a.kw"],
        &["data-units", "decipher", "VM0001", "a", "b"],
        &["pin", "change"],
        &["settings", "export", "s.json"],
        &["receipt", "verify", "none"],
        &["inspect", "none"],
        &["register", "--license", &number, "--offline"],
        &["license", "show"],
        &["completions", "bash"],
        &["man", "man"],
        &["root", "show"],
    ];
    let asks = |command: &[&str]| user.fail(command, "").1.ends_with("a PIN has 8 digits");
    let (asking, others): (Vec<_>, Vec<_>) = commands.iter().partition(|command| asks(command));
    let page = include_str!("../../../docs/CLI.md");
    let documented = |start: &str, end: &str| -> BTreeSet<&str> {
        let (_, rest) = page.split_once(start).unwrap();
        let (list, _) = rest.split_once(end).unwrap();
        list.split('`').skip(1).step_by(2).collect()
    };
    assert_eq!(
        names(&asking),
        documented("these commands ask for it:", ".")
    );
    assert_eq!(names(&others), documented("These ask for none:", "("));
    let help = user.run(&["--help"], "").stdout;
    let help = String::from_utf8(help).unwrap();
    let (_, shown) = help.split_once("Commands:\n").unwrap();
    let (shown, _) = shown.split_once("\n\n").unwrap();
    for name in shown
        .lines()
        .filter_map(|line| line.split_whitespace().next())
    {
        let is_tried = commands.iter().any(|command| command[0] == name);
        assert!(is_tried || name == "help", "{name}");
    }
}

fn names<'a>(commands: &[&&[&'a str]]) -> BTreeSet<&'a str> {
    commands.iter().map(|command| command[0]).collect()
}

#[test]
fn wrong_pins_must_wait_and_a_restart_does_not_help() {
    let user = User::registered();
    let wrong = "keywriter: the PIN is wrong".to_owned();
    for words in [
        wrong.clone(),
        wrong.clone(),
        wrong + "; try again in 5 seconds",
    ] {
        assert_eq!(user.fail(&["list"], "00000000"), (Some(7), words));
    }
    let (code, words) = user.fail(&["list"], "12345678");
    assert_eq!(code, Some(7));
    assert!(
        words.starts_with("keywriter: too many wrong PINs"),
        "{words}"
    );
}

#[test]
fn a_pin_is_changed_by_current_new_and_confirmed() {
    let user = User::registered();
    let change = |pins| user.fail(&["pin", "change"], pins);
    assert_eq!(
        change("12345678\n87654321\n87654320\n").1,
        "keywriter: the two PINs differ"
    );
    assert_eq!(
        change("12345678\n12345678\n12345678\n").1,
        "keywriter: the new PIN is the current one"
    );
    assert_eq!(change("12345678\n87654321\n87654321\n").0, Some(0));
    assert_eq!(user.fail(&["list"], "12345678").0, Some(7));
    assert_eq!(user.fail(&["list"], "87654321").0, LAUNCHED);
}

#[test]
fn a_refusing_portal_and_one_that_is_not_there_are_told_apart() {
    let user = User::new();
    let output = user.register(|_| (403, json!({"error": "refused"})));
    assert_eq!(output.status.code(), Some(7));
    let number = number().to_string();
    let fail = |url| {
        user.fail(
            &["register", "--license", &number, "--portal", url],
            "12345678",
        )
    };
    // Nothing listens on port 1.
    assert_eq!(fail("http://127.0.0.1:1").0, Some(6));
    let (code, words) = fail("http://portal.example");
    assert_eq!(code, Some(2));
    assert!(words.contains("in the clear"), "{words}");
    assert_eq!(user.json(&["license", "show"], "")["registered"], false);
}

#[test]
fn a_mistyped_number_is_told_before_anything_is_asked() {
    let user = User::new();
    let mut typed = number().to_string();
    typed.replace_range(..1, "0");
    let (code, words) = user.fail(&["register", "--license", &typed], "");
    assert_eq!(code, Some(2));
    assert!(words.contains("mistyped"), "{words}");
    let (_, words) = user.fail(&["register", "--license", "1234"], "");
    assert!(words.contains("not a license number"), "{words}");
}

#[test]
fn an_offline_registration_takes_two_codes() {
    let user = User::new();
    let number = number().to_string();
    let register = ["register", "--offline", "--license", &number];
    // Nothing is typed: the code is shown, and the response may come later.
    let shown = user.json(&register, "");
    let request = RequestCode::parse(shown["code"].as_str().unwrap()).unwrap();
    let signed = SigningKey::development().sign(claims(request.installation, Holder::unnamed()));
    let response = ResponseCode::of(&signed).unwrap().to_string();

    let file = user.0.path().join("response.txt");
    let with_response = [&register[..], &["--response", "response.txt"]].concat();
    fs::write(&file, response.replacen(&response[..1], "Z", 1)).unwrap();
    let (code, words) = user.fail(&with_response, "");
    assert_eq!(code, Some(5));
    assert_eq!(
        words,
        "keywriter: the response code is not valid: line 1 of the code is mistyped"
    );
    fs::write(&file, response.to_lowercase()).unwrap();
    assert_eq!(user.fail(&with_response, "12345678\n12345679\n").0, Some(7));
    let registered = user.json(&with_response, "12345678\n12345678\n");
    assert_eq!(registered["event"], "registered");
    assert_eq!(user.fail(&["list"], "12345678").0, LAUNCHED);
}

#[test]
fn a_refresh_that_is_refused_is_remembered() {
    let user = User::registered();
    let url = portal(|_| (403, json!({"error": "refused"})));
    let (code, words) = user.fail(&["license", "refresh", "--portal", &url], "");
    assert_eq!(code, Some(7));
    assert!(words.contains("revoked"), "{words}");
    let shown = user.json(&["license", "show"], "");
    assert_eq!(shown["standing"], "revoked");
    assert_eq!(shown["reason"], "license-revoked");
    assert_eq!(
        user.fail(&["list"], "12345678").0,
        LAUNCHED,
        "all else works"
    );
}

#[test]
fn a_development_build_says_so() {
    let output = User::new().run(&["--version"], "");
    let words = String::from_utf8(output.stdout).unwrap();
    assert!(words.ends_with("(development build)\n"), "{words}");
}
