//! One configuration file for the service and for every command, and what happens without it.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use crate::{
    driver::free_port,
    instances::{Instance, fetch, output, program, until},
    mail::SmtpServer,
};

/// The program with nothing in its environment but the data folder.
fn bare(data: &Path) -> Command {
    let mut command = program(data, None);
    command
        .env_remove("LICENSE_PORTAL_URL")
        .env_remove("LICENSE_PORTAL_MAIL_FOLDER");
    command
}

fn failed(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    assert!(!status.success());
    format!(
        "{}{}",
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr)
    )
}

const ISSUE: [&str; 3] = ["issue", "--email", "a@b.example"];

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_has_what_the_file_of_service_and_commands_says() {
    let data = tempfile::tempdir().unwrap();
    let text = "public_url = \"https://licenses.example.com\"\nmail_folder = true\n\
                support_phone = \"+49 30 5550 1234\"\n";
    fs::write(data.path().join("portal.toml"), text).unwrap();
    let _instance = Instance::run(bare(data.path()), "127.0.0.1:0", &[]);
    output(bare(data.path()).args(ISSUE));
    let outbox = data.path().join("outbox");
    let mails = || fs::read_dir(&outbox).map_or(0, Iterator::count);
    until("the delivery", async || mails() == 1).await;
    let mail = fs::read_dir(&outbox).unwrap().next().unwrap().unwrap();
    let mail = fs::read_to_string(mail.path()).unwrap();
    assert!(mail.contains("https://licenses.example.com/"), "{mail}");
    assert!(mail.contains("+49 30 5550 1234"), "{mail}");
}

#[test]
fn a_command_in_the_wrong_folder_creates_nothing() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("backup");
    for words in [
        ISSUE.as_slice(),
        &["list"],
        &["operator-key", "add", "shop"],
        &["backup", file.to_str().unwrap()],
        &["check-config"],
    ] {
        let text = failed(program(data.path(), None).args(words));
        assert!(
            text.contains("does not exist") || text.contains("No such file"),
            "{text}"
        );
    }
    assert_eq!(fs::read_dir(data.path()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sold_without_a_public_url_or_a_way_to_send_mail() {
    let data = tempfile::tempdir().unwrap();
    let instance = Instance::run(bare(data.path()), "127.0.0.1:0", &[]);
    let text = failed(bare(data.path()).args(ISSUE));
    assert!(text.contains("public_url is not set"), "{text}");
    let url = ["--public-url", "https://licenses.example.com"];
    let text = failed(bare(data.path()).args(ISSUE).args(url));
    assert!(text.contains("no way to send mail"), "{text}");
    assert_eq!(output(bare(data.path()).args(["list"])), "");
    let (status, health) = fetch("GET", &format!("{}/healthz", instance.base), String::new())
        .await
        .unwrap();
    assert_eq!(status, 200);
    assert!(health.contains("public_url is not set") && health.contains("no way to send mail"));
}

#[test]
fn check_config_finds_every_problem_and_a_complete_configuration_has_none() {
    let data = tempfile::tempdir().unwrap();
    output(bare(data.path()).arg("init"));
    let text = failed(bare(data.path()).arg("check-config"));
    for problem in [
        "public_url is not set",
        "no way to send mail",
        "development is set",
    ] {
        assert!(text.contains(problem), "{text}");
    }
    let key = data.path().join("signing.key");
    fs::write(&key, "ab".repeat(32)).unwrap();
    let text = "public_url = \"https://licenses.example.com\"\nmail_folder = true\nsigning_key = \"signing.key\"\n";
    fs::write(data.path().join("portal.toml"), text).unwrap();
    let bare = |data: &Path| {
        let mut command = bare(data);
        command.env_remove("LICENSE_PORTAL_DEVELOPMENT");
        command
    };
    let text = failed(bare(data.path()).arg("check-config"));
    assert!(text.contains("other users can read the file"), "{text}");
    output(Command::new("chmod").arg("600").arg(&key));
    let text = output(bare(data.path()).arg("check-config"));
    assert!(text.contains("the configuration is complete"), "{text}");
    fs::write(data.path().join("portal.toml"), "publicurl = 1\n").unwrap();
    let text = failed(bare(data.path()).arg("check-config"));
    assert!(text.contains("publicurl"), "{text}");
}

#[test]
fn test_mail_uses_the_configured_server() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let _server = SmtpServer::start(port, data.path(), "good");
    let smtp = format!("smtp://127.0.0.1:{port}");
    let said = output(bare(data.path()).args(["test-mail", "me@b.example", "--smtp", &smtp]));
    assert!(said.contains("accepted a mail to me@b.example"), "{said}");
    let text = failed(bare(data.path()).args(["test-mail", "me@b.example"]));
    assert!(text.contains("set smtp"), "{text}");
}

#[test]
fn a_table_with_an_order_is_read_whole_or_refused_with_its_line() {
    let data = tempfile::tempdir().unwrap();
    output(program(data.path(), None).arg("init"));
    let file = data.path().join("order.csv");
    let import = |table: &str| {
        fs::write(&file, table).unwrap();
        let mut command = program(data.path(), None);
        command.arg("import").arg(&file).args(["--key", "17"]);
        command
    };
    for (table, why) in [
        (
            "email;count\na@b.example;2\nc@d.example;1001\n",
            "Line 3, count: Please enter a number from 1 to 1000.",
        ),
        (
            "email;count\na@b.example;600\nc@d.example;600\n",
            "Line 3, count: Together, these are more than 1000 licenses",
        ),
    ] {
        let said = failed(&mut import(table));
        assert!(said.contains("order.csv, ") && said.contains(why), "{said}");
        assert!(said.contains("Nothing was ordered."), "{said}");
    }
    let endless = failed(program(data.path(), None).args(["import", "/dev/zero"]));
    assert!(endless.contains("larger than 1048576 bytes"), "{endless}");
    assert_eq!(output(program(data.path(), None).arg("list")), "");
    let right = "email;count\na@b.example;2\n";
    let sold = output(&mut import(right));
    assert_eq!(sold.lines().count(), 2);
    assert_eq!(output(&mut import(right)), sold);
}

/// Runs the program with a full disk as its standard output, and returns its complaint.
fn unprinted(data: &Path, words: &[&str]) -> String {
    let full = fs::OpenOptions::new().write(true).open("/dev/full");
    let mut command = program(data, None);
    let ended = command.args(words).stdout(full.unwrap()).output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "{words:?}");
    String::from_utf8(ended.stderr).unwrap()
}

#[test]
fn what_was_done_and_not_printed_is_told() {
    let data = tempfile::tempdir().unwrap();
    let run = |words: &[&str]| output(program(data.path(), None).args(words));
    run(&["init"]);
    for (order, format) in [(1, ""), (2, "--json")] {
        let words = ["issue", "--email", "A@b.example", "--count", "2", format];
        let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let said = unprinted(data.path(), &words);
        assert!(said.contains("2 licenses were issued"), "{said}");
        assert!(said.contains(&format!("list --order {order}")), "{said}");
    }
    assert_eq!(run(&["list", "--order", "2"]).lines().count(), 2);
    let listed = run(&["list", "--email", "A@b.example"]);
    assert_eq!(listed.lines().count(), 4);
    let number = listed.split(' ').next().unwrap();
    for (command, done) in [
        ("resend", "new PIN"),
        ("forget", "unregistered"),
        ("seats", "other seats"),
        ("revoke", "revoked"),
    ] {
        let said = unprinted(data.path(), &[command, number]);
        assert!(said.contains(done), "{said}");
        assert!(said.contains(&format!("show {number}")), "{said}");
    }
    assert!(run(&["show", number]).contains("revoked"));
    let said = unprinted(data.path(), &["signing-key", "rotate"]);
    assert!(said.contains("signing-key list"), "{said}");
    assert_eq!(run(&["signing-key", "list"]).lines().count(), 1);
}

#[test]
fn a_key_that_nobody_could_read_is_not_kept() {
    let data = tempfile::tempdir().unwrap();
    output(bare(data.path()).arg("init"));
    let said = unprinted(data.path(), &["operator-key", "add", "shop"]);
    assert!(said.contains("was not added"), "{said}");
    assert_eq!(output(bare(data.path()).args(["operator-key", "list"])), "");
    let said = unprinted(
        data.path(),
        &["webhook", "add", "shop", "https://a.example/"],
    );
    assert!(said.contains("was not added"), "{said}");
    assert_eq!(output(bare(data.path()).args(["webhook", "list"])), "");
    // A trial that fails says so, and how to go on.
    output(bare(data.path()).args(["webhook", "add", "shop", "https://127.0.0.1/"]));
    let said = failed(bare(data.path()).args(["webhook", "test", "shop"]));
    assert!(
        said.contains("shop was not told: its address is private"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_whose_output_nobody_takes_still_delivers() {
    let data = tempfile::tempdir().unwrap();
    output(program(data.path(), None).arg("init"));
    let place = format!("127.0.0.1:{}", free_port());
    // Standard output and error are closed, as by a terminal that is gone.
    let mut serve = Command::new("sh");
    serve
        .args(["-c", "exec \"$0\" serve --listen \"$1\" >&- 2>&-"])
        .arg(env!("CARGO_BIN_EXE_license-portal"))
        .arg(&place)
        .env("LICENSE_PORTAL_DATA", data.path())
        .env("LICENSE_PORTAL_URL", "http://127.0.0.1:8480")
        .env("LICENSE_PORTAL_MAIL_FOLDER", "true")
        .env("LICENSE_PORTAL_DEVELOPMENT", "true");
    let mut service = serve.spawn().unwrap();
    output(program(data.path(), None).args(ISSUE));
    let outbox = data.path().join("outbox");
    let mails = || fs::read_dir(&outbox).map_or(0, Iterator::count);
    until("the delivery", async || mails() == 1).await;
    let health = format!("http://{place}/healthz");
    let (status, _) = fetch("GET", &health, String::new()).await.unwrap();
    assert_eq!(status, 200);
    service.kill().unwrap();
    service.wait().unwrap();
}

#[test]
fn a_copy_that_was_not_finished_is_none() {
    let data = tempfile::tempdir().unwrap();
    output(bare(data.path()).arg("init"));
    let folder = data.path().join("backups");
    let backup = || {
        let mut command = bare(data.path());
        command.args(["backup", "--keep", "1"]).arg(&folder);
        command
    };
    let copies = || {
        let files = fs::read_dir(&folder).unwrap().map(|file| file.unwrap());
        let names = files.map(|file| file.file_name().into_string().unwrap());
        names.collect::<Vec<_>>()
    };
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("unfinished"), "half").unwrap();
    output(&mut backup());
    let whole = copies();
    assert!(
        whole.len() == 1 && whole[0].starts_with("portal-"),
        "{whole:?}"
    );
    fs::create_dir(folder.join("unfinished")).unwrap();
    failed(&mut backup());
    fs::remove_dir(folder.join("unfinished")).unwrap();
    assert_eq!(copies(), whole);
}
