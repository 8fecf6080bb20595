//! What a host's command asks a person for (PROTOCOL § 2.10, docs/KEYPAD.md): on a module in use, an act that destroys
//! or widens something is done only after its chord was held on the keypad.

use crate::time::{ASKS, Millis};
use heapless::Vec;
use hsm_protocol::{
    Sha384Digest, Status, Verifier,
    ticket::{self, CODE, CODE_HALF},
};

/// An act that a person must allow.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// Another module's CSPs replace this one's.
    Replace,
    /// The group gets its next epoch, and modules are retired.
    Rekey,
    /// The group gets another policy.
    Policy,
    /// The journal's table of all clones is cleared.
    ClearTable,
    /// A ticket is ended before it is used up.
    Withdraw,
    /// The module's custodian agrees to a ticket. Its code is typed: a chord cannot say which ticket.
    Approve,
}

impl Act {
    /// Returns the digit that, held together with KEY, allows this act and no other; `None` if a code is typed.
    pub(crate) const fn digit(self) -> Option<u8> {
        match self {
            Self::Replace => Some(1),
            Self::Rekey => Some(2),
            Self::Policy => Some(3),
            Self::ClearTable => Some(4),
            Self::Withdraw => Some(5),
            Self::Approve => None,
        }
    }
}

/// Proof that a person allowed an act, or that the module has nothing to lose. An act uses it up.
pub(crate) struct Confirmed(());

impl Confirmed {
    /// Nobody needs to be asked: the module holds nothing.
    pub(crate) const NOTHING_TO_LOSE: Self = Self(());
}

/// What is asked, if anything.
#[derive(Default)]
pub(crate) struct Asking(Option<Question>);

/// One command, and how far the person is.
struct Question {
    act: Act,
    /// SHA-384 of the command's header and data.
    command: Sha384Digest,
    since: Millis,
    answer: Answer,
    code: Code,
}

/// What is typed of an approval code, and for which ticket.
#[derive(Default)]
struct Code {
    ticket: Option<Sha384Digest>,
    /// ASCII digits.
    typed: Vec<u8, CODE>,
    wrong: u8,
}

/// Wrong codes that end an attempt.
const WRONG_CODES: u8 = 3;

impl Code {
    fn is_right<V: Verifier>(&self) -> bool {
        let drawn = self.typed.first_chunk::<CODE_HALF>();
        let follows = self.typed.get(CODE_HALF..);
        match (self.ticket, drawn, follows) {
            (Some(ticket), Some(drawn), Some(follows)) => {
                ticket::code::<V>(drawn, &ticket) == follows
            }
            _ => false,
        }
    }
}

/// How far the person is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Outstanding,
    /// The chord is down, and went down while the module asked: a hold that began before answers nothing.
    Pressed,
    Given,
}

/// What the LEDs show of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// A person is asked.
    Asks,
    /// The person said yes; the host may repeat its command.
    Confirmed,
}

impl Asking {
    /// Returns the proof that a person allowed this very command, once; else the module asks, and the refusal says so.
    /// The same command again neither prolongs the time nor undoes an answer; another one takes its place, but not while a
    /// code is typed.
    pub(crate) fn confirmed(
        &mut self,
        act: Act,
        command: &Sha384Digest,
        now: Millis,
    ) -> Result<Confirmed, Status> {
        self.ask(act, command, None, now)
    }

    /// Returns the proof that a person typed the code of the ticket with that hash, which this command is about.
    pub(crate) fn approved(
        &mut self,
        ticket: &Sha384Digest,
        command: &Sha384Digest,
        now: Millis,
    ) -> Result<Confirmed, Status> {
        self.ask(Act::Approve, command, Some(*ticket), now)
    }

    fn ask(
        &mut self,
        act: Act,
        command: &Sha384Digest,
        ticket: Option<Sha384Digest>,
        now: Millis,
    ) -> Result<Confirmed, Status> {
        let is_same =
            |question: &&mut Question| question.act == act && question.command == *command;
        let is_typed = self.is_typed();
        match self.0.as_mut().filter(is_same) {
            Some(question) if question.answer == Answer::Given => {
                self.0 = None;
                return Ok(Confirmed(()));
            }
            Some(_) => {}
            None if is_typed => return Err(Status::OutOfOrder),
            None => {
                self.0 = Some(Question {
                    act,
                    command: *command,
                    since: now,
                    answer: Answer::Outstanding,
                    code: Code {
                        ticket,
                        ..Code::default()
                    },
                });
            }
        }
        Err(Status::NeedsPerson)
    }

    /// Returns whether a code is asked for and not complete.
    fn is_typed(&self) -> bool {
        let question = self.0.as_ref();
        question.is_some_and(|question| {
            question.act == Act::Approve && question.answer != Answer::Given
        })
    }

    /// Takes a digit of a code. Each gives as much time again.
    pub(crate) fn digit(&mut self, digit: u8, now: Millis) {
        if let Some(question) = &mut self.0 {
            question.since = now;
            let ascii = digit.saturating_add(b'0');
            if question.code.typed.push(ascii).is_err() {
                // One too many: no code is as long, and KEY says so.
                question.code.typed.clear();
            }
        }
    }

    /// Checks the code that was typed. Returns whether it is that of the ticket. The third one that is not ends the
    /// attempt.
    pub(crate) fn enter<V: Verifier>(&mut self) -> bool {
        let Some(question) = &mut self.0 else {
            return false;
        };
        let is_right = question.code.is_right::<V>();
        question.code.typed.clear();
        if is_right {
            question.answer = Answer::Given;
        } else {
            question.code.wrong = question.code.wrong.saturating_add(1);
            if question.code.wrong >= WRONG_CODES {
                self.end();
            }
        }
        is_right
    }

    /// Ends it when its time is over, confirmed or not.
    pub(crate) fn tick(&mut self, now: Millis) {
        let is_over = |question: &Question| now.since(question.since) > ASKS;
        if self.0.as_ref().is_some_and(is_over) {
            self.end();
        }
    }

    /// Returns the act that is asked for.
    pub(crate) fn act(&self) -> Option<Act> {
        self.0.as_ref().map(|question| question.act)
    }

    /// The chord of the act went down.
    pub(crate) fn pressed(&mut self) {
        if let Some(question) = &mut self.0
            && question.answer == Answer::Outstanding
        {
            question.answer = Answer::Pressed;
        }
    }

    /// The chord of the act has been down long enough: an answer, unless it went down before the module asked.
    pub(crate) fn held(&mut self) {
        if let Some(question) = &mut self.0
            && question.answer == Answer::Pressed
        {
            question.answer = Answer::Given;
        }
    }

    /// Nothing is asked any more, and nothing is allowed.
    pub(crate) fn end(&mut self) {
        self.0 = None;
    }

    /// Returns what the LEDs show of it.
    pub(crate) fn shown(&self) -> Option<Shown> {
        self.0.as_ref().map(|question| match question.answer {
            Answer::Outstanding | Answer::Pressed => Shown::Asks,
            Answer::Given => Shown::Confirmed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAND: Sha384Digest = [1; 48];

    fn asked(asking: &mut Asking, command: Sha384Digest, at: u64) -> bool {
        asking
            .confirmed(Act::Replace, &command, Millis(at))
            .is_err()
    }

    #[test]
    fn an_answer_counts_once_and_for_its_command_only() {
        let mut asking = Asking::default();
        assert!(asked(&mut asking, COMMAND, 0));
        asking.pressed();
        asking.held();
        assert!(asked(&mut asking, [2; 48], 1), "another command");
        assert!(asked(&mut asking, COMMAND, 2), "and that voided the answer");
        asking.pressed();
        asking.held();
        assert!(!asked(&mut asking, COMMAND, 3));
        assert!(asked(&mut asking, COMMAND, 4));
    }

    #[test]
    fn a_repetition_neither_prolongs_the_time_nor_answers() {
        let mut asking = Asking::default();
        for at in (0..=ASKS).step_by(1_000) {
            asking.tick(Millis(at));
            assert!(asked(&mut asking, COMMAND, at));
            assert!(asking.shown() == Some(Shown::Asks));
        }
        asking.tick(Millis(ASKS + 1));
        assert!(asking.shown().is_none());
    }

    #[test]
    fn a_hold_that_began_before_the_question_is_no_answer() {
        let mut asking = Asking::default();
        asking.pressed();
        assert!(asked(&mut asking, COMMAND, 0));
        asking.held();
        assert!(asked(&mut asking, COMMAND, 1));
        asking.pressed();
        assert!(asked(&mut asking, [2; 48], 2));
        asking.held();
        assert!(asked(&mut asking, [2; 48], 3), "another was asked since");
    }
}
