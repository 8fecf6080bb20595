//! What pcscd and a client see of modules that come, answer, misbehave and go.

use crate::card::{Card, atr, ins};
use pcsc::{
    Attribute, Context, Disposition, Error, Protocols, ReaderState, Scope, ShareMode, State,
};
use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

pub(crate) type Check = fn(&Path);

pub(crate) const READERS: u8 = 10;

pub(crate) const ALL: &[(&str, Check)] = &[
    (
        "an_empty_reader_is_listed_and_empty",
        an_empty_reader_is_listed_and_empty,
    ),
    (
        "ten_modules_answer_at_the_same_time",
        ten_modules_answer_at_the_same_time,
    ),
    (
        "commands_of_every_size_come_back",
        commands_of_every_size_come_back,
    ),
    ("the_atr_is_the_modules", the_atr_is_the_modules),
    ("only_t1_is_spoken", only_t1_is_spoken),
    ("there_is_no_pin_pad", there_is_no_pin_pad),
    (
        "insertion_and_removal_are_seen",
        insertion_and_removal_are_seen,
    ),
    (
        "a_module_that_dies_in_a_command_is_an_error_and_one_removal",
        a_module_that_dies_is_an_error_and_one_removal,
    ),
    ("a_swap_is_seen_as_a_removal", a_swap_is_seen_as_a_removal),
    (
        "a_swap_is_seen_while_a_client_keeps_asking",
        a_swap_is_seen_while_a_client_keeps_asking,
    ),
    (
        "what_is_no_answer_costs_the_session_and_no_more",
        what_is_no_answer_costs_the_session_and_no_more,
    ),
];

pub(crate) fn reader_name(number: u8) -> String {
    format!("Test Module {number}")
}

pub(crate) fn socket(folder: &Path, number: u8) -> PathBuf {
    folder.join(format!("m{number}.sock"))
}

fn an_empty_reader_is_listed_and_empty(_: &Path) {
    let context = context();
    assert_eq!(
        context.list_readers_owned().unwrap().len(),
        usize::from(READERS)
    );
    assert!(See::new(&context, 0).state().contains(State::EMPTY));
}

fn ten_modules_answer_at_the_same_time(folder: &Path) {
    let cards: Vec<_> = (0..READERS)
        .map(|n| Card::plug(&socket(folder, n), n))
        .collect();
    let together = Barrier::new(cards.len());
    thread::scope(|s| {
        for number in 0..READERS {
            let together = &together;
            s.spawn(move || {
                let context = context();
                See::new(&context, number).until(State::PRESENT);
                let card = connect(&context, number);
                together.wait();
                for _round in 0..100 {
                    assert_eq!(
                        send(&card, &[0, ins::NUMBER, 0, 0]),
                        Ok(vec![number, 0x90, 0])
                    );
                }
            });
        }
    });
}

fn commands_of_every_size_come_back(folder: &Path) {
    let (context, _card) = plugged(folder);
    let card = connect(&context, 0);
    let short = [0, ins::ECHO, 0, 0];
    assert_eq!(send(&card, &short), Ok([&short[..], &[0x90, 0]].concat()));
    for len in [1_u16, 255, 256, 1024, 65_535] {
        let data: Vec<u8> = (0..len).map(|n| n.to_be_bytes()[1]).collect();
        let command = [&[0, ins::ECHO, 0, 0, 0][..], &len.to_be_bytes(), &data].concat();
        assert!(
            send(&card, &command) == Ok([&data[..], &[0x90, 0]].concat()),
            "{len} bytes"
        );
    }
}

fn the_atr_is_the_modules(folder: &Path) {
    let (context, _card) = plugged(folder);
    let card = connect(&context, 0);
    assert_eq!(card.status2_owned().unwrap().atr(), atr());
    assert_eq!(
        card.get_attribute_owned(Attribute::AtrString).unwrap(),
        atr()
    );
}

fn only_t1_is_spoken(folder: &Path) {
    let (context, _card) = plugged(folder);
    let refused = context.connect(&full_name(&context, 0), ShareMode::Exclusive, Protocols::T0);
    assert!(refused.is_err());
    assert_eq!(
        connect(&context, 0).status2_owned().unwrap().protocol2(),
        Some(pcsc::Protocol::T1)
    );
}

fn there_is_no_pin_pad(folder: &Path) {
    /// `CM_IOCTL_GET_FEATURE_REQUEST` (PC/SC part 10 § 2.2).
    const GET_FEATURES: u32 = 3400;
    let (context, _card) = plugged(folder);
    let mut features = [0; 256];
    let answer =
        connect(&context, 0).control(pcsc::ctl_code(GET_FEATURES.into()), &[], &mut features);
    assert_eq!(answer, Err(Error::UnsupportedFeature));
}

fn insertion_and_removal_are_seen(folder: &Path) {
    let context = context();
    let mut see = See::new(&context, 0);
    see.until(State::EMPTY);
    for _round in 0..5 {
        let begun = Instant::now();
        let card = Card::plug(&socket(folder, 0), 0);
        see.until(State::PRESENT);
        let inserted = begun.elapsed();
        let begun = Instant::now();
        drop(card);
        see.until(State::EMPTY);
        println!(
            "  insertion seen after {inserted:?}, removal after {:?}",
            begun.elapsed()
        );
    }
}

fn a_module_that_dies_is_an_error_and_one_removal(folder: &Path) {
    let (context, _card) = plugged(folder);
    let mut see = See::new(&context, 0);
    let before = see.events();
    let card = connect(&context, 0);
    assert!(send(&card, &[0, ins::DIE, 0, 0]).is_err());
    see.until(State::EMPTY);
    assert_eq!(
        send(&card, &[0, ins::NUMBER, 0, 0]),
        Err(Error::RemovedCard)
    );

    let _second = Card::plug(&socket(folder, 0), 1);
    see.until(State::PRESENT);
    assert_eq!(see.events() - before, 2, "one removal, one insertion");
    assert_eq!(
        send(&card, &[0, ins::NUMBER, 0, 0]),
        Err(Error::RemovedCard),
        "the old session is over"
    );
}

fn a_swap_is_seen_as_a_removal(folder: &Path) {
    let (context, mut module) = plugged(folder);
    let mut see = See::new(&context, 0);
    for number in 1..=20 {
        let before = see.events();
        let card = connect(&context, 0);
        drop(module);
        module = Card::plug(&socket(folder, 0), number);
        assert!(send(&card, &[0, ins::NUMBER, 0, 0]).is_err());
        see.until_events(before + 2);
        assert_eq!(
            send(&card, &[0, ins::NUMBER, 0, 0]),
            Err(Error::RemovedCard)
        );
    }
}

/// A client's power-up asks the driver for the card's presence: that answer must not hide the removal.
fn a_swap_is_seen_while_a_client_keeps_asking(folder: &Path) {
    let (context, _module) = plugged(folder);
    let mut see = See::new(&context, 0);
    for _round in 0..20 {
        let before = see.events();
        let mut card = connect(&context, 0);
        assert!(send(&card, &[0, ins::SWAP, 0, 0]).is_err());
        let end = Instant::now() + PATIENCE;
        while card
            .reconnect(
                ShareMode::Exclusive,
                Protocols::T1,
                Disposition::UnpowerCard,
            )
            .is_err()
        {
            assert!(Instant::now() < end, "the second module is not accepted");
        }
        see.until_events(before + 2);
        assert_eq!(see.events() - before, 2, "one removal, one insertion");
    }
}

fn what_is_no_answer_costs_the_session_and_no_more(folder: &Path) {
    let (context, _card) = plugged(folder);
    let _neighbor = Card::plug(&socket(folder, 1), 1);
    See::new(&context, 1).until(State::PRESENT);
    let neighbor = connect(&context, 1);
    let mut see = See::new(&context, 0);
    for ins in [ins::GARBAGE, ins::OVERLONG, ins::SHORT] {
        let before = see.events();
        let card = connect(&context, 0);
        assert!(send(&card, &[0, ins, 0, 0]).is_err());
        see.until_events(before + 2);
        assert_eq!(
            send(&neighbor, &[0, ins::NUMBER, 0, 0]),
            Ok(vec![1, 0x90, 0])
        );
    }
    assert_eq!(
        send(&connect(&context, 0), &[0, ins::NUMBER, 0, 0]),
        Ok(vec![0, 0x90, 0])
    );
}

fn context() -> Context {
    Context::establish(Scope::User).unwrap()
}

/// A card in reader 0, seen there by pcscd.
fn plugged(folder: &Path) -> (Context, Card) {
    let context = context();
    let mut see = See::new(&context, 0);
    see.until(State::EMPTY);
    let card = Card::plug(&socket(folder, 0), 0);
    see.until(State::PRESENT);
    (context, card)
}

/// pcscd appends two numbers.
fn full_name(context: &Context, number: u8) -> CString {
    let name = reader_name(number);
    let all = context.list_readers_owned().unwrap();
    all.into_iter()
        .find(|full| full.to_str().unwrap().starts_with(&name))
        .unwrap()
}

fn connect(context: &Context, number: u8) -> pcsc::Card {
    context
        .connect(
            &full_name(context, number),
            ShareMode::Exclusive,
            Protocols::T1,
        )
        .unwrap()
}

fn send(card: &pcsc::Card, command: &[u8]) -> Result<Vec<u8>, Error> {
    let mut room = vec![0; pcsc::MAX_BUFFER_SIZE_EXTENDED];
    card.transmit(command, &mut room).map(<[u8]>::to_vec)
}

/// A look at one reader.
struct See<'a> {
    context: &'a Context,
    states: [ReaderState; 1],
}

impl<'a> See<'a> {
    fn new(context: &'a Context, number: u8) -> Self {
        let states = [ReaderState::new(full_name(context, number), State::UNAWARE)];
        let mut see = Self { context, states };
        see.look();
        see
    }

    fn state(&self) -> State {
        self.states[0].event_state()
    }

    /// Insertions and removals so far.
    fn events(&self) -> u32 {
        self.states[0].event_count()
    }

    fn until(&mut self, wanted: State) {
        while !self.state().contains(wanted) {
            self.look();
        }
    }

    fn until_events(&mut self, count: u32) {
        while self.events() < count {
            self.look();
        }
        self.until(State::PRESENT);
    }

    /// Waits for a change; the time is only an upper bound.
    fn look(&mut self) {
        self.states[0].sync_current_state();
        self.context
            .get_status_change(PATIENCE, &mut self.states)
            .unwrap();
    }
}

const PATIENCE: Duration = Duration::from_secs(20);
