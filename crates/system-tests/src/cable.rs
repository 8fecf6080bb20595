//! A cable with an attacker on it: every frame passes, and answers may be changed on their way.

use hsm_protocol::frame::{FrameHeader, FrameKind};
use std::{
    fs,
    io::{self, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

/// What the attacker does to an answer: the command's instruction, and the response APDU.
pub type Change = dyn Fn(u8, &mut Vec<u8>) + Send + Sync;

/// A hub's folder as a host sees it that is connected through the attacker's cables.
#[derive(Debug)]
pub struct Tapped(PathBuf);

impl Tapped {
    /// Makes the folder `to`, with the root certificate of the hub in `hub`.
    pub fn new(hub: &Path, to: &Path) -> Self {
        fs::create_dir_all(to.join("run")).expect("a folder");
        fs::copy(hub.join("run/root.pem"), to.join("run/root.pem")).expect("a root");
        Self(to.to_owned())
    }

    /// Its path, for `--state`.
    pub fn name(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }

    /// Lays a cable to a module's socket.
    #[must_use]
    pub fn cable(
        self,
        module: &Path,
        change: impl Fn(u8, &mut Vec<u8>) + Send + Sync + 'static,
    ) -> Self {
        let end = self.0.join("run").join(module.file_name().expect("a name"));
        let listener = UnixListener::bind(end).expect("a socket");
        let (module, change): (_, Arc<Change>) = (module.to_owned(), Arc::new(change));
        thread::spawn(move || {
            for host in listener.incoming() {
                let (host, change) = (host.expect("a host"), Arc::clone(&change));
                let module = UnixStream::connect(&module).expect("a module");
                // A host or a module that hangs up ends it.
                thread::spawn(move || drop(carry(host, module, &*change)));
            }
        });
        self
    }
}

fn carry(mut host: UnixStream, mut module: UnixStream, change: &Change) -> io::Result<()> {
    loop {
        let (kind, command) = read(&mut host)?;
        write(&mut module, kind, &command)?;
        let (kind, mut answer) = read(&mut module)?;
        if let (FrameKind::Transmit, Some(ins)) = (kind, command.get(1)) {
            change(*ins, &mut answer);
        }
        write(&mut host, kind, &answer)?;
    }
}

fn read(from: &mut UnixStream) -> io::Result<(FrameKind, Vec<u8>)> {
    let mut header = [0; FrameHeader::SIZE];
    from.read_exact(&mut header)?;
    let header = FrameHeader::parse(header).map_err(|_shape| io::ErrorKind::InvalidData)?;
    let mut body = vec![0; header.len];
    from.read_exact(&mut body)?;
    Ok((header.kind, body))
}

fn write(to: &mut UnixStream, kind: FrameKind, body: &[u8]) -> io::Result<()> {
    let header = FrameHeader::encode(kind, body).map_err(|_shape| io::ErrorKind::InvalidData)?;
    to.write_all(&[&header, body].concat())
}
