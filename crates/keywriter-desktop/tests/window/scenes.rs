//! Scripted states: what a backend would report.

mod sharing;
mod team;

pub(crate) use sharing::{files, some_failed};
pub(crate) use team::{nothing_done, open_team, rekeyed, team, ticket};

use keywriter::{
    Serial, cycle::Summary, genuine::TrustedRoot, protocol::EncryptionMode, settings::MasterState,
    survey::OtherRoot,
};
use keywriter_desktop::{
    model::{
        Appearance, Command, Configured, CycleEvent, Event, FilesEvent, FilesProgress, Intent,
        Language, LicenseState, LicenseView, ModuleView, Page, Part, Preferences, Problem, Reason,
        Recipient, Sharing, Surveyed,
    },
    screen::{App, AppInfo},
};
use sharing::{CHOSEN, RECIPIENT, encrypted, open_files, share};
use std::{cell::RefCell, path::PathBuf, rc::Rc};

pub(crate) type Commands = Rc<RefCell<Vec<Command>>>;

pub(crate) const NUMBER: &str = "KW7Q-2MXD-9TRA-4H8C";

/// Opens an app; returns it with the list of its commands.
pub(crate) fn app(home: PathBuf) -> (Rc<App>, Commands) {
    let commands = Commands::default();
    let sink = Rc::clone(&commands);
    let info = AppInfo {
        portal: "https://licenses.example.com".into(),
        version: "0.1.0".into(),
        is_development_build: true,
        place: None,
        home,
    };
    let app = App::new(info, Box::new(move |more| sink.borrow_mut().extend(more))).unwrap();
    (app, commands)
}

pub(crate) fn serial(name: &str) -> Serial {
    name.parse().unwrap()
}

pub(crate) fn license() -> LicenseView {
    LicenseView {
        number: NUMBER.into(),
        holder: "Ada Example".into(),
        company: "Example Ltd".into(),
        last_day: Some("2027-06-30".into()),
        problem: None,
    }
}

pub(crate) fn launched(license: LicenseState, master: Option<&str>) -> Event {
    Event::Launched {
        license,
        master: Ok(master.map(|name| MasterState {
            master: serial(name),
            options: keywriter::Options::default(),
        })),
        preferences: Preferences {
            appearance: Appearance::Light,
            ..Preferences::default()
        },
        language: Language::English,
    }
}

/// A module that can be the master.
pub(crate) fn master(name: &str) -> ModuleView {
    ModuleView {
        serial: serial(name),
        firmware: [1, 4, 2],
        is_virtual: false,
        unfit: None,
        few_writes: None,
        configured: Some(Configured {
            policy: Some((8, true)),
            user_pin: true,
            cloning: true,
            mode: EncryptionMode::Xts,
            self_destruct_pin: false,
            auto_lock: Some(15),
        }),
        part: Part::None,
        sharing: Sharing::Unlocked { group: [1; 16] },
    }
}

pub(crate) fn secondary(name: &str, part: Part) -> ModuleView {
    ModuleView {
        part,
        configured: None,
        unfit: Some(Problem::new(Reason::Locked)),
        sharing: Sharing::Locked,
        ..master(name)
    }
}

/// `KW-20418` and the like.
pub(crate) fn name(place: usize) -> String {
    format!("KW-{}", 20_418 + 37 * place)
}

pub(crate) fn survey(modules: Vec<ModuleView>) -> Event {
    Event::Surveyed(Surveyed {
        modules,
        ..Surveyed::default()
    })
}

/// A master and this many fresh secondaries.
pub(crate) fn connected(count: usize) -> Event {
    let fresh = (1..=count).map(|place| secondary(&name(place), Part::Clone));
    survey(std::iter::once(master(&name(0))).chain(fresh).collect())
}

/// Logs in, with a license.
pub(crate) fn enter(app: &App, master: Option<&str>) {
    app.hear(launched(LicenseState::Registered(license()), master));
    app.hear(Event::LoggedIn(Ok(license())));
}

pub(crate) fn cycle(app: &App, event: CycleEvent) {
    app.hear(Event::Cycle(event));
}

/// A running cycle with 8 secondaries.
pub(crate) fn clone_half(app: &App) {
    enter(app, Some(&name(0)));
    app.hear(connected(8));
    app.act(Intent::Start);
    let all: Vec<_> = (1..=8).map(|place| serial(&name(place))).collect();
    cycle(
        app,
        CycleEvent::Preflight {
            secondaries: all.clone(),
        },
    );
    for (place, step) in [(2, 5), (3, 4), (4, 2), (5, 1)] {
        cycle(app, CycleEvent::Step(all[place], step));
    }
    for serial in &all[..2] {
        cycle(
            app,
            CycleEvent::Done {
                serial: *serial,
                already: false,
            },
        );
    }
}

pub(crate) fn ended(done: usize, failed: usize) -> CycleEvent {
    CycleEvent::Ended(Ok(Summary {
        done,
        failed,
        began: true,
        ..Summary::default()
    }))
}

/// A name, and how to get there.
pub(crate) type Scene = (&'static str, fn(&App));

/// The pictures of the manual: a name, and how to get there.
pub(crate) const SCENES: &[Scene] = &[
    ("register", |app| {
        app.hear(launched(LicenseState::Unregistered, None));
    }),
    ("registered", |app| {
        app.hear(launched(LicenseState::Unregistered, None));
        app.hear(Event::Registered(Ok(license())));
    }),
    ("login", |app| {
        app.hear(launched(LicenseState::Registered(license()), None));
    }),
    ("master-unassigned", |app| {
        enter(app, None);
        let others = (1..=2).map(|place| secondary(&name(place), Part::None));
        app.hear(survey(
            std::iter::once(master(&name(0))).chain(others).collect(),
        ));
    }),
    ("trust-root", |app| {
        enter(app, None);
        let Event::Surveyed(mut surveyed) = connected(3) else {
            return;
        };
        let root = hsm_factory::Root::generate("Example Root of Trust").unwrap();
        surveyed.unknown_root = TrustedRoot::from_der(root.certificate_der().to_vec()).ok();
        app.hear(Event::Surveyed(surveyed));
    }),
    ("master-active", |app| {
        enter(app, Some(&name(0)));
        app.hear(connected(7));
    }),
    ("cloning", clone_half),
    ("waiting-for-you", |app| {
        clone_half(app);
        cycle(app, CycleEvent::Asks(serial(&name(5))));
    }),
    ("cloned", |app| {
        clone_half(app);
        for place in 3..=8 {
            cycle(
                app,
                CycleEvent::Done {
                    serial: serial(&name(place)),
                    already: false,
                },
            );
        }
        cycle(app, ended(8, 0));
    }),
    ("failed", |app| {
        clone_half(app);
        cycle(
            app,
            CycleEvent::Failed(serial(&name(4)), Problem::new(Reason::Unplugged)),
        );
        cycle(
            app,
            CycleEvent::Failed(serial(&name(6)), Problem::new(Reason::NotGenuine)),
        );
        for place in [3, 5, 7, 8] {
            cycle(
                app,
                CycleEvent::Done {
                    serial: serial(&name(place)),
                    already: false,
                },
            );
        }
        cycle(app, ended(6, 2));
    }),
    ("change-pin", |app| {
        enter(app, None);
        app.act(Intent::OpenPage(Page::ChangePin));
    }),
    ("pin-changed", |app| {
        enter(app, None);
        app.act(Intent::OpenPage(Page::ChangePin));
        app.hear(Event::PinChanged(Ok(())));
    }),
    ("about", |app| {
        enter(app, None);
        app.act(Intent::OpenPage(Page::About));
    }),
    ("evaluation", |app| {
        app.hear(launched(LicenseState::Unregistered, None));
        app.act(Intent::Evaluate);
        let mut modules: Vec<_> = (2..=5)
            .map(|it| secondary(&format!("VM000{it}"), Part::None))
            .collect();
        modules.insert(0, master("VM0001"));
        for module in &mut modules {
            module.is_virtual = true;
        }
        app.hear(survey(modules));
    }),
    ("receipts", |app| {
        use slint::ComponentHandle as _;
        clone_half(app);
        for place in 3..=8 {
            cycle(
                app,
                CycleEvent::Done {
                    serial: serial(&name(place)),
                    already: false,
                },
            );
        }
        cycle(app, ended(8, 0));
        let sheet = app
            .window()
            .global::<keywriter_desktop::screen::ui::Sheet>();
        sheet.invoke_open(keywriter_desktop::screen::ui::SheetKind::Report);
        sheet.set_file(keywriter_desktop::screen::ui::FileState::New);
    }),
    ("replacing", |app| {
        enter(app, Some(&name(0)));
        app.hear(survey(vec![
            master(&name(0)),
            secondary(&name(1), Part::Clone),
            secondary(&name(2), Part::Replace),
            secondary(&name(3), Part::Replace),
            secondary(&name(4), Part::Clone),
        ]));
        app.act(Intent::Include(serial(&name(4)), false));
        app.act(Intent::Start);
    }),
    ("choosing", |app| {
        enter(app, Some(&name(0)));
        app.hear(connected(5));
        app.act(Intent::Include(serial(&name(2)), false));
        app.act(Intent::Include(serial(&name(5)), false));
    }),
    ("long-serials", |app| {
        enter(app, None);
        let long = |place| format!("KW2026-0001-{place:04}");
        let others = (1..=3).map(|place| secondary(&long(place), Part::None));
        let modules = std::iter::once(master(&long(0))).chain(others);
        app.hear(survey(modules.collect()));
    }),
    ("report-saved", |app| {
        enter(app, Some(&name(0)));
        app.hear(connected(3));
        let file = "/home/ada/keywriter-report.json";
        app.hear(Event::ReportSaved(Ok(file.into())));
    }),
    ("quitting", |app| {
        clone_half(app);
        app.act(Intent::Quit(None));
    }),
    ("disabled", |app| {
        enter(app, Some(&name(0)));
        app.act(Intent::SetDisableMaster(true));
        let mut master = master(&name(0));
        master.unfit = Some(Problem::new(Reason::CloningDisabled));
        if let Some(configured) = &mut master.configured {
            configured.mode = EncryptionMode::Ecb;
        }
        app.hear(survey(vec![master, secondary(&name(1), Part::IsClone)]));
    }),
    ("register-again", |app| {
        app.hear(launched(LicenseState::Unregistered, None));
        app.act(Intent::Evaluate);
        app.act(Intent::OpenPage(Page::Register));
    }),
    ("files", |app| open_files(app, &[])),
    ("files-chosen", |app| open_files(app, &CHOSEN)),
    ("files-held", |app| {
        use slint::ComponentHandle as _;
        open_files(app, &[]);
        let files = app
            .window()
            .global::<keywriter_desktop::screen::ui::Files>();
        files.set_is_hovered(true);
    }),
    ("files-encrypting", |app| {
        share(app);
        files(
            app,
            FilesEvent::Progress(FilesProgress {
                file: "/home/ada/Projects/Bridge/plans/site-2026.dwg".into(),
                finished: 17,
                total: 41,
                bytes: 610_000_000,
                size: 1_500_000_000,
                is_slow: false,
            }),
        );
    }),
    ("files-encrypted", |app| {
        share(app);
        files(app, FilesEvent::Ended(encrypted()));
    }),
    ("files-failed", |app| {
        share(app);
        files(app, FilesEvent::Ended(some_failed()));
    }),
    ("files-exist", |app| {
        share(app);
        let there = ["Contract.pdf.kw", "Budget 2027.ods.kw"];
        let there = there.map(|name| PathBuf::from(format!("/home/ada/{name}")));
        files(app, FilesEvent::Existing(there.into()));
    }),
    ("files-stopped", |app| {
        share(app);
        let mut outcome = encrypted();
        let not_done = outcome.done.split_off(2).into_iter();
        outcome.not_done = not_done.map(|file| file.input).collect();
        outcome.is_stopped = true;
        files(app, FilesEvent::Ended(outcome));
    }),
    ("files-locked", |app| {
        open_files(app, &CHOSEN);
        let locked = (1..=2).map(|place| secondary(&name(place), Part::None));
        app.hear(survey(locked.collect()));
    }),
    ("files-two-groups", |app| {
        open_files(app, &CHOSEN);
        let mut other = secondary(&name(2), Part::None);
        other.sharing = Sharing::Unlocked { group: [2; 16] };
        app.hear(survey(vec![
            master(&name(0)),
            secondary(&name(1), Part::None),
            other,
        ]));
    }),
    ("files-recipient", |app| {
        open_files(app, &[]);
        app.act(Intent::AskRecipient);
        let recipient = Recipient {
            serial: serial(&name(0)),
            group: [0x4B; 16],
            text: RECIPIENT.into(),
        };
        files(app, FilesEvent::Recipient(Ok(recipient)));
    }),
    ("files-quitting", |app| {
        share(app);
        app.act(Intent::Quit(None));
    }),
    ("team", open_team),
    ("team-asks", team::asks),
    ("team-taken", team::taken),
    ("team-rekeying", team::rekeying),
    ("team-rekeyed", rekeyed),
    ("team-ticket", ticket),
    ("team-code", team::code),
    ("team-approving", team::approving),
    ("team-ticket-form", team::form),
    ("team-custodians", team::custodians),
    ("clone-ticket", team::clone_with_ticket),
    ("refusals", refusals),
    ("warnings", warnings),
];

/// A root that this computer does not trust, a worn module and a damaged receipt.
pub(crate) fn warnings(app: &App) {
    let root = |name| {
        let root = hsm_factory::Root::generate(name).unwrap();
        TrustedRoot::from_der(root.certificate_der().to_vec()).unwrap()
    };
    let roots = OtherRoot {
        shown: root("Some other root"),
        trusted: Some(root("Example Root of Trust")),
    };
    enter(app, Some(&name(0)));
    let foreign = Problem::new(Reason::ForeignRoot);
    let mut worn = master(&name(0));
    worn.few_writes = Some(1);
    app.hear(Event::Surveyed(Surveyed {
        modules: vec![
            worn,
            secondary(&name(1), Part::Refused(foreign.clone())),
            secondary(&name(2), Part::Clone),
        ],
        unusable: vec![foreign.about(name(1)).with_roots(Some(&roots))],
        ..Surveyed::default()
    }));
    let file = "/home/ada/.local/state/keywriter/receipts/KW-20455-1.receipt.pem.invalid";
    cycle(app, CycleEvent::ReceiptSetAside(file.into()));
}

/// Everything that can be said before Start, all at once.
pub(crate) fn refusals(app: &App) {
    let mut lapsed = license();
    lapsed.problem = Some(Problem::new(Reason::LicenseExpired).about("2026-06-30"));
    app.hear(launched(
        LicenseState::Registered(lapsed.clone()),
        Some(&name(0)),
    ));
    app.hear(Event::LoggedIn(Ok(lapsed)));
    let refused = |reason| Part::Refused(Problem::new(reason));
    let modules = vec![
        master(&name(0)),
        secondary(&name(1), Part::Replace),
        secondary(&name(2), Part::Finish),
        secondary(&name(3), Part::IsClone),
        secondary(&name(4), refused(Reason::SecondaryLocked)),
        secondary(&name(5), refused(Reason::ForeignRoot)),
        secondary(&name(6), Part::Clone),
    ];
    app.hear(Event::Surveyed(Surveyed {
        unknown_root: None,
        modules,
        unusable: vec![Problem::new(Reason::InUse).about("Reader 3")],
        refusal: Some(Problem::new(Reason::TwoMasters).about(name(6))),
    }));
}
