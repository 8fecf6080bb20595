//! A hub's folder with a board in it, for the real `keywriter`: its socket leads to the board's USB cable.

use crate::board::Board;
use hsm_protocol::{
    command::ATR,
    frame::{FrameHeader, FrameKind, ROOT_FILE, RUN_FOLDER, SOCKET_ENDING},
};
use std::{
    fs,
    io::{self, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    process::{Command, Output},
    sync::{Arc, Mutex},
    thread,
};
use system_tests::lab::program;
use tempfile::TempDir;

/// The folder; a thread for each connection serves the board.
pub(crate) struct Hub(TempDir);

impl Hub {
    /// Puts a board into a new hub's folder.
    pub(crate) fn of(board: Board, serial: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("hub").join(RUN_FOLDER);
        fs::create_dir_all(&run).unwrap();
        let socket = UnixListener::bind(run.join(format!("{serial}.{SOCKET_ENDING}"))).unwrap();
        let board = Arc::new(Mutex::new(board));
        thread::spawn(move || {
            for connection in socket.incoming() {
                let (mut connection, board) = (connection.unwrap(), board.clone());
                thread::spawn(move || serve(&mut connection, &board));
            }
        });
        Self(folder)
    }

    /// Puts the root where a hub has it.
    pub(crate) fn trust(&self, root: &str) {
        let run = self.0.path().join("hub").join(RUN_FOLDER);
        fs::write(run.join(ROOT_FILE), root).unwrap();
    }

    /// Runs `keywriter` in the folder; its standard output.
    pub(crate) fn keywriter(&self, arguments: &[&str]) -> String {
        let keywriter = program("keywriter");
        let words = [&["--transport", "socket"], arguments].concat();
        self.run(keywriter.to_str().unwrap(), &words).unwrap()
    }

    /// Runs a program in the folder; its standard output, or what it complains of.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Result<String, String> {
        let Output {
            status,
            stdout,
            stderr,
        } = Command::new(program)
            .current_dir(self.0.path())
            .args(arguments)
            .env("KEYWRITER_HUB", self.0.path().join("hub"))
            .env("XDG_STATE_HOME", self.0.path().join("user"))
            .output()
            .unwrap();
        let [out, err] = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        if status.success() { Ok(out) } else { Err(err) }
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.0.path().join(name), bytes).unwrap();
    }

    pub(crate) fn remove(&self, names: &[&str]) {
        let paths = names.iter().map(|name| self.0.path().join(name));
        paths.for_each(|path| fs::remove_file(path).unwrap());
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.path().join(name)).unwrap()
    }
}

/// Answers frames until the program hangs up.
fn serve(connection: &mut UnixStream, board: &Mutex<Board>) -> io::Result<()> {
    loop {
        let mut header = [0; FrameHeader::SIZE];
        connection.read_exact(&mut header)?;
        let FrameHeader { kind, len } = FrameHeader::parse(header).unwrap();
        let mut body = vec![0; len];
        connection.read_exact(&mut body)?;
        let answer = match kind {
            FrameKind::PowerUp | FrameKind::Reset => ATR.to_vec(),
            FrameKind::PowerDown => Vec::new(),
            FrameKind::Transmit => board.lock().unwrap().apdu(&body, "keywriter"),
        };
        connection.write_all(&FrameHeader::encode(kind, &answer).unwrap())?;
        connection.write_all(&answer)?;
    }
}
