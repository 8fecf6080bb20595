//! The window: shows the model's state through Slint's globals, and turns the user's actions into intents.
//!
//! All texts are in `ui/*.slint`. The window keeps only what is being typed; everything else is in [`Model`].

mod dialog;
mod dropped;
mod file;
mod files;
mod idle;
mod mirror;
mod notification;
mod place;
mod support;
mod sync;
mod team;
mod tickets;
mod typed;
pub mod ui;
mod wire;

pub use ui::AppWindow;

use crate::model::{Command, Event, Intent, Model, WindowPlace};
use notification::End;
use slint::{ComponentHandle as _, PlatformError, Timer};
use std::{
    cell::{Ref, RefCell},
    path::PathBuf,
    rc::Rc,
};
use sync::Screen;

/// Receives commands. It must not call [`App::hear`] before it returns: outcomes are reported later.
pub type Sink = Box<dyn FnMut(Vec<Command>)>;

/// What does not change while the app runs.
#[derive(Clone, Debug)]
pub struct AppInfo {
    /// The app's version.
    pub version: String,
    /// Whether it accepts licenses from a development portal.
    pub is_development_build: bool,
    /// The portal that it registers at, unless the user names another one.
    pub portal: String,
    /// The folder for suggested files.
    pub home: PathBuf,
    /// Where the window was when the app was last used.
    pub place: Option<WindowPlace>,
}

/// The window with its model.
pub struct App {
    screen: Screen,
    model: RefCell<Model>,
    sink: RefCell<Sink>,
    info: AppInfo,
    /// Locks the app.
    idle: Timer,
}

impl App {
    /// Creates the window without showing it. Call it on the thread that runs the event loop.
    pub fn new(info: AppInfo, sink: Sink) -> Result<Rc<Self>, PlatformError> {
        let window = AppWindow::new()?;
        if let Some(place) = info.place {
            place::put(&window, place);
        }
        let app = Rc::new(Self {
            screen: Screen::new(window, &info),
            model: RefCell::default(),
            sink: RefCell::new(sink),
            info,
            idle: Timer::default(),
        });
        wire::connect(&app);
        dropped::connect(&app);
        idle::connect(&app);
        app.sync();
        Ok(app)
    }

    /// Returns the window.
    pub fn window(&self) -> &AppWindow {
        &self.screen.window
    }

    /// Returns the state.
    pub fn model(&self) -> Ref<'_, Model> {
        self.model.borrow()
    }

    /// Handles what the user does.
    pub fn act(&self, intent: Intent) {
        let commands = self.model.borrow_mut().act(intent);
        self.follow(commands);
        idle::note_input(self);
    }

    /// Handles what the backend reports.
    pub fn hear(&self, event: Event) {
        let end = End::of(&event);
        let commands = self.model.borrow_mut().hear(event);
        self.follow(commands);
        if let Some(end) = end {
            end.tell(self);
        }
    }

    /// Brings the window to the front.
    pub fn come_forward(&self) {
        place::bring_forward(self.window());
    }

    /// Shows the window until it is closed.
    pub fn run(&self) -> Result<(), PlatformError> {
        self.window().run()
    }

    /// Removes the notice.
    fn dismiss(&self) {
        self.model.borrow_mut().notice = None;
        self.sync();
    }

    fn follow(&self, commands: Vec<Command>) {
        self.sync();
        if !commands.is_empty() {
            (self.sink.borrow_mut())(commands);
        }
    }

    fn sync(&self) {
        self.screen.show(&self.model.borrow());
    }
}
