//! Frames through two files of the emulator's folder, `doors.in` and `doors.out`. Tests make FIFOs of them.
//!
//! A frame is its kind, the time in milliseconds (8 bytes), the length of its body (4), the body; an answer is the length
//! of its body, the number of instructions (8), the depth of the stack (4), the body. Numbers are little-endian.

use crate::measure::Reading;
use board_qemu::{fail, files::File};
use hsm_core::time::Millis;

/// The head of a frame.
#[derive(Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) now: Millis,
}

/// Both files, and what is read or written next.
pub(crate) struct Doors {
    input: File,
    output: File,
    body: &'static mut [u8],
    len: usize,
    answer: &'static mut [u8],
    answer_len: usize,
}

impl Doors {
    pub(crate) fn open(body: &'static mut [u8], answer: &'static mut [u8]) -> Self {
        Self {
            input: File::input(c"doors.in"),
            output: File::output(c"doors.out"),
            body,
            len: 0,
            answer,
            answer_len: 0,
        }
    }

    /// Waits for a frame.
    pub(crate) fn next(&mut self) -> Frame {
        let mut head = [0; 13];
        self.input.read(&mut head);
        let [kind, now @ .., a, b, c, d] = head;
        self.len = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        match self.body.get_mut(..self.len) {
            Some(body) => self.input.read(body),
            None => fail("a frame is too long"),
        }
        Frame {
            kind,
            now: Millis(u64::from_le_bytes(now)),
        }
    }

    /// Returns the body of the last frame.
    pub(crate) fn body(&self) -> &[u8] {
        self.body.get(..self.len).unwrap_or_default()
    }

    /// Adds bytes to the answer.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        let end = self.answer_len.saturating_add(bytes.len());
        match self.answer.get_mut(self.answer_len..end) {
            Some(place) => place.copy_from_slice(bytes),
            None => fail("an answer is too long"),
        }
        self.answer_len = end;
    }

    /// Writes the answer.
    pub(crate) fn answer(&mut self, reading: Reading) {
        let len = u32::try_from(self.answer_len).unwrap_or(u32::MAX);
        self.output.write(&len.to_le_bytes());
        self.output.write(&reading.instructions.to_le_bytes());
        self.output.write(&reading.stack.to_le_bytes());
        let answer = self.answer.get(..self.answer_len).unwrap_or_default();
        self.output.write(answer);
        self.answer_len = 0;
    }
}
