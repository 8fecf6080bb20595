//! What takes time: modules, the portal, files. Commands return at once; events come out, from any thread.

mod files;
mod licensing;
mod module_watcher;
mod sharing;
mod team;

use crate::model::{
    Command, CycleEvent, Event, Language, Problem, Reason, TeamEvent, TeamOrder, WindowPlace,
};
use keywriter::{
    cycle::{Setup, StopRequest, plan::Request},
    discovery::Discovery,
    folders::Folders,
    letter::members::Letterboxes,
    license::DEFAULT_PORTAL,
    report::Report,
    trust,
};
use licensing::Licensing;
use module_watcher::{ModuleWatcher, Order};
use sharing::Sharing;
use std::{
    convert::Infallible,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use team::Service;

/// Receives events, on any thread.
pub type Emit = Arc<dyn Fn(Event) + Send + Sync>;

/// Where modules, files and the portal are.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Where modules are.
    pub discovery: Discovery,
    /// The root certificate of the modules, if one was named.
    pub root: Option<PathBuf>,
    /// This user's files.
    pub folders: Folders,
    /// The portal's address, if one was named.
    pub portal: Option<String>,
}

impl Environment {
    /// Returns the portal's address: the one that was named, or that the app last registered at, or that it was built
    /// for.
    pub fn portal(&self) -> String {
        self.portal
            .clone()
            .or_else(|| files::portal(&self.folders))
            .unwrap_or_else(|| DEFAULT_PORTAL.to_owned())
    }
}

/// Executes the model's commands.
pub struct Backend {
    environment: Environment,
    emit: Emit,
    licensing: Licensing,
    orders: Sender<Order>,
    /// Stops the cycle that is running.
    stop: StopRequest,
    /// Stops the files that are under way.
    stop_files: StopRequest,
    /// Disconnected when no file is under way any more.
    files: Option<Receiver<Infallible>>,
    report: Arc<Mutex<Option<Report>>>,
}

impl Backend {
    /// Starts the threads, and emits the contents of this user's files.
    pub fn start(environment: Environment, emit: Emit) -> Self {
        let report = Arc::new(Mutex::new(None));
        let watcher = ModuleWatcher {
            discovery: environment.discovery.clone(),
            root: environment.root.clone(),
            folders: environment.folders.clone(),
            emit: Arc::clone(&emit),
            report: Arc::clone(&report),
        };
        let backend = Self {
            licensing: Licensing::new(&environment, Arc::clone(&emit)),
            orders: watcher.start(),
            environment,
            emit,
            stop: StopRequest::default(),
            stop_files: StopRequest::default(),
            files: None,
            report,
        };
        backend.launch();
        backend
    }

    /// Returns where the window was when the app was last used.
    pub fn window_place(folders: &Folders) -> Option<WindowPlace> {
        files::preferences(folders).0.window
    }

    /// Starts a command; an event reports its outcome.
    pub fn perform(&mut self, command: Command) {
        let folders = &self.environment.folders;
        match command {
            Command::Register {
                portal,
                number,
                pin,
            } => self.licensing.register(portal, number, pin),
            Command::LogIn { pin } => self.licensing.log_in(pin),
            Command::ChangePin { current, new } => self.licensing.change_pin(current, new),
            Command::RefreshLicense => self.licensing.refresh(),
            Command::SavePreferences(preferences) => {
                self.report_failure(files::save_preferences(folders, preferences));
            }
            Command::SaveNicknames(names) => {
                self.report_failure(files::save_nicknames(folders, &names));
            }
            Command::SaveMaster(state) => self.report_failure(files::save_master(folders, state)),
            Command::Look(request) => self.order(Order::Look(request)),
            Command::Start(request) => self.run(request, Vec::new()),
            Command::StartWith(request, tickets) => self.run(request, tickets),
            Command::Stop => self.stop.request(),
            Command::ExportSettings(settings, path) => {
                (self.emit)(Event::Exported(files::export(settings, &path)));
            }
            Command::ImportSettings(path) => {
                (self.emit)(Event::Imported(files::import(&path)));
            }
            Command::SaveReport {
                path,
                language,
                cycle,
            } => {
                let last = self.report.lock().unwrap_or_else(PoisonError::into_inner);
                let past = cycle.map(|cycle| files::past_report(&cycle));
                let report =
                    past.unwrap_or_else(|| last.clone().ok_or_else(|| Reason::SystemFailed.into()));
                let root = files::root(self.environment.root.as_deref(), folders)
                    .ok()
                    .flatten();
                let saved = report
                    .and_then(|report| files::save_report(&report, &path, root.as_ref(), language));
                (self.emit)(Event::ReportSaved(saved));
            }
            Command::PinRoot(root) => {
                let pinned = trust::pin(folders, &root);
                self.report_failure(pinned.map(|_path| ()).map_err(|error| (&error).into()));
            }
            Command::ShareFiles(order) => {
                self.stop_files = StopRequest::default();
                let (under_way, files) = channel();
                self.files = Some(files);
                self.order(Order::Share(Sharing {
                    order,
                    stop: self.stop_files.clone(),
                    emit: Arc::clone(&self.emit),
                    _under_way: under_way,
                }));
            }
            Command::AskRecipient(named) => self.order(Order::Recipient(named)),
            Command::StopFiles => self.stop_files.request(),
            Command::ListTeams => self.list_teams(),
            Command::AskTeams => self.order(Order::Teams),
            Command::OpenTicket(files) => self.open_ticket(files),
            Command::ServeTeam(order) => self.serve(order),
            // The window's thread ends the program.
            Command::Quit => self.leave_files(),
            Command::ShowInFolder(file) => self.report_failure(files::show_in_folder(&file)),
            Command::OpenFile(file) => self.report_failure(files::open_file(&file)),
            Command::OpenManual(language) => self.report_failure(files::open_manual(language)),
            Command::OpenSupport => {
                self.report_failure(files::open_page(&self.licensing.portal()));
            }
            Command::OpenPurchasePage => {
                self.report_failure(files::open_page(&format!(
                    "{}/purchase",
                    self.licensing.portal()
                )));
            }
        }
    }

    fn launch(&self) {
        let folders = &self.environment.folders;
        let (preferences, problem) = files::preferences(folders);
        (self.emit)(Event::Launched {
            license: self.licensing.license(),
            master: files::master(folders),
            preferences,
            language: system_language(),
        });
        self.report_failure(problem.map_or(Ok(()), Err));
        let (names, problem) = files::nicknames(folders);
        (self.emit)(Event::Named(names));
        self.report_failure(problem.map_or(Ok(()), Err));
    }

    fn run(&mut self, request: Request, tickets: Vec<PathBuf>) {
        self.stop = StopRequest::default();
        let folders = &self.environment.folders;
        let root = files::root(self.environment.root.as_deref(), folders)
            .and_then(|root| root.ok_or(Reason::NoRoot.into()));
        let root = match root {
            Ok(root) => root,
            Err(problem) => {
                (self.emit)(Event::Cycle(CycleEvent::Ended(Err(problem))));
                return;
            }
        };
        let setup = Setup {
            request,
            jobs: None,
            root,
            receipts: folders.receipts(),
            letterboxes: Letterboxes::new(folders.letterboxes()),
            hardware: self.licensing.permit(),
            stop: self.stop.clone(),
        };
        self.order(Order::Run(Box::new(setup), tickets));
    }

    fn list_teams(&self) {
        let (root, folders) = (
            self.environment.root.clone(),
            self.environment.folders.clone(),
        );
        let emit = Arc::clone(&self.emit);
        thread::spawn(move || {
            let teams = team::list(root.as_deref(), &folders);
            emit(Event::Team(TeamEvent::Listed(teams)));
            let cycles = team::history(root.as_deref(), &folders);
            emit(Event::Team(TeamEvent::Past(cycles)));
        });
    }

    fn open_ticket(&self, paths: Vec<PathBuf>) {
        let environment = self.environment.clone();
        let emit = Arc::clone(&self.emit);
        let portal = self.licensing.portal();
        thread::spawn(move || {
            let (root, folders) = (environment.root.as_deref(), &environment.folders);
            let opened = team::open_ticket(root, folders, &portal, paths);
            emit(Event::Team(TeamEvent::Opened(opened)));
        });
    }

    fn serve(&self, order: TeamOrder) {
        self.order(Order::Serve(Box::new(Service {
            order,
            folders: self.environment.folders.clone(),
            root: self.environment.root.clone(),
            hardware: self.licensing.permit(),
            emit: Arc::clone(&self.emit),
        })));
    }

    fn order(&self, order: Order) {
        if self.orders.send(order).is_err() {
            // The thread panicked: modules can no longer be watched.
            let problem = Problem::new(Reason::SystemFailed).about("module watcher");
            (self.emit)(Event::Cycle(CycleEvent::Ended(Err(problem))));
        }
    }

    /// Stops the files that are under way, and waits until nothing is left of them: on a stick, they have names.
    fn leave_files(&self) {
        self.stop_files.request();
        if let Some(files) = &self.files
            && files.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout)
        {
            tracing::warn!("files are still being written");
        }
    }

    fn report_failure(&self, outcome: Result<(), Problem>) {
        if let Err(problem) = outcome {
            (self.emit)(Event::NotSaved(problem));
        }
    }
}

/// How long the window waits for files when it is closed.
const PATIENCE: Duration = Duration::from_secs(3);

/// Returns the language of the user's locale, or English where the app lacks it.
fn system_language() -> Language {
    let locale = sys_locale::get_locale().unwrap_or_default();
    match locale.get(..2) {
        Some("de") => Language::German,
        Some("fr") => Language::French,
        _ => Language::English,
    }
}

/// Returns the seconds since 1970-01-01 00:00 UTC.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
