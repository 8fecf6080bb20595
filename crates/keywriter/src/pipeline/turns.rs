//! A pipeline over a connection that takes one command at a time: a thread sends and receives in turn.

use super::AHEAD;
use crate::transport::{ApduPipeline, Location, ReceiveHalf, SendHalf, Transport, TransportError};
use hsm_protocol::limits;
use std::{
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::Scope,
};

pub(super) fn pipeline<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    transport: &'env mut dyn Transport,
    location: &Location,
) -> ApduPipeline<'env> {
    let (commands, to_send) = sync_channel::<Vec<u8>>(1);
    let (answered, answers) = sync_channel(1);
    let (used, spare) = sync_channel(AHEAD);
    scope.spawn(move || {
        for command in to_send {
            let answer = transport.transmit(&command);
            let is_over = answer.is_err();
            if answered.send(answer).is_err() || is_over {
                break;
            }
            // If there are spare buffers enough, this one is dropped.
            drop(used.try_send(command));
        }
    });
    ApduPipeline {
        send: Box::new(Commands {
            to_thread: commands,
            spare,
            location: location.clone(),
        }),
        receive: Box::new(Answers {
            from_thread: answers,
            location: location.clone(),
        }),
    }
}

struct Commands {
    to_thread: SyncSender<Vec<u8>>,
    spare: Receiver<Vec<u8>>,
    location: Location,
}

impl SendHalf for Commands {
    fn send(&mut self, command: &[u8]) -> Result<(), TransportError> {
        let mut buffer = self
            .spare
            .try_recv()
            .unwrap_or_else(|_none| Vec::with_capacity(limits::COMMAND_APDU));
        buffer.clear();
        buffer.extend_from_slice(command);
        let location = || self.location.clone();
        self.to_thread
            .send(buffer)
            .map_err(|_over| TransportError::PulledOut {
                location: location(),
            })
    }
}

struct Answers {
    from_thread: Receiver<Result<Vec<u8>, TransportError>>,
    location: Location,
}

impl ReceiveHalf for Answers {
    fn receive(&mut self, answer: &mut Vec<u8>) -> Result<(), TransportError> {
        let location = || self.location.clone();
        let received = self.from_thread.recv();
        *answer = received.map_err(|_over| TransportError::PulledOut {
            location: location(),
        })??;
        Ok(())
    }

    fn abandon(&mut self) {
        // The thread ends once its answers are no longer received.
        self.from_thread = sync_channel(0).1;
    }
}
