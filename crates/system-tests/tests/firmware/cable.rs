//! A board's cable, with the host's side of the reader at the other end.

use crate::board::Board;
use keywriter::transport::usb::ccid::Pipes;
use std::{io, time::Duration};

/// The bulk pipes of a board.
pub(crate) struct Cable {
    pub(crate) board: Board,
    answer: Option<Vec<u8>>,
}

impl Cable {
    pub(crate) const fn of(board: Board) -> Self {
        Self {
            board,
            answer: None,
        }
    }
}

impl Pipes for Cable {
    fn send(&mut self, message: &[u8], _: Duration) -> io::Result<()> {
        self.answer = Some(self.board.packets(message));
        Ok(())
    }

    fn receive(&mut self, room: usize, _: Duration) -> io::Result<Vec<u8>> {
        let answer = self.answer.take().ok_or(io::ErrorKind::TimedOut)?;
        assert!(answer.len() <= room);
        Ok(answer)
    }
}
