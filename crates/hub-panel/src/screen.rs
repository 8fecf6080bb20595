//! Shows the model in the Slint window, and turns the window's callbacks into events.

use crate::{
    link::Link,
    model::{Event, FULL, HubState, Language, Pad, Panel, Row, action_of},
    ui::{self, AppWindow, Hub, Lamps, Light, PortData, Shown},
};
use hsm_core::leds::{Led, Pattern};
use hsm_virtual::control::ClockLine;
use slint::{
    ComponentHandle, Model, ModelRc, PlatformError, SharedString, Timer, TimerMode, VecModel,
};
use std::{
    cell::{OnceCell, RefCell},
    path::Path,
    rc::Rc,
    time::{Duration, Instant},
};

/// The window, and what it shows.
#[derive(Clone)]
pub struct Screen(Rc<Inner>);

struct Inner {
    window: AppWindow,
    panel: RefCell<Panel>,
    ports: Rc<VecModel<PortData>>,
    link: OnceCell<Link>,
    /// Runs while an LED blinks.
    blinking: Timer,
    start: Instant,
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Screen").finish_non_exhaustive()
    }
}

impl Screen {
    /// Creates the window for the hub in a folder; `is_default` if a hub that is started without `--state` uses it.
    pub fn new(folder: &Path, is_default: bool, language: Language) -> Result<Self, PlatformError> {
        let window = AppWindow::new()?;
        let ports = Rc::new(VecModel::default());
        let hub = window.global::<Hub>();
        hub.set_ports(ModelRc::from(Rc::clone(&ports)));
        hub.set_folder(plain_text::shown_path(folder).into());
        let command = if is_default {
            "virtual-hub serve".into()
        } else {
            format!("virtual-hub serve --state {}", quoted(folder))
        };
        hub.set_command(command.into());
        hub.set_version(env!("CARGO_PKG_VERSION").into());
        let screen = Self(Rc::new(Inner {
            window,
            panel: RefCell::default(),
            ports,
            link: OnceCell::new(),
            blinking: Timer::default(),
            start: Instant::now(),
        }));
        screen.wire();
        screen.select_language(language);
        screen.0.sync();
        Ok(screen)
    }

    /// Returns the Slint window.
    pub fn window(&self) -> &AppWindow {
        &self.0.window
    }

    /// Returns what a [`Link`] calls, from its thread, when it has a report.
    pub fn waker(&self) -> impl Fn() + Send + use<> {
        let window = self.0.window.as_weak();
        move || {
            // After the end of the event loop there is no window to update.
            if let Err(error) =
                window.upgrade_in_event_loop(|window| window.global::<Hub>().invoke_reported())
            {
                tracing::debug!(%error, "the window is gone");
            }
        }
    }

    /// Connects the window to the thread that talks to the hub.
    pub fn connect(&self, link: Link) {
        if self.0.link.set(link).is_err() {
            tracing::debug!("the window has a link already");
        }
    }

    /// Shows the window until it is closed.
    pub fn run(&self, link: Link) -> Result<(), PlatformError> {
        self.connect(link);
        self.0.window.run()
    }

    /// Processes an event: sends the requests that follow, and shows the model.
    pub fn update(&self, event: Event) {
        self.0.update(event);
    }

    /// Processes what the hub's thread has reported.
    pub fn receive(&self) {
        self.0.receive();
    }

    /// Shows every text in this language.
    pub fn select_language(&self, language: Language) {
        self.0.select_language(language);
    }

    fn wire(&self) {
        let hub = self.0.window.global::<Hub>();
        hub.on_select(self.on(|index| usize::try_from(index).ok().map(Event::Select)));
        hub.on_down(self.on(|key| Pad::of(key).map(Event::Down)));
        hub.on_up(self.on(|key| Pad::of(key).map(Event::Up)));
        hub.on_press(self.on(|key| Pad::of(key).map(Event::Press)));
        hub.on_latch(self.on(|key| Pad::of(key).map(Event::Latch)));
        hub.on_strokes(self.on(|keys: SharedString| Some(Event::Strokes(keys.into()))));
        hub.on_key_up(self.on(|text: SharedString| text.chars().next().map(Event::KeyUp)));
        let on = self.on(|event| event);
        hub.on_plug(move || on(Some(Event::Plug)));
        let on = self.on(|event| event);
        hub.on_release_all(move || on(Some(Event::ReleaseAll)));
        let on = self.on(|event| event);
        hub.on_let_time_pass(move || on(Some(Event::LetTimePass)));
        let on = self.on(|event| event);
        hub.on_key_down(move |text| {
            let key = text.chars().next();
            let event =
                key.and_then(|key| action_of(key).map(|action| Event::KeyDown(key, action)));
            let is_known = event.is_some();
            on(event);
            is_known
        });
        let inner = Rc::downgrade(&self.0);
        hub.on_reported(move || {
            if let Some(inner) = inner.upgrade() {
                inner.receive();
            }
        });
        let inner = Rc::downgrade(&self.0);
        hub.on_select_language(move |index| {
            let language = usize::try_from(index)
                .ok()
                .and_then(|index| Language::ALL.get(index).copied());
            if let (Some(inner), Some(language)) = (inner.upgrade(), language) {
                inner.select_language(language);
            }
        });
    }

    /// Returns a callback that turns its argument into an event.
    fn on<A>(&self, event: impl Fn(A) -> Option<Event> + 'static) -> impl Fn(A) + 'static {
        let inner = Rc::downgrade(&self.0);
        move |argument| {
            if let (Some(inner), Some(event)) = (inner.upgrade(), event(argument)) {
                inner.update(event);
            }
        }
    }
}

impl Inner {
    fn update(self: &Rc<Self>, event: Event) {
        self.update_time();
        let requests = self.panel.borrow_mut().update(event);
        for request in requests {
            if let Some(link) = self.link.get() {
                link.ask(request);
            }
        }
        self.sync();
        self.keep_blinking();
    }

    fn receive(self: &Rc<Self>) {
        let reports: Vec<_> = self
            .link
            .get()
            .into_iter()
            .flat_map(Link::reports)
            .collect();
        for report in reports {
            self.update(Event::Hub(report));
        }
    }

    fn update_time(&self) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.panel.borrow_mut().update(Event::Time(now));
    }

    fn keep_blinking(self: &Rc<Self>) {
        if !self.panel.borrow().is_blinking() {
            self.blinking.stop();
        } else if !self.blinking.running() {
            let inner = Rc::downgrade(self);
            self.blinking.start(TimerMode::Repeated, FRAME, move || {
                if let Some(inner) = inner.upgrade() {
                    inner.update_time();
                    inner.sync_ports();
                }
            });
        }
    }

    fn select_language(&self, language: Language) {
        if let Err(error) = slint::select_bundled_translation(language.code()) {
            tracing::warn!(%error, "no such language");
            return;
        }
        let index = Language::ALL.iter().position(|known| *known == language);
        let index = index.and_then(|index| i32::try_from(index).ok());
        self.window
            .global::<Hub>()
            .set_language(index.unwrap_or_default());
    }

    /// Shows the model. Slint does not redraw a property that has not changed.
    fn sync(&self) {
        let hub = self.window.global::<Hub>();
        let panel = self.panel.borrow();
        hub.set_state(match panel.hub {
            HubState::Searching => ui::HubState::Searching,
            HubState::Running(_) => ui::HubState::Running,
            HubState::Stopped => ui::HubState::Stopped,
        });
        hub.set_manual_clock(panel.hub == HubState::Running(ClockLine::Manual));
        hub.set_refusal(panel.refusal.as_str().into());
        hub.set_typed(i32::try_from(panel.typed()).unwrap_or(i32::MAX));
        hub.set_latched(panel.latched().map_or(-1, Pad::number));
        let plugged = panel.rows.iter().filter(|row| row.is_plugged).count();
        hub.set_plugged(i32::try_from(plugged).unwrap_or(i32::MAX));
        let [red, green, blue] = panel
            .row()
            .and_then(|row| row.pattern)
            .map_or([Led::Off; 3], Pattern::leds)
            .map(light);
        hub.set_red(red);
        hub.set_green(green);
        hub.set_blue(blue);
        drop(panel);
        self.sync_ports();
        // After the rows, because the list scrolls to it.
        let selected = self.panel.borrow().selected();
        hub.set_selected(i32::try_from(selected).unwrap_or_default());
    }

    fn sync_ports(&self) {
        let panel = self.panel.borrow();
        let rows = panel.rows.iter().enumerate();
        let shown: Vec<PortData> = rows
            .map(|(index, row)| port(index, row, panel.brightness(row)))
            .collect();
        let module = shown.get(panel.selected()).cloned().unwrap_or_default();
        if self.ports.row_count() == shown.len() {
            for (index, port) in shown.into_iter().enumerate() {
                if self.ports.row_data(index).as_ref() != Some(&port) {
                    self.ports.set_row_data(index, port);
                }
            }
        } else {
            self.ports.set_vec(shown);
        }
        self.window.global::<Hub>().set_module(module);
    }
}

fn port(index: usize, row: &Row, brightness: [u8; 3]) -> PortData {
    let [red, green, blue] = brightness.map(|level| f32::from(level) / f32::from(FULL));
    PortData {
        number: i32::try_from(index).unwrap_or_default().saturating_add(1),
        serial: row.serial.as_str().into(),
        plugged: row.is_plugged,
        shown: row.pattern.map_or(Shown::Unknown, shown),
        lamps: Lamps { red, green, blue },
    }
}

/// Returns the screens' name of a pattern.
pub const fn shown(pattern: Pattern) -> Shown {
    match pattern {
        Pattern::Idle => Shown::Idle,
        Pattern::Standby => Shown::Standby,
        Pattern::Shipment => Shown::Shipment,
        Pattern::Reset => Shown::Reset,
        Pattern::Unlocked => Shown::Unlocked,
        Pattern::AdminMode => Shown::AdminMode,
        Pattern::AwaitingAdminPin => Shown::AwaitingAdminPin,
        Pattern::AwaitingUserPin => Shown::AwaitingUserPin,
        Pattern::AwaitingRecoveryPin => Shown::AwaitingRecoveryPin,
        Pattern::AwaitingNew => Shown::AwaitingNew,
        Pattern::DeleteArmed => Shown::DeleteArmed,
        Pattern::ResetArmed => Shown::ResetArmed,
        Pattern::ReadOut(_) => Shown::ReadOut,
        Pattern::Stored => Shown::Stored,
        Pattern::AdminPinStored => Shown::AdminPinStored,
        Pattern::Refused => Shown::Refused,
        Pattern::AdminBlocked => Shown::AdminBlocked,
        Pattern::AdminBlockedAgain => Shown::AdminBlockedAgain,
        Pattern::Cloning => Shown::Cloning,
        Pattern::Asks => Shown::Asks,
        Pattern::Confirmed => Shown::Confirmed,
        Pattern::Fault => Shown::Fault,
    }
}

const fn light(led: Led) -> Light {
    match led {
        Led::Off => Light::Off,
        Led::On => Light::On,
        Led::Blink => Light::Blink,
        Led::Fast => Light::Fast,
        Led::Pulse => Light::Pulse,
        Led::Alternate => Light::Alternate,
        Led::Count => Light::Count,
    }
}

/// Returns a path, quoted for a shell where that is necessary.
fn quoted(path: &Path) -> String {
    let path = plain_text::shown_path(path);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@%,".contains(c);
    if path.chars().all(is_plain) {
        path
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

/// Half of the shortest flash, so that none is missed.
const FRAME: Duration = Duration::from_millis(50);
