//! Copies the state of the page for files to Slint's globals.

use super::{
    mirror::{count, problem},
    sync::update,
    ui,
};
use crate::model::{
    FilesCourse, FilesOutcome, FilesPage, Model, Nicknames, Problem, RecipientView, Sharing,
    name_and_folder,
};
use keywriter::{Serial, share::paths::Act, text::shown_path};
use slint::{ComponentHandle as _, ModelRc, SharedString, VecModel};
use std::{
    path::{Path, PathBuf},
    rc::Rc,
};

/// The lists of the page.
#[derive(Default)]
pub(super) struct Files {
    rows: Rc<VecModel<ui::FileRow>>,
    sharers: Rc<VecModel<ui::Sharer>>,
    choices: Rc<VecModel<ui::ChoiceView>>,
    existing: Rc<VecModel<SharedString>>,
}

impl Files {
    pub(super) fn connect(&self, window: &ui::AppWindow) {
        let page = window.global::<ui::Files>();
        page.set_rows(ModelRc::from(Rc::clone(&self.rows)));
        page.set_sharers(ModelRc::from(Rc::clone(&self.sharers)));
        page.set_choices(ModelRc::from(Rc::clone(&self.choices)));
        let question = window.global::<ui::ExistingQuestion>();
        question.set_files(ModelRc::from(Rc::clone(&self.existing)));
    }

    pub(super) fn show(&self, window: &ui::AppWindow, model: &Model) {
        let files = &model.files;
        let page = window.global::<ui::Files>();
        let is_cloning = model.cloning.is_running();
        page.set_decrypts(files.what() == Act::Decrypt);
        page.set_chosen(count(files.inputs().len()));
        let output = files.output().map(shown_path);
        page.set_output(output.unwrap_or_default().into());
        page.set_is_cloning(is_cloning);
        page.set_can_start(files.can_start() && !is_cloning && !model.team.is_running());
        page.set_lack(problem(files.lack().as_ref()));
        show_course(&page, files.course());
        self.show_rows(&page, files);
        self.show_sharers(&page, files, &model.nicknames);
        let recipient = match files.recipient() {
            RecipientView::Told(recipient) => Some(recipient),
            RecipientView::None | RecipientView::Asked => None,
        };
        page.set_asks_recipient(*files.recipient() == RecipientView::Asked);
        page.set_recipient(
            recipient
                .map(|it| it.text.as_str())
                .unwrap_or_default()
                .into(),
        );
        let serial = recipient.map(|it| it.serial.to_string());
        page.set_recipient_serial(serial.unwrap_or_default().into());
        let group = recipient.map(crate::model::Recipient::group_text);
        page.set_recipient_group(group.unwrap_or_default().into());
        self.show_existing(window, files.existing());
    }

    /// Shows what is chosen, or what became of it: failures first, and of very many files the first ones.
    fn show_rows(&self, page: &ui::Files<'_>, files: &FilesPage) {
        let (rows, all) = match files.course() {
            FilesCourse::Ended(outcome) => results(outcome),
            FilesCourse::Choosing | FilesCourse::Running { .. } => {
                let rows = files.inputs().iter().take(ROWS).enumerate();
                let chosen = |(place, path): (usize, &PathBuf)| ui::FileRow {
                    place: count(place),
                    ..row(ui::FileKind::Chosen, path, None)
                };
                (rows.map(chosen).collect(), files.inputs().len())
            }
        };
        page.set_more(count(all - rows.len()));
        update(&self.rows, rows);
    }

    fn show_sharers(&self, page: &ui::Files<'_>, files: &FilesPage, names: &Nicknames) {
        let (unlocked, chosen) = files.choices();
        let is_choice = files.needs_choice() && files.what() == Act::Encrypt;
        let choices = unlocked.iter().filter(|_| is_choice);
        let choice = |serial: &Serial| ui::ChoiceView {
            serial: serial.as_str().into(),
            nickname: names.of(*serial).into(),
            unfit: problem(None),
        };
        update(&self.choices, choices.map(choice).collect());
        page.set_choice(chosen.map_or(-1, count));
        let others = files.devices().iter();
        let others = others.filter(|(serial, _)| !(is_choice && unlocked.contains(serial)));
        let sharer = |(serial, sharing): &(Serial, Sharing)| {
            let (state, why) = match sharing {
                Sharing::Unlocked { .. } => (ui::SharerState::Unlocked, None),
                Sharing::Locked => (ui::SharerState::Locked, None),
                Sharing::Unfit(why) => (ui::SharerState::Unfit, Some(why)),
            };
            ui::Sharer {
                serial: serial.as_str().into(),
                nickname: names.of(*serial).into(),
                state,
                problem: problem(why),
            }
        };
        update(&self.sharers, others.map(sharer).collect());
    }

    fn show_existing(&self, window: &ui::AppWindow, existing: &[PathBuf]) {
        let question = window.global::<ui::ExistingQuestion>();
        if !existing.is_empty() {
            let names = existing
                .iter()
                .take(ROWS)
                .map(|path| shown_path(path).into());
            update(&self.existing, names.collect());
            question.set_count(count(existing.len()));
            question.set_more(count(existing.len().saturating_sub(ROWS)));
        }
        question.set_is_open(!existing.is_empty());
    }
}

fn show_course(page: &ui::Files<'_>, course: &FilesCourse) {
    let ended = match course {
        FilesCourse::Choosing => {
            page.set_bar(ui::FilesBar::Choosing);
            return;
        }
        FilesCourse::Running {
            progress,
            is_stopping,
        } => {
            page.set_finished(count(progress.finished));
            page.set_total(count(progress.total));
            page.set_share(progress.share());
            page.set_file(shown_path(&progress.file).into());
            page.set_is_slow(progress.is_slow);
            page.set_bar(if *is_stopping {
                ui::FilesBar::Stopping
            } else {
                ui::FilesBar::Running
            });
            return;
        }
        FilesCourse::Ended(outcome) => outcome,
    };
    page.set_done(count(ended.done.len()));
    page.set_failed(count(ended.failed.len()));
    page.set_left_out(count(ended.left_out.len()));
    page.set_not_done(count(ended.not_done.len()));
    page.set_is_stopped(ended.is_stopped);
    page.set_shows_blocks(ended.shows_blocks);
    page.set_bar(ui::FilesBar::Ended);
}

/// Returns the first lines of what became of files, and how many there are.
fn results(outcome: &FilesOutcome) -> (Vec<ui::FileRow>, usize) {
    let failed = outcome.failed.iter();
    let failed = failed.map(|(path, why)| row(ui::FileKind::Failed, path, Some(why)));
    let left_out = outcome.left_out.iter();
    let left_out = left_out.map(|path| row(ui::FileKind::LeftOut, path, None));
    let not_done = outcome.not_done.iter();
    let not_done = not_done.map(|path| row(ui::FileKind::NotDone, path, None));
    let done = outcome.done.iter().map(|file| ui::FileRow {
        result: shown_path(&file.output).into(),
        ..row(ui::FileKind::Done, &file.input, None)
    });
    let rows = failed.chain(left_out).chain(not_done).chain(done);
    let all = [&outcome.left_out, &outcome.not_done].map(Vec::len);
    let all = outcome.failed.len() + all.iter().sum::<usize>() + outcome.done.len();
    (rows.take(ROWS).collect(), all)
}

fn row(kind: ui::FileKind, path: &Path, why: Option<&Problem>) -> ui::FileRow {
    let (name, folder) = name_and_folder(path);
    ui::FileRow {
        kind,
        place: -1,
        name: name.into(),
        folder: folder.into(),
        result: SharedString::default(),
        problem: problem(why),
    }
}

/// The most lines of a list: each takes room and time.
const ROWS: usize = 200;
