//! Commands and responses between the interrupt of the USB controller, which has the reader, and the main loop, which has
//! the module. The room for an APDU goes with them, so neither sees it while the other works on it.

use core::cell::RefCell;
use critical_section::Mutex;
use hsm_ccid::{Ccid, Command, Response, Task};

/// A place for one command and one response.
pub struct Mailbox<'b>(Mutex<RefCell<Mail<'b>>>);

struct Mail<'b> {
    is_reset: bool,
    command: Option<Command<'b>>,
    response: Option<Response<'b>>,
}

impl Default for Mailbox<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'b> Mailbox<'b> {
    /// Returns an empty mailbox.
    pub const fn new() -> Self {
        Self(Mutex::new(RefCell::new(Mail {
            is_reset: false,
            command: None,
            response: None,
        })))
    }

    /// Exchanges what there is with the reader: in the interrupt, after it has moved its packets.
    pub fn exchange(&self, reader: &mut Ccid<'b>) {
        self.with(|mail| {
            if let Some(response) = mail.response.take() {
                reader.respond(response);
            }
            while let Some(task) = reader.task() {
                match task {
                    Task::Reset => mail.is_reset = true,
                    Task::Run(command) => mail.command = Some(command),
                }
            }
        });
    }

    /// Returns what the module has to do: in the main loop.
    pub fn take(&self) -> Option<Task<'b>> {
        self.with(|mail| {
            if core::mem::take(&mut mail.is_reset) {
                return Some(Task::Reset);
            }
            mail.command.take().map(Task::Run)
        })
    }

    /// Leaves the module's response for the reader: in the main loop, which then calls the interrupt.
    pub fn respond(&self, response: Response<'b>) {
        self.with(|mail| mail.response = Some(response));
    }

    fn with<T>(&self, act: impl FnOnce(&mut Mail<'b>) -> T) -> T {
        critical_section::with(|section| act(&mut self.0.borrow_ref_mut(section)))
    }
}
