//! The window: the model's state goes to Slint's globals, what the user does comes back as intents.
//!
//! All texts are in `ui/*.slint`; here are none. What is being typed is the window's own; the rest is [`Model`]'s.

mod file;
mod mirror;
mod sync;
mod typed;
pub mod ui;
mod wire;

pub use mirror::REASONS;
pub use ui::AppWindow;

use crate::model::{Command, Event, Intent, Model};
use slint::{ComponentHandle as _, PlatformError};
use std::{
    cell::{Ref, RefCell},
    path::PathBuf,
    rc::Rc,
};
use sync::Screen;

/// Takes what is to be done. It must not call back at once: what it does is told later, by [`App::hear`].
pub type Sink = Box<dyn FnMut(Vec<Command>)>;

/// What does not change while the app runs.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The app's version.
    pub version: String,
    /// Whether it takes licenses of a development portal.
    pub is_development_build: bool,
    /// Where files are proposed.
    pub home: PathBuf,
}

/// The window with its model.
pub struct App {
    screen: Screen,
    model: RefCell<Model>,
    sink: RefCell<Sink>,
    facts: Facts,
}

impl App {
    /// Makes the window; it is not shown yet. On the thread that runs the event loop.
    pub fn new(facts: Facts, sink: Sink) -> Result<Rc<Self>, PlatformError> {
        let window = AppWindow::new()?;
        let app = Rc::new(Self {
            screen: Screen::new(window, &facts),
            model: RefCell::default(),
            sink: RefCell::new(sink),
            facts,
        });
        wire::connect(&app);
        app.sync();
        Ok(app)
    }

    /// The window.
    pub fn window(&self) -> &AppWindow {
        &self.screen.window
    }

    /// The state.
    pub fn model(&self) -> Ref<'_, Model> {
        self.model.borrow()
    }

    /// Does what the user wants.
    pub fn act(&self, intent: Intent) {
        let commands = self.model.borrow_mut().act(intent);
        self.follow(commands);
    }

    /// Takes what the backend tells.
    pub fn hear(&self, event: Event) {
        let commands = self.model.borrow_mut().hear(event);
        self.follow(commands);
    }

    /// Shows the window until it is closed.
    pub fn run(&self) -> Result<(), PlatformError> {
        self.window().run()
    }

    /// Takes a notice away.
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
