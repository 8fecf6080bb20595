//! Copies the model's state to Slint's globals. What did not change is not drawn again.

use super::{AppInfo, files::Files, mirror, support, team::TeamLists, tickets::TicketLists, ui};
use crate::model::{
    Appearance, Bar, Card, LOCKS, LicenseState, Model, Nicknames, Notice, Page, PinChange, Problem,
    TEXT_STEPS,
};
use keywriter::{Serial, protocol::EncryptionMode, text::shown_path};
use mirror::{count, problem};
use slint::{ComponentHandle as _, Model as _, ModelRc, SharedString, VecModel};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// The percentages of the steps of text size.
const SIZES: [u8; TEXT_STEPS as usize + 1] = [100, 115, 130, 160, 200];

/// The third-party licenses; empty unless a release has written the file.
const NOTICES: &str = include_str!(concat!(env!("OUT_DIR"), "/third-party.md"));

/// The window and the lists that it shows.
pub(super) struct Screen {
    pub(super) window: ui::AppWindow,
    cards: Rc<VecModel<ui::CardView>>,
    choices: Rc<VecModel<ui::ChoiceView>>,
    files: Files,
    team: TeamLists,
    tickets: TicketLists,
    unusable: Rc<VecModel<ui::Problem>>,
    wearing: Rc<VecModel<ui::Wearing>>,
    /// The choices' serial numbers.
    serials: RefCell<Vec<Serial>>,
    language: Cell<Option<i32>>,
}

impl Screen {
    /// Gives the window its lists and what does not change.
    pub(super) fn new(window: ui::AppWindow, info: &AppInfo) -> Self {
        let screen = Self {
            window,
            cards: Rc::default(),
            choices: Rc::default(),
            files: Files::default(),
            team: TeamLists::default(),
            tickets: TicketLists::default(),
            unusable: Rc::default(),
            wearing: Rc::default(),
            serials: RefCell::default(),
            language: Cell::default(),
        };
        let secondaries = screen.window.global::<ui::Secondaries>();
        secondaries.set_cards(ModelRc::from(Rc::clone(&screen.cards)));
        secondaries.set_unusable(ModelRc::from(Rc::clone(&screen.unusable)));
        secondaries.set_wearing(ModelRc::from(Rc::clone(&screen.wearing)));
        screen.files.connect(&screen.window);
        screen.team.connect(&screen.window);
        screen.tickets.connect(&screen.window);
        let master = screen.window.global::<ui::Master>();
        master.set_choices(ModelRc::from(Rc::clone(&screen.choices)));
        let about = screen.window.global::<ui::About>();
        about.set_version(info.version.as_str().into());
        about.set_is_development(info.is_development_build);
        let sizes: VecModel<SharedString> = SIZES.iter().map(|it| slint::format!("{it}")).collect();
        let shell = screen.window.global::<ui::Shell>();
        shell.set_text_sizes(ModelRc::new(sizes));
        let register = screen.window.global::<ui::Register>();
        register.set_portal(info.portal.as_str().into());
        let works: VecModel<ui::Work> = NOTICES.lines().filter_map(work).collect();
        about.set_works(ModelRc::new(works));
        screen
    }

    /// Returns the module at a place among the choices.
    pub(super) fn choice(&self, place: usize) -> Option<Serial> {
        self.serials.borrow().get(place).copied()
    }

    /// Shows the model.
    pub(super) fn show(&self, model: &Model) {
        self.show_look(model);
        self.show_shell(model);
        self.show_entry(model);
        self.show_master(model);
        self.show_secondaries(model);
        self.files.show(&self.window, model);
        self.team.show(&self.window, model);
        self.tickets.show(&self.window, model);
        self.show_root_question(model);
        self.show_replacement(model);
    }

    fn show_replacement(&self, model: &Model) {
        let question = self.window.global::<ui::ReplaceQuestion>();
        let replacement = model.cloning.replacement();
        if let Some(replacement) = replacement {
            let names = replacement.replaced.iter();
            let names: VecModel<SharedString> = names.map(|it| it.as_str().into()).collect();
            question.set_count(count(names.row_count()));
            question.set_serials(ModelRc::new(names));
            question.set_is_retry(!replacement.to.is_empty());
        }
        question.set_is_open(replacement.is_some());
    }

    fn show_root_question(&self, model: &Model) {
        let question = self.window.global::<ui::RootQuestion>();
        if let Some(root) = &model.root_question {
            question.set_name(root.name().into());
            question.set_fingerprint(root.fingerprint().into());
        }
        question.set_is_open(model.root_question.is_some());
    }

    fn show_look(&self, model: &Model) {
        let (code, place) = mirror::language(model.language());
        if self.language.replace(Some(place)) != Some(place) {
            // Fails only for a language that is not compiled in.
            if let Err(error) = slint::select_bundled_translation(code) {
                tracing::warn!(%error, code, "no such language");
            }
        }
        let window = &self.window;
        let is_dark = match model.preferences.appearance {
            Appearance::Light => false,
            Appearance::Dark => true,
            Appearance::System => {
                window.invoke_follow_system();
                window.get_palette_is_dark()
            }
        };
        // The toolkit's badge on the About page needs a scheme, not colors.
        if model.preferences.appearance != Appearance::System || model.page == Page::About {
            window.invoke_fix_scheme(is_dark);
        }
        let theme = window.global::<ui::Theme>();
        theme.set_dark(is_dark);
        let step = usize::from(model.preferences.text.min(TEXT_STEPS));
        theme.set_scale(f32::from(SIZES[step]) / 100.0);
        let shell = window.global::<ui::Shell>();
        shell.set_language(place);
        shell.set_appearance(mirror::appearance(model.preferences.appearance));
        shell.set_text_step(count(step));
        let locks = LOCKS
            .iter()
            .position(|it| *it == model.preferences.lock_after);
        shell.set_lock_step(locks.map_or(0, count));
    }

    fn show_shell(&self, model: &Model) {
        let shell = self.window.global::<ui::Shell>();
        shell.set_page(model.page.into());
        shell.set_can_change_pin(matches!(model.license, LicenseState::Registered(_)));
        shell.set_license_status(mirror::license_status(&model.license));
        let license = model.license.view();
        let last_day = license.and_then(|view| view.last_day.as_deref());
        shell.set_last_day(last_day.unwrap_or_default().into());
        shell.set_busy(model.is_busy);
        shell.set_has_files_under_way(model.files.is_running());
        shell.set_asks_to_quit(model.quit_question);
        let about = self.window.global::<ui::About>();
        about.set_support(
            support::text(model, &about.get_version(), about.get_is_development()).into(),
        );
        let lines = license.map(|view| [&view.company, &view.holder, &view.number]);
        let [company, holder, number] = lines.map_or([""; 3], |lines| lines.map(String::as_str));
        about.set_company(company.into());
        about.set_holder(holder.into());
        about.set_number(number.into());
        let register = self.window.global::<ui::Register>();
        register.set_can_go_back(model.can_go_back());
        register.set_has_license(license.is_some());
        register.set_may_evaluate(model.may_evaluate());
        let (kind, wrong) = match &model.notice {
            None => (ui::NoticeKind::Nothing, None),
            Some(Notice::Exported(_)) => (ui::NoticeKind::Exported, None),
            Some(Notice::Imported) => (ui::NoticeKind::Imported, None),
            Some(Notice::ReportSaved(_)) => (ui::NoticeKind::ReportSaved, None),
            Some(Notice::ReceiptSetAside(_)) => (ui::NoticeKind::ReceiptSetAside, None),
            Some(Notice::LicenseRefreshed) => (ui::NoticeKind::LicenseRefreshed, None),
            Some(Notice::NotAdded) => (ui::NoticeKind::NotAdded, None),
            Some(Notice::Problem(wrong)) => (ui::NoticeKind::Problem, Some(wrong)),
        };
        let file = model.notice.as_ref().and_then(Notice::file);
        shell.set_notice_lasts(model.notice.as_ref().is_some_and(Notice::is_lasting));
        shell.set_problem(problem(wrong));
        shell.set_notice_file(file.map(shown_path).unwrap_or_default().into());
        shell.set_notice(kind);
        let change = self.window.global::<ui::ChangePin>();
        change.set_number(
            license
                .map(|view| view.number.as_str())
                .unwrap_or_default()
                .into(),
        );
        let (state, refusal) = match &model.pin_change {
            PinChange::Typing => (ui::PinState::Typing, None),
            PinChange::Busy => (ui::PinState::Busy, None),
            PinChange::Changed => (ui::PinState::Changed, None),
            PinChange::Refused(why) => (ui::PinState::Refused, Some(why)),
        };
        change.set_refusal(problem(refusal));
        change.set_state(state);
    }

    fn show_entry(&self, model: &Model) {
        let entry = self.window.global::<ui::Register>();
        entry.set_refusal(problem(model.refusal.as_ref()));
        entry.set_wait(count(model.wait));
        let holder = model.license.view().map_or("", |view| {
            if view.company.is_empty() {
                &view.holder
            } else {
                &view.company
            }
        });
        entry.set_holder(holder.into());
    }

    fn show_master(&self, model: &Model) {
        let cloning = &model.cloning;
        let shown = cloning.master_card();
        let card = self.window.global::<ui::Master>();
        let choices = cloning.choices();
        let choice = choices
            .iter()
            .position(|(serial, _)| Some(*serial) == shown.serial);
        let view = |(serial, unfit): &(Serial, Option<Problem>)| ui::ChoiceView {
            serial: serial.as_str().into(),
            nickname: model.nicknames.of(*serial).into(),
            unfit: problem(unfit.as_ref()),
        };
        update(&self.choices, choices.iter().map(view).collect());
        *self.serials.borrow_mut() = choices.into_iter().map(|(serial, _)| serial).collect();
        card.set_choice(choice.map_or(-1, count));
        card.set_serial(
            shown
                .serial
                .as_ref()
                .map(Serial::as_str)
                .unwrap_or_default()
                .into(),
        );
        card.set_firmware(shown.firmware.as_str().into());
        card.set_is_virtual(shown.is_virtual);
        card.set_status(shown.status.into());
        card.set_unfit(problem(shown.unfit.as_ref()));
        let (length, symbol) = shown.policy.unwrap_or_default();
        card.set_policy_length(length.into());
        card.set_policy_symbol(symbol);
        card.set_minutes(shown.auto_lock.unwrap_or_default().into());
        let list = shown.checklist;
        card.set_policy(list.policy.into());
        card.set_user_pin(list.user_pin.into());
        card.set_cloning(list.cloning.into());
        card.set_mode_known(list.mode.is_some());
        card.set_mode_is_ecb(list.mode == Some(EncryptionMode::Ecb));
        card.set_self_destruct_pin(list.self_destruct_pin.into());
        card.set_auto_lock(list.auto_lock.into());
        let options = cloning.options();
        card.set_copy_auto_lock(options.auto_lock);
        card.set_copy_policy(options.user_pin_policy);
        card.set_disable(options.disable_master);
        card.set_can_choose(cloning.can_choose());
        card.set_can_set(cloning.can_set_master());
        card.set_can_release(!cloning.is_running());
    }

    fn show_secondaries(&self, model: &Model) {
        let cloning = &model.cloning;
        let page = self.window.global::<ui::Secondaries>();
        let cards = cloning.cards();
        let cards = cards.iter().map(|shown| card(shown, &model.nicknames));
        update(&self.cards, cards.collect());
        let unusable = cloning.unusable().iter();
        update(
            &self.unusable,
            unusable.map(|it| problem(Some(it))).collect(),
        );
        let wearing = cloning.wearing().map(|(serial, left)| ui::Wearing {
            serial: serial.as_str().into(),
            left: count(left),
        });
        update(&self.wearing, wearing.collect());
        page.set_present(count(cloning.present()));
        page.set_is_running(cloning.is_running());
        page.set_has_files_under_way(model.files.is_running());
        let is_elsewhere = model.files.is_running() || model.team.is_running();
        page.set_can_start(cloning.can_start() && !is_elsewhere);
        page.set_can_stop(cloning.can_stop());
        page.set_can_retry(cloning.can_retry() && !is_elsewhere);
        page.set_has_report(cloning.has_report());
        page.set_is_evaluation(cloning.is_evaluation());
        page.set_refusal(problem(cloning.refusal()));
        let license = model.license.view().and_then(|view| view.problem.as_ref());
        page.set_license_problem(problem(license));
        match cloning.bar() {
            Bar::NoMaster => {
                page.set_share(0.0);
                page.set_bar(ui::BarKind::NoMaster);
            }
            Bar::Ready { ready, clones } => {
                page.set_ready(count(ready));
                page.set_clones(count(clones));
                page.set_share(0.0);
                page.set_bar(ui::BarKind::Ready);
            }
            Bar::Running {
                finished,
                total,
                share,
                stopping,
            } => {
                page.set_finished(count(finished));
                page.set_total(count(total));
                page.set_share(share);
                page.set_bar(if stopping {
                    ui::BarKind::Stopping
                } else {
                    ui::BarKind::Running
                });
            }
            Bar::Ended {
                done,
                failed,
                left_out,
                disabled,
            } => {
                page.set_done(count(done));
                page.set_failed(count(failed));
                page.set_left_out(count(left_out));
                page.set_disabled(disabled);
                page.set_bar(ui::BarKind::Ended);
            }
        }
    }
}

/// Divides a line of the list of third-party software: `- name: license; authors`.
fn work(line: &str) -> Option<ui::Work> {
    let (name, rest) = line.strip_prefix("- ")?.split_once(": ")?;
    let (license, authors) = rest.split_once("; ").unwrap_or((rest, ""));
    Some(ui::Work {
        name: name.into(),
        license: license.into(),
        authors: authors.into(),
    })
}

fn card(card: &Card, names: &Nicknames) -> ui::CardView {
    let nickname = card.serial.map_or("", |serial| names.of(serial));
    let (kind, step, problem) = mirror::card_state(&card.state);
    ui::CardView {
        serial: card
            .serial
            .as_ref()
            .map(Serial::as_str)
            .unwrap_or_default()
            .into(),
        nickname: nickname.into(),
        is_present: card.is_present,
        has_choice: card.is_included.is_some(),
        is_included: card.is_included == Some(true),
        kind,
        step: step.into(),
        problem,
    }
}

/// Updates only the rows that differ.
pub(super) fn update<T: Clone + PartialEq + 'static>(list: &VecModel<T>, rows: Vec<T>) {
    while list.row_count() > rows.len() {
        list.remove(list.row_count() - 1);
    }
    for (place, row) in rows.into_iter().enumerate() {
        match list.row_data(place) {
            None => list.push(row),
            Some(shown) if shown != row => list.set_row_data(place, row),
            Some(_) => {}
        }
    }
}
