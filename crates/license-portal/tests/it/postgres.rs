//! A real PostgreSQL server in a temporary folder, on a Unix socket only.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread::sleep,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// A server; it stops when this is dropped.
pub(crate) struct Postgres {
    folder: TempDir,
    bin: PathBuf,
    server: Option<Child>,
    databases: AtomicU32,
}

impl Postgres {
    /// Makes a cluster and starts it.
    pub(crate) fn start() -> Self {
        let bin = newest_bin();
        let folder = tempfile::Builder::new()
            .prefix("kw-pg")
            .tempdir_in("/tmp")
            .unwrap();
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(folder.path()));
        }
        let mut initdb = unprivileged(&bin.join("initdb"));
        initdb.args([
            "--auth=trust",
            "--username=portal",
            "--encoding=UTF8",
            "--no-sync",
            "--pgdata",
        ]);
        run(initdb.arg(folder.path().join("data")));
        let mut postgres = Self {
            folder,
            bin,
            server: None,
            databases: AtomicU32::new(0),
        };
        postgres.resume();
        postgres
    }

    /// Starts the server again after [`Self::stop`].
    pub(crate) fn resume(&mut self) {
        let mut server = unprivileged(&self.bin.join("postgres"));
        server
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .arg("-k")
            .arg(self.folder.path())
            .args([
                "-c",
                "listen_addresses=",
                "-c",
                "fsync=off",
                "-c",
                "max_connections=60",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(self.folder.path().join("log")).unwrap());
        self.server = Some(server.spawn().unwrap());
        let end = Instant::now() + Duration::from_secs(30);
        while !self.psql("postgres", "SELECT 1") {
            assert!(
                Instant::now() < end,
                "PostgreSQL did not start: {}",
                self.log()
            );
            sleep(Duration::from_millis(50));
        }
    }

    /// Stops the server as its administrator would, closing open connections.
    pub(crate) fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            run(Command::new("kill")
                .arg("-INT")
                .arg(server.id().to_string()));
            server.wait().unwrap();
        }
    }

    /// Returns the URL of a new, empty database.
    pub(crate) fn database(&self) -> String {
        let name = format!("portal{}", self.databases.fetch_add(1, Ordering::Relaxed));
        assert!(
            self.psql("postgres", &format!("CREATE DATABASE {name}")),
            "{}",
            self.log()
        );
        format!(
            "postgres:///{name}?host={}&user=portal",
            self.folder.path().display()
        )
    }

    /// Runs SQL in the first database.
    pub(crate) fn tell(&self, sql: &str) {
        assert!(self.psql("portal0", sql), "{}", self.log());
    }

    fn psql(&self, database: &str, sql: &str) -> bool {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args(["-U", "portal", "-d", database, "-c", sql, "-h"])
            .arg(self.folder.path());
        psql.stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .success()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

fn newest_bin() -> PathBuf {
    let versions =
        fs::read_dir("/usr/lib/postgresql").expect("Debian's package postgresql is needed");
    let mut bins: Vec<_> = versions
        .map(|version| version.unwrap().path().join("bin"))
        .collect();
    bins.retain(|bin| bin.join("initdb").exists());
    bins.sort();
    bins.pop().expect("Debian's package postgresql is needed")
}

/// Runs a program as another user than root, which PostgreSQL refuses, and until the test ends.
fn unprivileged(program: &Path) -> Command {
    let mut setpriv = Command::new("setpriv");
    setpriv.args(["--pdeathsig", "INT"]);
    if is_root() {
        setpriv.args([
            "--reuid",
            "postgres",
            "--regid",
            "postgres",
            "--init-groups",
        ]);
    }
    setpriv.arg(program).current_dir("/tmp");
    setpriv
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata("/proc/self").unwrap().uid() == 0
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
