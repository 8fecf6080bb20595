//! What takes time: modules, the portal, files. Commands go in and never wait; events come out, from any thread.

mod files;
mod lookout;
mod office;

use crate::model::{Command, CycleEvent, Event, Language, Reason, Trouble};
use keywriter::{
    cycle::{Setup, Stop, plan::Request},
    discovery::Discovery,
    folders::Folders,
    report::Report,
};
use lookout::{Lookout, Order};
use office::Office;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, mpsc::Sender},
    time::{SystemTime, UNIX_EPOCH},
};

/// Takes events, from any thread.
pub type Emit = Arc<dyn Fn(Event) + Send + Sync>;

/// Where everything is.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Where modules are.
    pub discovery: Discovery,
    /// The root certificate of the modules, where this computer knows one.
    pub root: Option<PathBuf>,
    /// This user's files.
    pub folders: Folders,
    /// The portal's address.
    pub portal: String,
}

/// Does what the model commands.
pub struct Backend {
    surroundings: Surroundings,
    emit: Emit,
    office: Office,
    orders: Sender<Order>,
    /// The cycle under way.
    stop: Stop,
    report: Arc<Mutex<Option<Report>>>,
}

impl Backend {
    /// Starts its threads, and tells what this user's files say.
    pub fn start(surroundings: Surroundings, emit: Emit) -> Self {
        let report = Arc::new(Mutex::new(None));
        let lookout = Lookout {
            discovery: surroundings.discovery.clone(),
            root: surroundings.root.clone(),
            emit: Arc::clone(&emit),
            report: Arc::clone(&report),
        };
        let backend = Self {
            office: Office::new(&surroundings, Arc::clone(&emit)),
            orders: lookout.start(),
            surroundings,
            emit,
            stop: Stop::default(),
            report,
        };
        backend.launch();
        backend
    }

    /// Begins to do what is commanded; an event tells how it went.
    pub fn perform(&mut self, command: Command) {
        let Surroundings {
            folders, portal, ..
        } = &self.surroundings;
        match command {
            Command::Register { number, pin } => self.office.register(number, pin),
            Command::LogIn { pin } => self.office.log_in(pin),
            Command::ChangePin { current, new } => self.office.change_pin(current, new),
            Command::RefreshLicense => self.office.refresh(),
            Command::SavePreferences(preferences) => {
                self.tell_if_wrong(files::save_preferences(folders, preferences));
            }
            Command::SaveMaster(state) => self.tell_if_wrong(files::save_master(folders, state)),
            Command::Look(request) => self.order(Order::Look(request)),
            Command::Start(request) => self.run(request),
            Command::Stop => self.stop.request(),
            Command::ExportSettings(settings, path) => {
                (self.emit)(Event::Exported(files::export(settings, &path)));
            }
            Command::ImportSettings(path) => {
                (self.emit)(Event::Imported(files::import(&path)));
            }
            Command::SaveReport { path, language } => {
                let report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
                let root = files::root(self.surroundings.root.as_deref())
                    .ok()
                    .flatten();
                let saved = files::save_report(report.as_ref(), &path, root.as_ref(), language);
                (self.emit)(Event::ReportSaved(saved));
            }
            Command::OpenPurchasePage => {
                self.tell_if_wrong(files::open_page(&format!("{portal}/purchase")));
            }
        }
    }

    fn launch(&self) {
        let folders = &self.surroundings.folders;
        let (preferences, trouble) = files::preferences(folders);
        (self.emit)(Event::Launched {
            license: self.office.license(),
            master: files::master(folders),
            preferences,
            language: system_language(),
        });
        self.tell_if_wrong(trouble.map_or(Ok(()), Err));
    }

    fn run(&mut self, request: Request) {
        self.stop = Stop::default();
        let folders = &self.surroundings.folders;
        let setup = Setup {
            request,
            jobs: None,
            root: None,
            receipts: Some(folders.receipts()),
            hardware: self.office.permit(),
            stop: self.stop.clone(),
        };
        self.order(Order::Run(Box::new(setup)));
    }

    fn order(&self, order: Order) {
        if self.orders.send(order).is_err() {
            // Its thread panicked: nothing more is known of any module.
            let trouble = Trouble::new(Reason::System).about(&"lookout");
            (self.emit)(Event::Cycle(CycleEvent::Ended(Err(trouble))));
        }
    }

    fn tell_if_wrong(&self, outcome: Result<(), Trouble>) {
        if let Err(trouble) = outcome {
            (self.emit)(Event::NotSaved(trouble));
        }
    }
}

/// The language of the user's locale, as far as this app speaks it.
fn system_language() -> Language {
    let locale = sys_locale::get_locale().unwrap_or_default();
    match locale.get(..2) {
        Some("de") => Language::German,
        Some("fr") => Language::French,
        _ => Language::English,
    }
}

/// Seconds since 1970-01-01 00:00 UTC.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
