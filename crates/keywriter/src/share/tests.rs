//! Streams over a module that inverts each bit and makes no tags; what real modules check is tested with real modules.

use super::{
    ShareError, Source, decrypt_in_module as decrypt, encrypt_in_module as encrypt, inspect,
    read_header,
};
use crate::{
    file::InputFile,
    module::{ConnectedModule, ModuleError},
    transport::{Location, RemovalSignal, Transport, TransportError},
};
use hsm_protocol::{
    Status,
    apdu::CommandApdu,
    command::ins,
    file::{FileHeader, FileMode, Lead, MAGIC, OpenChunk, SealChunk},
    settings::EncryptionMode,
};
use local_socket::Stream;
use std::{
    io::{self, Read, Write},
    sync::{Mutex, mpsc},
    thread,
    time::Duration,
};

/// Takes one command at a time, as a reader does, and is pulled out after so many.
struct Inverter {
    location: Location,
    left: usize,
    /// Hangs up with its other end.
    removal: Mutex<Option<Stream>>,
}

impl Transport for Inverter {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.left = self
            .left
            .checked_sub(1)
            .ok_or_else(|| TransportError::PulledOut {
                location: self.location.clone(),
            })?;
        let apdu = CommandApdu::parse(command).unwrap();
        let mut answer = answer(apdu.ins, apdu.data);
        answer.extend([0x90, 0]);
        if apdu.ins == ins::FILE_OPEN && apdu.data.ends_with(&[0xBA; 16]) {
            let [high, low] = Status::NotAuthentic.to_word().to_be_bytes();
            answer = vec![high, low];
        }
        Ok(answer)
    }

    fn location(&self) -> &Location {
        &self.location
    }

    fn removal_signal(&self) -> Option<RemovalSignal> {
        let stream = self.removal.lock().unwrap().take()?;
        Some(RemovalSignal::new(stream, self.location.clone()))
    }
}

fn answer(ins: u8, data: &[u8]) -> Vec<u8> {
    match ins {
        ins::FILE_BEGIN => {
            let header = FileHeader {
                mode: FileMode::InModule(EncryptionMode::Xts),
                group: [1; 8],
                epoch: [2; 8],
                chunk_size: u32::from_be_bytes(data.try_into().unwrap()),
                salt: [2; 32],
            };
            header.to_bytes().unwrap().into()
        }
        ins::FILE_SEAL => {
            let (fields, plain) = data.split_at(SealChunk::FIELDS);
            let lead = Lead {
                last: fields.last() == Some(&1),
                len: plain.len().try_into().unwrap(),
            };
            let mut padded = plain.to_vec();
            padded.resize(cipher_len(lead), 0);
            let cipher: Vec<_> = padded.iter().map(|byte| !byte).collect();
            [&lead.to_bytes()[..], &cipher, &[0; 16]].concat()
        }
        ins::FILE_OPEN => {
            let chunk = &data[OpenChunk::FIELDS..];
            let len = usize::from(chunk[3]) | usize::from(chunk[2]) << 8;
            chunk[Lead::SIZE..][..len]
                .iter()
                .map(|byte| !byte)
                .collect()
        }
        _ => unreachable!("no such command"),
    }
}

fn cipher_len(lead: Lead) -> usize {
    lead.cipher_len(FileMode::InModule(EncryptionMode::Xts))
}

fn module(left: usize) -> ConnectedModule {
    module_on(left, None)
}

fn module_on(left: usize, removal: Option<Stream>) -> ConnectedModule {
    let location = Location::Reader("A".into());
    let removal = Mutex::new(removal);
    ConnectedModule::new(Box::new(Inverter {
        location,
        left,
        removal,
    }))
}

fn encrypted(plain: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    super::stream::encrypt_chunks(&mut module(1000), 64, &mut &*plain, &mut file, &mut |_| {})
        .unwrap();
    file
}

fn decrypted(file: &[u8]) -> (Vec<u8>, Result<(), ShareError>) {
    let mut input = file;
    let mut plain = Vec::new();
    let outcome = read_header(&mut input).and_then(|header| {
        decrypt(
            &mut module(1000),
            &header,
            &mut input,
            &mut plain,
            &mut |_| {},
        )
        .map(drop)
    });
    (plain, outcome)
}

#[test]
fn streams_of_any_length_come_back() {
    for len in [0, 1, 16, 63, 64, 65, 128, 1000] {
        let plain: Vec<u8> = (0..=255).cycle().take(len).collect();
        let file = encrypted(&plain);
        assert_eq!(decrypted(&file).0, plain, "{len}");
        let inspection = inspect(&mut &*file).unwrap();
        assert_eq!(inspection.plain, u64::try_from(len).unwrap());
        assert_eq!(inspection.size, u64::try_from(file.len()).unwrap());
    }
}

#[test]
fn a_full_sized_stream_comes_back_and_progress_rises_to_its_end() {
    let plain: Vec<u8> = (0..=250).cycle().take(61_440 * 3).collect();
    let (mut file, mut heard) = (Vec::new(), Vec::new());
    let mut progress = |bytes| heard.push(bytes);
    let summary = encrypt(&mut module(9), &mut &*plain, &mut file, &mut progress).unwrap();
    assert_eq!(heard, [61_440, 122_880, 184_320]);
    assert_eq!(summary.1, 184_320);
    assert_eq!(inspect(&mut &*file).unwrap().chunks, 3);
}

#[test]
fn a_file_cut_at_any_length_is_refused() {
    let file = encrypted(&[7; 150]);
    for len in 0..file.len() {
        let (_, outcome) = decrypted(&file[..len]);
        let error = outcome.unwrap_err();
        let expected = if len <= MAGIC.len() {
            matches!(error, ShareError::NotOurs)
        } else {
            matches!(error, ShareError::Cut | ShareError::NotOurs)
        };
        assert!(
            expected && inspect(&mut &file[..len]).is_err(),
            "{len}: {error}"
        );
    }
}

#[test]
fn a_file_with_trailing_data_is_refused() {
    for len in [0, 1, 64, 100] {
        let mut file = encrypted(&vec![7; len]);
        for more in [1, 16, 84, 200] {
            file.resize(file.len() + more, 0);
            let error = decrypted(&file).1.unwrap_err();
            assert!(
                matches!(error, ShareError::Extended),
                "{len} {more}: {error}"
            );
        }
    }
}

#[test]
fn nothing_of_a_chunk_that_does_not_verify_is_written() {
    let mut file = encrypted(&[7; 200]);
    let second = FileHeader::SIZE + 84;
    file[second + 68..second + 84].fill(0xBA);
    let (plain, outcome) = decrypted(&file);
    assert!(
        matches!(outcome, Err(ShareError::Changed(1))),
        "{outcome:?}"
    );
    assert_eq!(plain, [7; 64]);
}

#[test]
fn a_module_that_is_pulled_out_ends_it() {
    let mut file = Vec::new();
    let plain = vec![7; 100_000];
    let outcome =
        super::stream::encrypt_chunks(&mut module(5), 64, &mut &*plain, &mut file, &mut |_| {});
    assert!(matches!(
        outcome,
        Err(ShareError::Module(ModuleError::Transport(
            TransportError::PulledOut { .. }
        )))
    ));
}

/// Returns the result of `work`, which must not wait for more input.
fn soon<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, results) = mpsc::channel();
    thread::spawn(move || sender.send(work()));
    results
        .recv_timeout(Duration::from_secs(20))
        .expect("it does not wait for input")
}

#[test]
fn a_module_that_is_pulled_out_while_input_is_awaited_ends_it() {
    let (mut input, _writer) = InputFile::pipe(&[7; 100]);
    let (removal, plug) = local_socket::pair().unwrap();
    let outcome = soon(move || {
        let mut plug = Some(plug);
        // The first chunk is done; of the second, nothing comes.
        super::stream::encrypt_chunks(
            &mut module_on(9, Some(removal)),
            32,
            &mut input,
            &mut Vec::new(),
            &mut |_| drop(plug.take()),
        )
    });
    assert!(matches!(
        outcome,
        Err(ShareError::Module(ModuleError::Transport(
            TransportError::PulledOut { .. }
        )))
    ));
}

#[test]
fn a_changed_chunk_is_reported_at_once_though_more_of_the_file_is_awaited() {
    let mut file = encrypted(&[7; 200]);
    file[FileHeader::SIZE + 68..FileHeader::SIZE + 84].fill(0xBA);
    file.truncate(FileHeader::SIZE + 84);
    let (mut input, _writer) = InputFile::pipe(&file);
    let outcome = soon(move || {
        let header = read_header(&mut input).unwrap();
        decrypt(
            &mut module(9),
            &header,
            &mut input,
            &mut Vec::new(),
            &mut |_| {},
        )
    });
    assert!(
        matches!(outcome, Err(ShareError::Changed(0))),
        "{outcome:?}"
    );
}

#[test]
fn a_pipe_is_read_to_its_end() {
    let plain = vec![7; 100_000];
    let (mut input, mut writer) = InputFile::pipe(&[]);
    let written = plain.clone();
    thread::spawn(move || {
        for part in written.chunks(999) {
            writer.write_all(part).unwrap();
        }
    });
    let mut file = Vec::new();
    encrypt(&mut module(9), &mut input, &mut file, &mut |_| {}).unwrap();
    assert_eq!(decrypted(&file).0, plain);
}

/// Fails after so many bytes.
struct Failing(usize);

impl Write for Failing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self
            .0
            .checked_sub(bytes.len())
            .ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Source for Failing {}

impl Read for Failing {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let len = bytes.len().min(self.0);
        self.0 -= len;
        if len == 0 {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(len)
    }
}

#[test]
fn a_failing_input_and_a_failing_output_are_told_apart() {
    let plain = vec![7; 100_000];
    let full = encrypt(
        &mut module(9),
        &mut &*plain,
        &mut Failing(70_000),
        &mut |_| {},
    );
    assert!(matches!(full, Err(ShareError::Write(_))));
    let unreadable = encrypt(
        &mut module(9),
        &mut Failing(70_000),
        &mut Vec::new(),
        &mut |_| {},
    );
    assert!(matches!(unreadable, Err(ShareError::Read(_))));
}
