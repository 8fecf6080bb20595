//! Tests the packages in a clean Debian: installs, inspects, starts, uses and removes them.

use super::{
    clean_root::{CleanRoot, ROOT, Running, USER},
    display::Display,
    file_name,
};
use crate::run;
use anyhow::{Context, Result, bail, ensure};
use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

pub(super) fn run(packages: &[PathBuf]) -> Result<()> {
    let [app, others @ ..] = packages else {
        bail!("no package")
    };
    ensure!(
        file_name(app).starts_with("keywriter_"),
        "the app is the first"
    );
    let others: Vec<&Path> = others.iter().map(PathBuf::as_path).collect();
    let clock = Clock(Instant::now());
    let root = CleanRoot::make().context("a clean Debian 12")?;
    clock.say("a clean Debian 12");

    root.install(&[app], &[])?;
    starts_without_a_module(&root)?;
    its_files_are_well_formed(&root)?;
    shows_its_window(&root)?;
    clock.say("the app alone: installed, documented, and its window is shown");

    root.install(&others, &["pcscd", "age"])?;
    let hub = Hub::start(&root)?;
    finds_modules(&root, &hub)?;
    shares_with_age(&root)?;
    drop(hub);
    system_pcscd_takes_the_example(&root)?;
    clock.say("with virtual modules: found by socket and by pcscd; age encrypts to them");

    portal_serves(&root)?;
    clock.say("the license portal: sells, and serves as its own user");

    root.apt(&["purge", "keywriter", "keywriter-virtual", "license-portal"])?;
    for gone in [
        "usr/bin/keywriter",
        "usr/lib/keywriter",
        "etc/license-portal",
    ] {
        ensure!(!root.path(gone).exists(), "/{gone} was not removed");
    }
    clock.say("removed without a trace");
    Ok(())
}

fn starts_without_a_module(root: &CleanRoot) -> Result<()> {
    let version = root.succeed(USER, &["keywriter", "--version"])?;
    ensure!(version.contains(env!("CARGO_PKG_VERSION")), "{version}");
    let list = root.output(USER, &["keywriter", "list"])?;
    let said = String::from_utf8_lossy(&list.stderr);
    ensure!(
        list.status.code() == Some(4) && said.starts_with("keywriter: no module found"),
        "`keywriter list` without any module: {}, {said}",
        list.status
    );
    Ok(())
}

fn its_files_are_well_formed(root: &CleanRoot) -> Result<()> {
    let completions = ". /usr/share/bash-completion/completions/keywriter && complete -p keywriter";
    root.succeed(USER, &["bash", "-euc", completions])?;
    for program in ["keywriter", "keywriter-desktop", "age-plugin-keywriter"] {
        names_every_option(root, program)?;
    }
    for file in [
        "applications/keywriter.desktop",
        "icons/hicolor/scalable/apps/keywriter.svg",
    ] {
        ensure!(
            root.path("usr/share").join(file).is_file(),
            "{file} is missing"
        );
    }
    let desktop = root.path("usr/share/applications/keywriter.desktop");
    run::output(&["desktop-file-validate", &desktop.to_string_lossy()])?;
    let described = root.path("usr/share/metainfo/org.keywriter.KeyWriter.metainfo.xml");
    let validate = ["appstreamcli", "validate", "--no-net"];
    run::output(&[&validate[..], &[&described.to_string_lossy()]].concat())?;
    its_files_have_a_type(root)
}

/// Checks that an encrypted file is known by its name and, without one, by its first bytes.
fn its_files_have_a_type(root: &CleanRoot) -> Result<()> {
    let data = tempfile::tempdir()?;
    let types = data.path().join("mime");
    fs::create_dir_all(types.join("packages"))?;
    let package = root.path("usr/share/mime/packages/keywriter.xml");
    fs::copy(package, types.join("packages/keywriter.xml"))?;
    run::output(&["update-mime-database", &types.to_string_lossy()])?;
    for (name, text) in [("named.kw", "cut off"), ("nameless", "KWFILE\x01\x03")] {
        let file = data.path().join(name);
        fs::write(&file, text)?;
        let home = format!("XDG_DATA_HOME={}", data.path().display());
        let file = file.to_string_lossy();
        let said = run::output(&[
            "env",
            &home,
            "gio",
            "info",
            "-a",
            "standard::content-type",
            &file,
        ])?;
        ensure!(said.contains("application/x-keywriter"), "{name}: {said}");
    }
    Ok(())
}

/// Checks that `man` finds a program's page, and that it has every option of the program's help.
fn names_every_option(root: &CleanRoot, program: &str) -> Result<()> {
    let pages = root.path("usr/share/man");
    let page = run::output(&["man", "-M", &pages.to_string_lossy(), "-w", program])?;
    run::output(&["lexgrog", page.trim()])?;
    let text = run::output(&["zcat", page.trim()])?.replace('\\', "");
    let help = root.succeed(USER, &[program, "--help"])?;
    let words = help.split(|c: char| c.is_whitespace() || c == ',' || c == ']');
    for option in words.filter(|word| word.starts_with("--")) {
        let option = option.trim_end_matches('.');
        ensure!(
            text.contains(option),
            "the man page of {program} lacks {option}"
        );
    }
    Ok(())
}

fn shows_its_window(root: &CleanRoot) -> Result<()> {
    let display = Display::start()?;
    let variable = format!("DISPLAY={}", display.name());
    let log = run::root().join("target/debian/keywriter-desktop.log");
    let app = root.start(USER, &["env", &variable, "keywriter-desktop"], &log)?;
    display
        .wait_for("KeyWriter")
        .with_context(|| app.complaint())?;
    display.picture(&run::root().join("target/manual-pictures/deb-start.png"))
}

/// A hub in the user's folder, with a separate pcscd.
struct Hub {
    _running: Running,
    /// The environment variable for clients of its pcscd.
    pcscd: String,
}

impl Hub {
    fn start(root: &CleanRoot) -> Result<Self> {
        // systemd does this for the system's pcscd.
        root.succeed(ROOT, &["mkdir", "-p", "-m", "755", "/run/pcscd"])?;
        let log = run::root().join("target/debian/virtual-hub.log");
        let serve = ["virtual-hub", "serve", "--modules", "3", "--pcsc"];
        let mut running = root.start(USER, &serve, &log)?;
        let lines = running.until(|line| line == "ready")?;
        let variable = lines
            .iter()
            .find_map(|line| Some(line.split_once("export ")?.1.to_owned()));
        Ok(Self {
            _running: running,
            pcscd: variable.context("the hub prints no variable for pcscd")?,
        })
    }
}

fn finds_modules(root: &CleanRoot, hub: &Hub) -> Result<()> {
    for transport in ["socket", "pcsc"] {
        let list = [&hub.pcscd, "keywriter", "--transport", transport, "list"];
        shows_all_modules(&root.succeed(USER, &list)?)?;
    }
    for program in ["virtual-hub", "hub-panel"] {
        names_every_option(root, program)?;
    }
    Ok(())
}

fn shows_all_modules(list: &str) -> Result<()> {
    for serial in ["VM0001", "VM0002", "VM0003"] {
        ensure!(list.contains(serial), "{serial} is not listed:\n{list}");
    }
    Ok(())
}

/// Checks that age encrypts to a module's team and decrypts with the plugin.
fn shares_with_age(root: &CleanRoot) -> Result<()> {
    for keys in [
        "SHIFT+1 24681357 KEY 24681357 KEY",
        "KEY+3 13572468 KEY 13572468 KEY",
        "SHIFT:1s",
        "SHIFT+KEY 13572468 KEY",
    ] {
        root.succeed(USER, &["virtual-hub", "press", "VM0001", keys])?;
    }
    let script = "cd && keywriter --transport socket recipient --identity=team.txt >&2 && \
        recipient=$(keywriter --transport socket recipient) && \
        echo 'for any clone' | age -r \"$recipient\" | age -d -i team.txt";
    let read = root.succeed(USER, &["bash", "-euo", "pipefail", "-c", script])?;
    ensure!(read == "for any clone\n", "age gave back {read:?}");
    Ok(())
}

/// Checks that the package does not enable the reader driver, and that its example does.
fn system_pcscd_takes_the_example(root: &CleanRoot) -> Result<()> {
    ensure!(
        fs::read_dir(root.path("etc/reader.conf.d"))?.count() <= 1,
        "a package enabled a reader by itself"
    );
    let copy = "sed 's,/home/me/,/home/someone/,' /usr/share/doc/keywriter-virtual/examples/virtual-modules.conf \
        > /etc/reader.conf.d/keywriter-virtual";
    root.succeed(ROOT, &["sh", "-euc", copy])?;
    // In one process namespace, so that all processes end together.
    let script = "runuser -u someone -- virtual-hub serve --modules 2 > /tmp/hub & \
        until grep -q ready /tmp/hub; do sleep 0.1; done; \
        pcscd --foreground & \
        for try in 1 2 3 4 5 6 7 8 9 10; do \
            runuser -u someone -- keywriter --transport pcsc list > /tmp/list && grep -q VM0002 /tmp/list && break; sleep 0.5; \
        done; cat /tmp/list";
    let list = root.succeed(ROOT, &["timeout", "60", "sh", "-c", script])?;
    for serial in ["VM0001", "VM0002"] {
        ensure!(
            list.contains(serial),
            "{serial} is not shown by the pcscd of the system:\n{list}"
        );
    }
    root.succeed(ROOT, &["rm", "/etc/reader.conf.d/keywriter-virtual"])
        .map(drop)
}

fn portal_serves(root: &CleanRoot) -> Result<()> {
    const OWNER: &str = "license-portal";
    names_every_option(root, "license-portal")?;
    let unit = root.path("lib/systemd/system/license-portal.service");
    ensure!(unit.is_file(), "the unit is missing");
    ensure!(
        !root
            .path("etc/systemd/system/multi-user.target.wants/license-portal.service")
            .exists(),
        "the unit was enabled"
    );
    let data = [
        "license-portal",
        "--public-url",
        "http://127.0.0.1:8480",
        "--mail-folder",
    ];
    // The data folder is in /etc/license-portal/portal.toml.
    root.succeed(OWNER, &[data.as_slice(), &["init"]].concat())?;
    let issue = [data.as_slice(), &["issue", "--email", "you@example.com"]].concat();
    let number = root.succeed(OWNER, &issue)?;
    ensure!(
        number.trim().split('-').count() == 4,
        "no license number: {number}"
    );

    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let address = format!("127.0.0.1:{port}");
    let log = run::root().join("target/debian/license-portal.log");
    let serve = [
        data.as_slice(),
        &["serve", "--development", "--listen", &address],
    ]
    .concat();
    let mut portal = root.start(OWNER, &serve, &log)?;
    portal.until(|line| line.contains(&address))?;
    let mut connection = TcpStream::connect(&address)?;
    connection.set_read_timeout(Some(Duration::from_secs(10)))?;
    connection
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    Ok(())
}

/// Prints a step with the time since the start.
struct Clock(Instant);

impl Clock {
    fn say(&self, what: &str) {
        println!("deb: {what} ({} s)", self.0.elapsed().as_secs());
    }
}
