//! Why a command failed.

use crate::transport::{Location, TransportError};
use hsm_protocol::{Status, self_test::SelfTest};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModuleError {
    /// The module did not answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The module refused.
    #[error("{}", crate::error::reason(*.0))]
    Refused(Status),
    /// A self-test of the module failed, and the module stopped.
    #[error("its self-test of {} failed, and it stopped", .0.name())]
    SelfTest(SelfTest),
    /// The module answered with a status that is not in the protocol.
    #[error("the module in {location} answered with the unknown status {word:04X}")]
    UnknownStatus {
        /// Where it is.
        location: Location,
        /// SW1 and SW2.
        word: u16,
    },
    /// The module's answer has the wrong shape.
    #[error("the module in {location} gave a malformed answer")]
    Malformed {
        /// Where it is.
        location: Location,
    },
    /// The module's journal contradicts itself.
    #[error("the journal of the module in {0} contradicts itself")]
    Inconsistent(Location),
    /// The module's answer is not signed with its certified key: it was changed on its way.
    #[error("the answer from {location} is not signed with the module's key")]
    NotSigned {
        /// Where it is.
        location: Location,
    },
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system")]
    Random(#[source] getrandom::Error),
}

impl ModuleError {
    /// Returns the error of an answer that has the wrong shape.
    pub(crate) fn malformed(location: &Location) -> Self {
        Self::Malformed {
            location: location.clone(),
        }
    }

    /// Returns whether the connection failed, rather than the module refused.
    pub const fn is_link(&self) -> bool {
        matches!(self, Self::Transport(_))
    }

    /// Returns the error for a module that was there before: if it is absent, it was pulled out.
    #[must_use]
    pub fn into_pulled_out(self) -> Self {
        match self {
            Self::Transport(TransportError::Absent { location }) => {
                Self::Transport(TransportError::PulledOut { location })
            }
            other => other,
        }
    }

    /// Returns whether the module lost the run or cycle that the command belongs to.
    pub const fn is_run_lost(&self) -> bool {
        matches!(self, Self::Refused(Status::OutOfOrder))
    }
}
