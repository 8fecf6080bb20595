//! A module at its hub's socket, spoken to without the host's library.

use hsm_protocol::{
    Status,
    apdu::encode_extended,
    command::CLA,
    frame::{FrameHeader, FrameKind},
    limits,
};
use hsm_testbench::files::Commands;
use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::Path,
};

/// A connection to a module.
pub struct Wire(UnixStream);

impl Wire {
    /// Connects to it.
    pub fn open(socket: &Path) -> Self {
        Self(UnixStream::connect(socket).expect("a module"))
    }
}

impl Commands for Wire {
    fn command(&mut self, ins: u8, p1: u8, data: &[u8]) -> Result<Vec<u8>, Status> {
        let mut apdu = vec![0; limits::COMMAND_APDU];
        let len = encode_extended([CLA, ins, p1, 0], data, &mut apdu).expect("fits");
        let header = FrameHeader::encode(FrameKind::Transmit, &apdu[..len]).expect("short");
        self.0.write_all(&header).expect("sent");
        self.0.write_all(&apdu[..len]).expect("sent");
        let mut header = [0; FrameHeader::SIZE];
        self.0.read_exact(&mut header).expect("an answer");
        let mut answer = vec![0; FrameHeader::parse(header).expect("a frame").len];
        self.0.read_exact(&mut answer).expect("an answer");
        let (data, word) = answer.split_last_chunk::<2>().expect("a status word");
        match Status::from_word(u16::from_be_bytes(*word)).expect("a known status") {
            Status::Success => Ok(data.to_vec()),
            refused => Err(refused),
        }
    }
}
