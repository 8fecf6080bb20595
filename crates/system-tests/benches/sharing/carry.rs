//! What pcscd itself can carry: commands and answers of a chunk's size, to a card that does nothing.
//!
//! The client is this program run again: libpcsclite takes pcscd's socket from the environment, once per process.

use hsm_protocol::{
    command::ATR,
    file::{CHUNK_OVERHEAD, SealChunk},
    frame::{FrameHeader, FrameKind},
    limits,
};
use hsm_virtual::pcscd::{self, Pcscd};
use pcsc::{Card, Context, Protocols, Scope, ShareMode};
use std::{
    env,
    io::{self, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// The argument that makes this program the client.
const CLIENT: &str = "--carry";

/// How long one chunk is under way, there and back.
#[derive(Clone, Copy)]
pub(crate) struct Carried {
    /// One after the other, as a card handle allows.
    pub(crate) one: Duration,
    /// With two handles, which a pcscd serves with two threads.
    pub(crate) two: Duration,
}

/// Measures, if this is the client; whether it was.
pub(crate) fn is_client() -> bool {
    let is_client = env::args().any(|argument| argument == CLIENT);
    if is_client {
        let one = per_chunk(1);
        let two = per_chunk(2);
        println!("{} {}", one.as_nanos(), two.as_nanos());
    }
    is_client
}

/// Measures with a pcscd of its own.
pub(crate) fn measure() -> Carried {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("card.sock");
    let listener = UnixListener::bind(&socket).expect("a socket");
    // It ends with the program.
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || answer(stream));
        }
    });
    let driver = pcscd::find_driver().expect("it is built");
    let daemon = Pcscd::start(folder.path(), &driver, &[("Nothing".into(), socket)]);
    let daemon = daemon.expect("pcscd starts");
    let client = Command::new(env::current_exe().expect("its own path"))
        .arg(CLIENT)
        .env(pcscd::SOCKET_VARIABLE, daemon.socket())
        .output()
        .expect("it starts");
    assert!(client.status.success(), "{client:?}");
    let text = String::from_utf8_lossy(&client.stdout).into_owned();
    let mut figures = text
        .split_whitespace()
        .map(|word| Duration::from_nanos(word.parse().expect("a figure")));
    let mut next = || figures.next().expect("two figures");
    Carried {
        one: next(),
        two: next(),
    }
}

/// As a module does, with an answer that lies ready.
fn answer(mut stream: UnixStream) -> io::Result<()> {
    let mut body = vec![0; limits::FRAME_BODY];
    let sealed = vec![0x90; limits::CIPHER_DATA + CHUNK_OVERHEAD];
    let sealed = [&sealed, &[0x90, 0x00][..]].concat();
    loop {
        let mut header = [0; FrameHeader::SIZE];
        stream.read_exact(&mut header)?;
        let header = FrameHeader::parse(header).map_err(io::Error::other)?;
        let body = body.get_mut(..header.len).unwrap_or_default();
        stream.read_exact(body)?;
        let answer: &[u8] = match header.kind {
            FrameKind::PowerUp | FrameKind::Reset => &ATR,
            FrameKind::PowerDown => &[],
            FrameKind::Transmit => &sealed,
        };
        let header = FrameHeader::encode(header.kind, answer).map_err(io::Error::other)?;
        stream.write_all(&[&header[..], answer].concat())?;
    }
}

/// With so many handles at once.
fn per_chunk(handles: u32) -> Duration {
    let cards: Vec<_> = (0..handles).map(|_| connect()).collect();
    let began = Instant::now();
    thread::scope(|scope| {
        for card in &cards {
            scope.spawn(move || {
                let command = vec![0; COMMAND];
                let mut room = vec![0; limits::RESPONSE_APDU + 12];
                for _ in 0..CHUNKS / handles {
                    let answer = card.transmit(&command, &mut room).expect("an answer");
                    assert_eq!(answer.len(), limits::CIPHER_DATA + CHUNK_OVERHEAD + 2);
                }
            });
        }
    });
    began.elapsed() / CHUNKS
}

/// Once pcscd has seen the card.
fn connect() -> Card {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let card = Context::establish(Scope::User).and_then(|context| {
            let readers = context.list_readers_owned()?;
            let reader = readers.first().ok_or(pcsc::Error::NoReadersAvailable)?;
            context.connect(reader, ShareMode::Shared, Protocols::T1)
        });
        match card {
            Ok(card) => return card,
            Err(error) => assert!(Instant::now() < end, "no card: {error}"),
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// A FILE SEAL command of a full chunk: header, lengths and data.
const COMMAND: usize = 4 + 3 + SealChunk::FIELDS + limits::CIPHER_DATA + 2;

/// 128 MiB.
const CHUNKS: u32 = 2184;
