//! A module's end of the socket, as small as can be: it answers, dies and misbehaves on command.

use hsm_protocol::frame::{FrameHeader, FrameKind};
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

/// What the card does with a command: its INS.
pub(crate) mod ins {
    /// Sends the data back, or, without any, the command.
    pub(crate) const ECHO: u8 = 0xE0;
    /// Sends the card's number.
    pub(crate) const NUMBER: u8 = 0xE1;
    /// Ends the connection; the next one is accepted at once, as if another card had been put in.
    pub(crate) const SWAP: u8 = 0xD0;
    /// Ends the connection, and stops listening.
    pub(crate) const DIE: u8 = 0xD1;
    /// Sends a frame of no known kind.
    pub(crate) const GARBAGE: u8 = 0xD2;
    /// Announces an answer of four gigabytes.
    pub(crate) const OVERLONG: u8 = 0xD3;
    /// Answers with one byte.
    pub(crate) const SHORT: u8 = 0xD4;
}

/// A card in a reader. Dropping it pulls it out.
pub(crate) struct Card {
    socket: PathBuf,
    listener: UnixStream,
    open: Arc<Mutex<Vec<UnixStream>>>,
}

impl Card {
    pub(crate) fn plug(socket: &Path, number: u8) -> Self {
        let listener = UnixListener::bind(socket).unwrap();
        let open = Arc::new(Mutex::new(Vec::new()));
        // The same file, seen as a stream: shutting it down ends the accept below.
        let handle = UnixStream::from(std::os::fd::OwnedFd::from(listener.try_clone().unwrap()));
        let card = Self {
            socket: socket.to_owned(),
            listener: handle.try_clone().unwrap(),
            open: Arc::clone(&open),
        };
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                open.lock().unwrap().push(stream.try_clone().unwrap());
                let (path, handle) = (listener.local_addr().unwrap(), handle.try_clone().unwrap());
                thread::spawn(move || {
                    let end = serve(&stream, number);
                    if matches!(end, Ok(End::Card)) {
                        std::fs::remove_file(path.as_pathname().unwrap()).unwrap();
                        handle.shutdown(Shutdown::Both).unwrap();
                    }
                    // Another handle of this stream is in the list, so that dropping this one is not enough.
                    let (Ok(()) | Err(_)) = stream.shutdown(Shutdown::Both);
                });
            }
        });
        card
    }
}

impl Drop for Card {
    fn drop(&mut self) {
        // A card that has died has done all this already.
        let (Ok(()) | Err(_)) = std::fs::remove_file(&self.socket);
        let (Ok(()) | Err(_)) = self.listener.shutdown(Shutdown::Both);
        for stream in self.open.lock().unwrap().drain(..) {
            let (Ok(()) | Err(_)) = stream.shutdown(Shutdown::Both);
        }
    }
}

enum End {
    Connection,
    Card,
}

fn serve(mut stream: &UnixStream, number: u8) -> io::Result<End> {
    loop {
        let mut header = [0; FrameHeader::SIZE];
        stream.read_exact(&mut header)?;
        let header = FrameHeader::parse(header).unwrap();
        let mut body = vec![0; header.len];
        stream.read_exact(&mut body)?;
        let answer = match (header.kind, body.as_slice()) {
            (FrameKind::PowerUp | FrameKind::Reset, _) => atr(),
            (FrameKind::PowerDown, _) => Vec::new(),
            (FrameKind::Transmit, [_, ins::ECHO, _, _, 0, _, _, data @ ..]) => {
                [data, &[0x90, 0]].concat()
            }
            (FrameKind::Transmit, [_, ins::ECHO, ..]) => [body.as_slice(), &[0x90, 0]].concat(),
            (FrameKind::Transmit, [_, ins::NUMBER, ..]) => vec![number, 0x90, 0],
            (FrameKind::Transmit, [_, ins::SWAP, ..]) => return Ok(End::Connection),
            (FrameKind::Transmit, [_, ins::DIE, ..]) => return Ok(End::Card),
            (FrameKind::Transmit, [_, ins::GARBAGE, ..]) => {
                stream.write_all(b"not a frame")?;
                continue;
            }
            (FrameKind::Transmit, [_, ins::OVERLONG, ..]) => {
                stream.write_all(&[b'T', 0xFF, 0xFF, 0xFF, 0xFF])?;
                continue;
            }
            (FrameKind::Transmit, [_, ins::SHORT, ..]) => vec![0x90],
            (FrameKind::Transmit, _) => vec![0x6D, 0],
        };
        stream.write_all(
            &[
                &FrameHeader::encode(header.kind, &answer).unwrap()[..],
                &answer,
            ]
            .concat(),
        )?;
    }
}

/// T=1 and extended length (ISO 7816-3 § 8.2, ISO 7816-4 § 12.1.1): a head, "kw-tt", and the XOR of all but the first.
pub(crate) fn atr() -> Vec<u8> {
    let mut atr = b"\x3B\x8B\x81\x31\xFE\x45\x80\x73\x80\x01\x40\x65kw-tt".to_vec();
    atr.push(atr.iter().skip(1).fold(0, |sum, byte| sum ^ byte));
    atr
}
