//! The order in which a reader reports what happened, without pcscd.

use super::*;
use std::io::Write;
use std::os::unix::net::UnixListener;
use std::thread;

const NOW: Duration = Duration::ZERO;
const SOON: Duration = Duration::from_secs(10);
const ATR: [u8; 2] = [0x3B, 0x00];

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn listen(&self) -> UnixListener {
        let socket = self.folder.path().join("m.sock");
        if socket.exists() {
            std::fs::remove_file(&socket).unwrap();
        }
        UnixListener::bind(socket).unwrap()
    }

    fn reader(&self) -> Reader {
        let device = [
            DEVICE_PREFIX.as_bytes(),
            self.folder.path().as_os_str().as_bytes(),
            b"/m.sock",
        ]
        .concat();
        Reader::open(&device).unwrap()
    }
}

/// Takes one frame and sends these bytes back.
fn answer(mut stream: &UnixStream, bytes: &[u8]) {
    let mut header = [0; FrameHeader::SIZE];
    stream.read_exact(&mut header).unwrap();
    let mut body = vec![0; FrameHeader::parse(header).unwrap().len];
    stream.read_exact(&mut body).unwrap();
    stream.write_all(bytes).unwrap();
}

fn frame(kind: FrameKind, body: &[u8]) -> Vec<u8> {
    [&FrameHeader::encode(kind, body).unwrap()[..], body].concat()
}

#[test]
fn only_the_device_prefix_opens_a_reader() {
    assert!(Reader::open(b"/tmp/m.sock").is_err());
    assert!(Reader::open(b"").is_err());
}

#[test]
fn a_module_that_listens_is_present_at_once() {
    let bench = Bench::new();
    let _listener = bench.listen();
    assert!(bench.reader().is_present());
}

#[test]
fn a_module_that_comes_later_is_found_by_waiting() {
    let bench = Bench::new();
    let reader = bench.reader();
    assert!(!reader.is_present());
    let _listener = bench.listen();
    assert!(!reader.is_present(), "asking alone accepts nothing");
    reader.wait(SOON).unwrap();
    assert!(reader.is_present());
}

#[test]
fn a_swap_is_reported_to_the_event_thread_whoever_asks_in_between() {
    let bench = Bench::new();
    let listener = bench.listen();
    let reader = bench.reader();
    assert!(reader.is_present());
    drop(listener.accept().unwrap());

    for _client_thread in 0..3 {
        assert!(!reader.is_present());
    }
    reader.wait(SOON).unwrap();
    assert!(!reader.is_present(), "the event thread looks here");
    reader.wait(SOON).unwrap();
    assert!(reader.is_present(), "and only then is the next one in");
}

#[test]
fn a_removal_ends_the_wait() {
    let bench = Bench::new();
    let listener = bench.listen();
    let reader = bench.reader();
    assert!(reader.is_present());
    let (module, _) = listener.accept().unwrap();
    thread::scope(|s| {
        let waiting = s.spawn(|| reader.wait(SOON));
        drop(module);
        waiting.join().unwrap().unwrap();
    });
    assert!(!reader.is_present());
}

#[test]
fn a_call_to_wake_that_came_too_early_counts() {
    let reader = Bench::new().reader();
    reader.wake();
    let begun = Instant::now();
    reader.wait(SOON).unwrap();
    assert!(begun.elapsed() < SOON);
}

#[test]
fn the_atr_is_remembered_until_the_module_is_gone() {
    let bench = Bench::new();
    let listener = bench.listen();
    let reader = bench.reader();
    assert!(reader.is_present());
    let (module, _) = listener.accept().unwrap();
    assert_eq!(reader.atr(), None);
    thread::scope(|s| {
        s.spawn(|| answer(&module, &frame(FrameKind::PowerUp, &ATR)));
        assert_eq!(reader.power_up(), Ok(ATR.to_vec()));
    });
    assert_eq!(reader.atr(), Some(ATR.to_vec()));
    drop(module);
    assert!(!reader.is_present());
    assert_eq!(reader.atr(), None);
}

#[test]
fn what_is_no_answer_ends_the_connection() {
    let overlong = [b'T', 0xFF, 0xFF, 0xFF, 0xFF];
    let cases = [
        b"garbage".to_vec(),
        overlong.to_vec(),
        frame(FrameKind::Reset, &[0x90, 0]),
        frame(FrameKind::Transmit, &[0x90]),
        frame(FrameKind::Transmit, &[]),
    ];
    for bytes in cases {
        let bench = Bench::new();
        let listener = bench.listen();
        let reader = bench.reader();
        assert!(reader.is_present());
        let (module, _) = listener.accept().unwrap();
        thread::scope(|s| {
            s.spawn(|| answer(&module, &bytes));
            assert_eq!(reader.transmit(&[0, 0xA4, 4, 0]), Err(ReaderError::Lost));
        });
        assert!(!reader.is_present());
        assert_eq!(
            reader.transmit(&[0, 0xA4, 4, 0]),
            Err(ReaderError::NoModule)
        );
    }
}

#[test]
fn the_longest_command_and_the_longest_answer_pass_whole() {
    let bench = Bench::new();
    let listener = bench.listen();
    let reader = bench.reader();
    assert!(reader.is_present());
    let (mut module, _) = listener.accept().unwrap();
    let bytes = |len: usize| -> Vec<u8> { (0..=250).cycle().take(len).collect() };
    let (command, response) = (bytes(limits::FRAME_BODY), bytes(limits::RESPONSE_APDU));
    thread::scope(|s| {
        s.spawn(|| {
            let expected = frame(FrameKind::Transmit, &command);
            let mut sent = vec![0; expected.len()];
            module.read_exact(&mut sent).unwrap();
            assert!(sent == expected);
            // In pieces, as a full connection takes them.
            for piece in frame(FrameKind::Transmit, &response).chunks(20_000) {
                module.write_all(piece).unwrap();
            }
        });
        assert!(reader.transmit(&command) == Ok(response.clone()));
    });
}

#[test]
fn bytes_that_nobody_asked_for_are_not_taken_for_the_answer() {
    let bench = Bench::new();
    let listener = bench.listen();
    let reader = bench.reader();
    assert!(reader.is_present());
    let (mut module, _) = listener.accept().unwrap();
    module
        .write_all(&frame(FrameKind::Transmit, &[0x90, 0]))
        .unwrap();
    assert_eq!(reader.transmit(&[0, 0xA4, 4, 0]), Err(ReaderError::Lost));
}

#[test]
fn an_overlong_command_is_refused_and_costs_nothing() {
    let bench = Bench::new();
    let _listener = bench.listen();
    let reader = bench.reader();
    assert!(reader.is_present());
    assert_eq!(
        reader.transmit(&vec![0; limits::FRAME_BODY + 1]),
        Err(ReaderError::TooLong)
    );
    assert!(reader.is_present());
}

#[test]
fn a_module_too_busy_to_accept_does_not_hold_the_reader_up() {
    let bench = Bench::new();
    let listener = bench.listen();
    let mut queue = Vec::new();
    while let Ok(stream) = dial(&bench.folder.path().join("m.sock")) {
        queue.push(stream);
    }
    let reader = bench.reader();
    assert!(!reader.is_present());
    reader.wait(NOW).unwrap();
    assert!(!reader.is_present());
    drop(listener);
}
