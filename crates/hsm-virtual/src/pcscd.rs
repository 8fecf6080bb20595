//! A private pcscd, with a separate socket and readers, that ends with its owner (docs/IFD.md).
//!
//! pcscd has no option for the path of its socket, but accepts one that systemd has opened. This module opens it in the
//! same way.

use command_fds::{CommandFdExt, FdMapping};
use hsm_protocol::frame::DEVICE_PREFIX;
use plain_text::shown_path;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The environment variable from which libpcsclite reads the socket's path, once per process.
pub const SOCKET_VARIABLE: &str = "PCSCLITE_CSOCK_NAME";

/// The environment variable that names the reader driver if it is not in a usual location.
pub const DRIVER_VARIABLE: &str = "KEYWRITER_IFD";

/// How many readers one pcscd shows (`PCSCLITE_MAX_READERS_CONTEXTS`).
pub const READERS_MAX: usize = 16;

/// Why pcscd cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PcscdError {
    /// The program is missing.
    #[error("pcscd is not installed: apt-get install pcscd")]
    NotInstalled,
    /// The driver is missing.
    #[error(
        "the reader driver {} is missing: build it with `cargo build -p hsm-ifd`, or name it in {DRIVER_VARIABLE}",
        shown_path(.0)
    )]
    NoDriver(PathBuf),
    /// More modules than pcscd has readers.
    #[error("pcscd can show {READERS_MAX} readers, not {0}: use fewer modules")]
    TooManyReaders(usize),
    /// A name that cannot be written to reader.conf.
    #[error(
        "{0:?} cannot be a reader's name: use 1 to {NAME_MAX} printable ASCII characters without quotation marks"
    )]
    Name(String),
    /// A path that cannot be written to reader.conf.
    #[error(
        "{} cannot be written to reader.conf: use a path of ASCII letters, digits and the characters / . - _ @ = :",
        shown_path(.0)
    )]
    Path(PathBuf),
    /// pcscd's folder for its process id cannot be created.
    #[error(
        "{RUN_FOLDER} is missing and cannot be created: run `mkdir -m 755 {RUN_FOLDER}` as root"
    )]
    RunFolder(#[source] io::Error),
    /// A file of the private pcscd cannot be created.
    #[error(
        "cannot create {}: use a writable folder with a short path",
        shown_path(path)
    )]
    Create {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The process cannot be started.
    #[error("cannot start pcscd: end other programs and try again")]
    Start(#[source] io::Error),
}

/// A running pcscd. Dropping it ends it.
#[derive(Debug)]
pub struct Pcscd {
    child: Child,
    socket: PathBuf,
}

impl Pcscd {
    /// Starts pcscd with one reader for each of `sockets`: the reader's name, and the socket of its module.
    ///
    /// pcscd appends two numbers to the names. Its files are in `folder`: `reader.conf`, `pcscd.sock`, `pcscd.log`.
    /// Clients may connect at once; pcscd answers them when the readers are ready.
    pub fn start(
        folder: &Path,
        driver: &Path,
        sockets: &[(String, PathBuf)],
    ) -> Result<Self, PcscdError> {
        if !Path::new(PROGRAM).is_file() {
            return Err(PcscdError::NotInstalled);
        }
        if !driver.is_file() {
            return Err(PcscdError::NoDriver(driver.to_owned()));
        }
        // pcscd changes its working directory to / before it reads anything.
        let absolute = |path: &Path| std::path::absolute(path).map_err(create_error(path));
        let folder = absolute(folder)?;
        let mut readers = Vec::new();
        for (name, socket) in sockets {
            readers.push((name.as_str(), absolute(socket)?));
        }
        let conf = folder.join("reader.conf");
        fs::write(&conf, reader_conf(&absolute(driver)?, &readers)?)
            .map_err(create_error(&conf))?;
        make_run_folder()?;

        let socket = folder.join("pcscd.sock");
        let listener = listen(&socket).map_err(create_error(&socket))?;
        let log = folder.join("pcscd.log");
        let child = spawn(&conf, listener, &log)?;
        Ok(Self { child, socket })
    }

    /// Returns the path of its socket: the value of [`SOCKET_VARIABLE`] for its clients.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Returns its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it is still running.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Pcscd {
    /// Ends this process and no other: its id cannot be reused before the process has been waited for.
    fn drop(&mut self) {
        let asked = self.is_running() && ask_to_end(&self.child).is_ok();
        if !asked && let Err(e) = self.child.kill() {
            tracing::warn!(error = %e, "cannot end pcscd");
        }
        if let Err(e) = self.child.wait() {
            tracing::warn!(error = %e, "cannot wait for the end of pcscd");
        }
        if let Err(e) = fs::remove_file(&self.socket) {
            tracing::debug!(error = %e, "pcscd's socket was already gone");
        }
    }
}

/// Returns the path of the reader driver: the value of [`DRIVER_VARIABLE`], else a file near the running program.
///
/// In cargo's target folder, programs and tests find it in `deps`, where every build updates it. A Debian package has
/// its programs in `bin` and the driver in `lib/keywriter`.
pub fn find_driver() -> Result<PathBuf, PcscdError> {
    if let Some(named) = std::env::var_os(DRIVER_VARIABLE) {
        return Ok(PathBuf::from(named));
    }
    let program = std::env::current_exe().map_err(PcscdError::Start)?;
    let beside = program.with_file_name(DRIVER_FILE);
    let below = program.with_file_name("deps").join(DRIVER_FILE);
    let packaged = program
        .ancestors()
        .nth(2)
        .map(|prefix| prefix.join("lib/keywriter").join(DRIVER_FILE));
    [Some(below), Some(beside.clone()), packaged]
        .into_iter()
        .flatten()
        .find(|file| file.is_file())
        .ok_or(PcscdError::NoDriver(beside))
}

/// Returns the text of reader.conf. pcscd allows few characters in paths, and has no way to quote others.
fn reader_conf(driver: &Path, readers: &[(&str, PathBuf)]) -> Result<String, PcscdError> {
    if readers.len() > READERS_MAX {
        return Err(PcscdError::TooManyReaders(readers.len()));
    }
    let driver = word(driver)?;
    let mut conf = String::new();
    for (channel, (name, socket)) in readers.iter().enumerate() {
        let is_plain = name
            .bytes()
            .all(|b| (b' '..=b'~').contains(&b) && b != b'"');
        if name.is_empty() || name.len() > NAME_MAX || !is_plain {
            return Err(PcscdError::Name((*name).to_owned()));
        }
        let socket = word(socket)?;
        let written = writeln!(
            conf,
            "FRIENDLYNAME \"{name}\"\nDEVICENAME {DEVICE_PREFIX}{socket}\nLIBPATH {driver}\nCHANNELID {channel}\n"
        );
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }
    Ok(conf)
}

fn word(path: &Path) -> Result<&str, PcscdError> {
    let is_plain = |b: &u8| b.is_ascii_alphanumeric() || b"/.-_@=:".contains(b);
    match path.to_str() {
        Some(text) if path.as_os_str().as_bytes().iter().all(is_plain) => Ok(text),
        _ => Err(PcscdError::Path(path.to_owned())),
    }
}

/// Creates the folder that pcscd requires, though it only writes its process id there.
fn make_run_folder() -> Result<(), PcscdError> {
    match DirBuilder::new().mode(0o755).create(RUN_FOLDER) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(PcscdError::RunFolder(e)),
        _ => Ok(()),
    }
}

fn listen(socket: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(socket) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => UnixListener::bind(socket),
    }
}

/// Starts pcscd as systemd does. Never with `-d` or `-a`, which write APDUs to the log.
fn spawn(conf: &Path, listener: UnixListener, log: &Path) -> Result<Child, PcscdError> {
    let out = File::create(log).map_err(create_error(log))?;
    let err = out.try_clone().map_err(create_error(log))?;
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", ACTIVATE, PROGRAM])
        .arg(conf)
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err);
    command
        .fd_mappings(vec![FdMapping {
            parent_fd: OwnedFd::from(listener),
            child_fd: FIRST_PASSED_FD,
        }])
        .map_err(|collision| PcscdError::Start(io::Error::other(collision)))?;
    // The listener is closed with `command`: after the end of pcscd, clients are refused and do not wait forever.
    command.spawn().map_err(PcscdError::Start)
}

/// Asks the process to end; returns an error if it does not within two seconds.
fn ask_to_end(child: &Child) -> io::Result<()> {
    let pid = Pid::from_child(child);
    let ended = pidfd_open(pid, PidfdFlags::empty())?;
    kill_process(pid, Signal::TERM)?;
    let two_seconds = Timespec {
        tv_sec: 2,
        tv_nsec: 0,
    };
    match poll(
        &mut [PollFd::new(&ended, PollFlags::IN)],
        Some(&two_seconds),
    )? {
        0 => Err(io::ErrorKind::TimedOut.into()),
        _ => Ok(()),
    }
}

fn create_error(path: &Path) -> impl FnOnce(io::Error) -> PcscdError {
    let path = path.to_owned();
    |source| PcscdError::Create { path, source }
}

const PROGRAM: &str = "/usr/sbin/pcscd";

const RUN_FOLDER: &str = "/run/pcscd";

const DRIVER_FILE: &str = "libhsm_ifd.so";

/// `sd_listen_fds(3)`: `LISTEN_PID` must be the id of the process itself, so a shell sets it before `exec`.
const ACTIVATE: &str = r#"export LISTEN_PID=$$ LISTEN_FDS=1; exec "$0" -f -i -c "$1""#;

/// `SD_LISTEN_FDS_START`.
const FIRST_PASSED_FD: i32 = 3;

/// The longest reader name: 128 bytes with a final zero, minus the six characters that pcscd appends.
const NAME_MAX: usize = 121;

#[cfg(test)]
mod tests {
    use super::*;

    fn conf(names: &[&str], socket: &str) -> Result<String, PcscdError> {
        let readers: Vec<_> = names
            .iter()
            .map(|name| (*name, PathBuf::from(socket)))
            .collect();
        reader_conf(Path::new("/opt/libhsm_ifd.so"), &readers)
    }

    #[test]
    fn a_reader_is_four_lines() {
        assert_eq!(
            conf(&["KeyWriter 17"], "/run/kw/17.sock").unwrap(),
            "FRIENDLYNAME \"KeyWriter 17\"\nDEVICENAME keywriter:/run/kw/17.sock\n\
             LIBPATH /opt/libhsm_ifd.so\nCHANNELID 0\n\n"
        );
    }

    #[test]
    fn sixteen_readers_are_the_most() {
        assert!(conf(&["m"; 16], "/s").is_ok());
        assert!(matches!(
            conf(&["m"; 17], "/s"),
            Err(PcscdError::TooManyReaders(17))
        ));
    }

    #[test]
    fn what_pcscd_would_misread_is_refused() {
        for name in ["", "a\"b", "a\nb", "Schlüssel", &"m".repeat(122)] {
            assert!(
                matches!(conf(&[name], "/s"), Err(PcscdError::Name(_))),
                "{name:?}"
            );
        }
        for path in ["/a b", "/a\n", "/a#", "/a\"", "/ä"] {
            assert!(
                matches!(conf(&["m"], path), Err(PcscdError::Path(_))),
                "{path:?}"
            );
        }
    }

    #[test]
    fn a_missing_driver_is_named_with_what_to_do() {
        let error = PcscdError::NoDriver(PathBuf::from("/x.so")).to_string();
        assert!(error.contains("/x.so") && error.contains(DRIVER_VARIABLE));
    }
}
