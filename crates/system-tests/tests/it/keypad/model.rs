//! Random hands over a plain model: unlocking, attempts, time-outs, plugs and power cuts.

use super::{ADMIN_PIN, Module, UNBLOCK, USER_PIN, WRONG_PIN, replug};
use hsm_core::{
    Link,
    leds::Pattern,
    time::{ADMIN_MODE, ENTRY_PAUSE, FLASH, STANDBY, UNPLUGGED},
};
use hsm_protocol::settings::Role;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use system_tests::Bench;

#[test]
fn any_hand_finds_what_the_model_says() {
    let cases = Config {
        failure_persistence: None,
        ..Config::with_cases(400)
    };
    let deeds = proptest::collection::vec(deed(), 1..40);
    TestRunner::new(cases)
        .run(&deeds, |deeds| {
            let mut module = Bench::bare("MODULE-1");
            module.set_up();
            replug(&mut module);
            let mut model = Model::new();
            for deed in deeds {
                act(&mut module, model.state, deed);
                model.act(deed);
                module.pass(FLASH);
                model.pass(FLASH);
                prop_assert_eq!(module.leds(), model.pattern(), "after {:?}", deed);
                let role = module
                    .command(hsm_protocol::command::ins::STATUS, 0, &[])
                    .ok()
                    .map(|bytes| {
                        hsm_protocol::settings::ModuleStatus::parse(&bytes)
                            .unwrap()
                            .role
                    });
                prop_assert_eq!(role, model.role(), "after {:?}", deed);
            }
            Ok(())
        })
        .unwrap();
}

/// What a person, a plug or a battery does.
#[derive(Clone, Copy, Debug)]
enum Deed {
    /// Types a PIN on a path, whole.
    Enter(Path, PinTyped),
    /// Begins to type on a path, and thinks better of it.
    Abandon(Path),
    /// Types the code that gives more attempts.
    Unblock,
    /// Sets the first Admin PIN where there is none, and the User PIN after it.
    SetUp,
    /// Holds SHIFT for a second.
    HoldShift,
    Plug,
    Unplug,
    ResetLink,
    PowerCut,
    Wait(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    Admin,
    AdminMode,
    User,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PinTyped {
    Admin,
    User,
    Wrong,
}

fn deed() -> impl Strategy<Value = Deed> {
    let path = || prop_oneof![Just(Path::Admin), Just(Path::AdminMode), Just(Path::User)];
    let pin = prop_oneof![
        1 => Just(PinTyped::Admin),
        1 => Just(PinTyped::User),
        5 => Just(PinTyped::Wrong),
    ];
    prop_oneof![
        12 => (path(), pin).prop_map(|(path, pin)| Deed::Enter(path, pin)),
        1 => path().prop_map(Deed::Abandon),
        4 => Just(Deed::Unblock),
        2 => Just(Deed::SetUp),
        1 => Just(Deed::HoldShift),
        2 => Just(Deed::Plug),
        2 => Just(Deed::Unplug),
        1 => Just(Deed::ResetLink),
        1 => Just(Deed::PowerCut),
        2 => prop_oneof![Just(1_000), Just(9_000), Just(28_000), Just(31_000)].prop_map(Deed::Wait),
    ]
}

fn act(module: &mut Module, state: State, deed: Deed) {
    match deed {
        Deed::Enter(path, pin) => {
            let pin = match pin {
                PinTyped::Admin => ADMIN_PIN,
                PinTyped::User => USER_PIN,
                PinTyped::Wrong => WRONG_PIN,
            };
            module.press(&format!("{} {pin} KEY", path.chord()));
        }
        Deed::Abandon(path) => {
            module.press(&format!("{} 246", path.chord()));
            module.pass(ENTRY_PAUSE + TICK);
        }
        // Elsewhere its KEY would begin another entry.
        Deed::Unblock if state == State::Standby => {
            module.press(&format!("4 SHIFT {UNBLOCK} SHIFT"));
        }
        Deed::SetUp if state == State::Reset => {
            module.press(&format!("SHIFT+1 {ADMIN_PIN} KEY {ADMIN_PIN} KEY"));
            module.press(&format!("KEY+3 {USER_PIN} KEY {USER_PIN} KEY"));
        }
        Deed::Unblock | Deed::SetUp => {}
        Deed::HoldShift => {
            module.press("SHIFT:1s");
        }
        Deed::Plug => module.link(Link::Plugged),
        Deed::Unplug => module.link(Link::Unplugged),
        Deed::ResetLink => module.link(Link::Reset),
        Deed::PowerCut => module.power_up(),
        Deed::Wait(milliseconds) => module.pass(milliseconds),
    }
}

impl Path {
    const fn chord(self) -> &'static str {
        match self {
            Self::Admin => "KEY",
            Self::AdminMode => "KEY+1",
            Self::User => "SHIFT+KEY",
        }
    }
}

/// One tick of the bench.
const TICK: u64 = 50;

/// The module, as plainly as it can be said.
struct Model {
    state: State,
    is_plugged: bool,
    has_user_pin: bool,
    admin_failures: u8,
    /// Failures that the Admin PIN is allowed now: 5, 8, 10.
    admin_allowed: u8,
    user_failures: u8,
    /// Since when the state's time-out runs.
    since: u64,
    now: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Asleep,
    Standby,
    AdminMode,
    User,
    Admin,
    Reset,
}

impl Model {
    const fn new() -> Self {
        Self {
            state: State::Standby,
            is_plugged: true,
            has_user_pin: true,
            admin_failures: 0,
            admin_allowed: 5,
            user_failures: 0,
            since: 0,
            now: 0,
        }
    }

    fn act(&mut self, deed: Deed) {
        match deed {
            Deed::Enter(path, pin) => {
                self.keep_awake();
                if self.state == State::Standby {
                    self.enter(path, pin);
                }
            }
            Deed::Abandon(_) => {
                self.keep_awake();
                self.pass(ENTRY_PAUSE + TICK);
            }
            Deed::Unblock if self.state == State::Standby => {
                self.keep_awake();
                if self.is_blocked() {
                    self.admin_allowed = if self.admin_allowed == 5 { 8 } else { 10 };
                }
            }
            Deed::SetUp if self.state == State::Reset => {
                *self = Self {
                    state: State::AdminMode,
                    is_plugged: self.is_plugged,
                    now: self.now,
                    since: self.now,
                    ..Self::new()
                };
            }
            Deed::Unblock | Deed::SetUp | Deed::ResetLink => {}
            Deed::HoldShift => {
                self.pass(950);
                self.now += TICK;
                match self.state {
                    State::Asleep | State::AdminMode => self.enter_state(State::Standby),
                    _ => self.keep_awake(),
                }
                self.expire();
            }
            Deed::Plug => {
                self.is_plugged = true;
                if self.state == State::Asleep {
                    self.enter_state(State::Standby);
                }
            }
            Deed::Unplug => {
                self.is_plugged = false;
                if !matches!(self.state, State::Asleep | State::Reset) {
                    self.enter_state(State::Standby);
                }
            }
            Deed::PowerCut => {
                self.is_plugged = true;
                if self.state != State::Reset {
                    self.enter_state(State::Standby);
                }
            }
            Deed::Wait(milliseconds) => self.pass(milliseconds),
        }
    }

    fn enter(&mut self, path: Path, pin: PinTyped) {
        if path == Path::User {
            if self.user_failures == 10 {
                return;
            }
            if self.has_user_pin && pin == PinTyped::User {
                self.user_failures = 0;
                return self.enter_state(State::User);
            }
            self.user_failures += 1;
            self.has_user_pin &= self.user_failures < 10;
            return;
        }
        if self.is_blocked() {
            return;
        }
        if pin == PinTyped::Admin {
            self.admin_failures = 0;
            self.admin_allowed = 5;
            return self.enter_state(match path {
                Path::AdminMode => State::AdminMode,
                _ => State::Admin,
            });
        }
        self.admin_failures += 1;
        if self.admin_failures == 10 {
            self.enter_state(State::Reset);
        }
    }

    const fn is_blocked(&self) -> bool {
        self.admin_failures >= self.admin_allowed
    }

    const fn enter_state(&mut self, state: State) {
        self.state = state;
        self.since = self.now;
    }

    /// A key was pressed.
    fn keep_awake(&mut self) {
        if matches!(self.state, State::Standby | State::AdminMode) {
            self.since = self.now;
        }
    }

    fn pass(&mut self, milliseconds: u64) {
        for _ in 0..milliseconds / TICK {
            self.now += TICK;
            self.expire();
        }
    }

    fn expire(&mut self) {
        let waited = self.now - self.since;
        match self.state {
            State::Standby if !self.is_plugged && waited > STANDBY => {
                self.state = State::Asleep;
            }
            State::AdminMode if waited > ADMIN_MODE => self.enter_state(State::Standby),
            State::User | State::Admin if !self.is_plugged && waited > UNPLUGGED => {
                self.enter_state(State::Standby);
            }
            _ => {}
        }
    }

    const fn pattern(&self) -> Pattern {
        match self.state {
            State::Asleep => Pattern::Idle,
            State::Standby if !self.is_blocked() => Pattern::Standby,
            State::Standby if self.admin_allowed == 5 => Pattern::AdminBlocked,
            State::Standby => Pattern::AdminBlockedAgain,
            State::AdminMode => Pattern::AdminMode,
            State::User | State::Admin => Pattern::Unlocked,
            State::Reset => Pattern::Reset,
        }
    }

    const fn role(&self) -> Option<Role> {
        match self.state {
            State::User => Some(Role::User),
            State::Admin => Some(Role::Administrator),
            State::Asleep | State::Standby | State::AdminMode | State::Reset => None,
        }
    }
}
