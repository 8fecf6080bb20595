//! Shared files from an unknown sender: the reader outputs only what a module has verified, and uses limited memory.

use crate::{cheap::Cheap, stage};
use hsm_protocol::{
    apdu::CommandApdu,
    command::ins,
    file::{CHUNK_OVERHEAD, FileHeader},
    limits,
};
use hsm_testbench::Bench;
use keywriter::{
    module::ConnectedModule,
    share::{self, ShareError, Source},
    transport::{Location, Transport, TransportError},
};
use std::{
    io::{self, Read, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A header; the reader must agree about a file that begins with these bytes.
pub fn header(data: &[u8]) {
    let read = share::read_header(&mut &*data);
    let Some(bytes) = data.first_chunk() else {
        assert!(read.is_err(), "too short");
        return;
    };
    match FileHeader::parse(bytes) {
        Ok(header) => {
            assert_eq!(header.to_bytes().as_ref(), Ok(bytes));
            assert!(
                usize::try_from(header.chunk_size).is_ok_and(|size| size <= limits::CIPHER_DATA)
            );
            assert!(read.is_ok_and(|read| read == header));
        }
        Err(_) => assert!(matches!(
            read,
            Err(ShareError::NotOurs
                | ShareError::Version(_)
                | ShareError::Header
                | ShareError::Cut)
        )),
    }
}

/// A whole file, for a module whose tags the fuzzer can guess. The module is in the file's group if the file names it.
pub fn whole(data: &[u8]) {
    let inspected = share::inspect(&mut Limited(data));
    let mut input = Limited(data);
    let Ok(header) = share::read_header(&mut input) else {
        assert!(inspected.is_err());
        return;
    };
    let verified = Verified::default();
    let mut bench = stage::locked();
    bench.unlock_user();
    let mut module = ConnectedModule::new(Box::new(OnBench {
        bench,
        location: Location::Reader("A".into()),
        verified: verified.clone(),
    }));
    let mut output = Output {
        written: 0,
        verified: verified.clone(),
    };
    let outcome =
        share::decrypt_in_module(&mut module, &header, &mut input, &mut output, &mut |_| {});
    match (outcome, inspected) {
        (Ok(bytes), Ok(inspection)) => {
            assert_eq!(bytes, inspection.plain);
            assert_eq!(output.written, verified.plain().len(), "all of it");
        }
        (Ok(_), Err(error)) => panic!("decrypted, though {error}"),
        (Err(_), _) => {}
    }
}

/// Input in pieces. A reader that asks for more than a chunk at once is a finding.
struct Limited<'a>(&'a [u8]);

impl Source for Limited<'_> {}

impl Read for Limited<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        assert!(bytes.len() <= limits::CIPHER_DATA + CHUNK_OVERHEAD);
        let len = bytes.len().min(1000);
        self.0.read(&mut bytes[..len])
    }
}

/// What a module has verified so far.
#[derive(Clone, Default)]
struct Verified(Arc<Mutex<Vec<u8>>>);

impl Verified {
    fn plain(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts only what a module has verified, in order.
struct Output {
    written: usize,
    verified: Verified,
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let end = self.written + bytes.len();
        assert_eq!(self.verified.plain().get(self.written..end), Some(bytes));
        self.written = end;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct OnBench {
    bench: Bench<Cheap>,
    location: Location,
    verified: Verified,
}

impl Transport for OnBench {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        assert!(command.len() <= limits::COMMAND_APDU);
        let apdu = CommandApdu::parse(command).expect("the host sends commands");
        assert_eq!(apdu.ins, ins::FILE_OPEN);
        let answer = self.bench.raw(command);
        if let Some(plain) = answer.strip_suffix(&[0x90, 0]) {
            self.verified.plain().extend_from_slice(plain);
        }
        Ok(answer)
    }

    fn location(&self) -> &Location {
        &self.location
    }
}
