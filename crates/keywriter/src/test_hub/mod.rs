//! Modules for tests: a hub of real ones, and one that answers from a list.

pub(crate) mod module;
pub(crate) mod world;

use crate::{
    module::ConnectedModule,
    transport::{Location, Transport, TransportError},
};
use std::collections::VecDeque;

pub(crate) struct Scripted {
    location: Location,
    answers: VecDeque<Vec<u8>>,
}

impl Scripted {
    /// Makes a module that gives these answers and is then pulled out.
    pub(crate) fn module(answers: Vec<Vec<u8>>) -> ConnectedModule {
        ConnectedModule::new(Box::new(Self {
            location: Location::Socket("/run/A.sock".into()),
            answers: answers.into(),
        }))
    }
}

impl Transport for Scripted {
    fn transmit(&mut self, _command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.answers
            .pop_front()
            .ok_or_else(|| TransportError::PulledOut {
                location: self.location.clone(),
            })
    }

    fn location(&self) -> &Location {
        &self.location
    }
}
