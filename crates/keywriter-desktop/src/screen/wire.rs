//! Connects the window's callbacks to intents.

use super::{
    App, dialog, file, mirror, place, tickets, typed,
    ui::{self, Sheet, SheetKind},
};
use crate::model::{Intent, LOCKS, Preferences};
use keywriter::share::paths::Act;
use slint::{CloseRequestResponse, ComponentHandle as _, SharedString};
use std::rc::{Rc, Weak};
use zeroize::Zeroizing;

/// Connects every callback. They hold the app weakly, because the app owns the window.
pub(super) fn connect(app: &Rc<App>) {
    shell(app);
    entry(app);
    master(app);
    secondaries(app);
    files(app);
    team(app);
    ticket(app);
    sheet(app);
    root(app);
    replacement(app);
    let app_weak = Rc::downgrade(app);
    let about = app.window().global::<ui::About>();
    about.on_open_manual(press(app, || Intent::OpenManual));
    about.on_open_support(press(app, || Intent::OpenSupport));
    let page = app.window().global::<ui::ChangePin>();
    page.on_change(move |current, new, again| {
        let intent = Intent::ChangePin {
            current: pin(&current),
            new: pin(&new),
            again: pin(&again),
        };
        act(&app_weak, intent);
    });
}

fn shell(app: &Rc<App>) {
    let shell = app.window().global::<ui::Shell>();
    shell.on_open(on(app, |app, page: ui::Page| {
        app.act(Intent::OpenPage(page.into()));
    }));
    shell.on_answer_quit(on(app, |app, is_wanted| {
        app.act(Intent::AnswerQuit(is_wanted));
    }));
    shell.on_look_again(press(app, || Intent::LookAgain));
    let app_weak = Rc::downgrade(app);
    shell.on_quit(move || with(&app_weak, quit));
    let app_weak = Rc::downgrade(app);
    app.window().window().on_close_requested(move || {
        with(&app_weak, quit);
        // The command to quit closes it.
        CloseRequestResponse::KeepWindowShown
    });
    shell.on_show_in_folder(press(app, || Intent::ShowInFolder));
    shell.on_open_report(press(app, || Intent::OpenReport));
    shell.on_choose_language(on(app, |app, place| {
        prefer(app, |it| it.language = Some(mirror::language_at(place)));
    }));
    shell.on_choose_appearance(on(app, |app, place| {
        prefer(app, |it| it.appearance = mirror::appearance_at(place));
    }));
    shell.on_choose_text_step(on(app, |app, step: i32| {
        prefer(app, |it| it.text = u8::try_from(step).unwrap_or_default());
    }));
    shell.on_choose_lock_step(on(app, |app, step: i32| {
        let minutes = usize::try_from(step).ok().and_then(|step| LOCKS.get(step));
        prefer(app, |it| {
            it.lock_after = minutes.copied().unwrap_or_default();
        });
    }));
    let serials = app.window().global::<ui::Serials>();
    serials.on_head(|serial| typed::divide(&serial).0.into());
    serials.on_tail(|serial| typed::divide(&serial).1.into());
    shell.on_digits(|text| typed::digits(&text).into());
    let app_weak = Rc::downgrade(app);
    shell.on_dismiss(move || with(&app_weak, App::dismiss));
    let app_weak = Rc::downgrade(app);
    shell.on_scheme_changed(move || with(&app_weak, App::sync));
}

fn quit(app: &App) {
    let place = place::of(app.window());
    app.act(Intent::Quit(Some(place)));
}

fn entry(app: &Rc<App>) {
    let page = app.window().global::<ui::Register>();
    page.on_format(|text| typed::license_number(&text).into());
    let app_weak = Rc::downgrade(app);
    page.on_register(move |portal, number, digits| {
        let intent = Intent::Register {
            portal: portal.into(),
            number: number.into(),
            pin: pin(&digits),
        };
        act(&app_weak, intent);
    });
    page.on_log_in(on(app, |app, digits: SharedString| {
        app.act(Intent::LogIn { pin: pin(&digits) });
    }));
    page.on_evaluate(press(app, || Intent::Evaluate));
    page.on_purchase(press(app, || Intent::OpenPurchasePage));
    page.on_continue(press(app, || Intent::Continue));
}

fn master(app: &Rc<App>) {
    let card = app.window().global::<ui::Master>();
    card.on_choose(on(app, |app, place: i32| {
        let chosen = usize::try_from(place)
            .ok()
            .and_then(|place| app.screen.choice(place));
        if let Some(serial) = chosen {
            app.act(Intent::Choose(serial));
        }
    }));
    card.on_set_auto_lock(on(app, |app, is_on| app.act(Intent::SetAutoLock(is_on))));
    card.on_set_policy(on(app, |app, is_on| {
        app.act(Intent::SetUserPinPolicy(is_on));
    }));
    card.on_set_disable(on(app, |app, is_on| {
        app.act(Intent::SetDisableMaster(is_on));
    }));
    card.on_set(press(app, || Intent::SetMaster));
    card.on_release(press(app, || Intent::ReleaseMaster));
}

fn secondaries(app: &Rc<App>) {
    let cards = app.window().global::<ui::Secondaries>();
    cards.on_start(press(app, || Intent::Start));
    cards.on_stop(press(app, || Intent::Stop));
    cards.on_retry(press(app, || Intent::Retry));
    cards.on_choose(on(app, |app, serial: SharedString| {
        if let Ok(serial) = serial.parse() {
            app.act(Intent::Choose(serial));
        }
    }));
    let app_weak = Rc::downgrade(app);
    cards.on_include(move |serial, is_in| {
        if let Ok(serial) = serial.parse() {
            act(&app_weak, Intent::Include(serial, is_in));
        }
    });
    cards.on_renew(press(app, || Intent::RefreshLicense));
}

fn files(app: &Rc<App>) {
    let page = app.window().global::<ui::Files>();
    page.on_remove(on(app, |app, place: i32| {
        if let Ok(place) = usize::try_from(place) {
            app.act(Intent::RemoveFile(place));
        }
    }));
    page.on_clear(press(app, || Intent::ClearFiles));
    page.on_set_act(on(app, |app, decrypts| {
        app.act(Intent::SetAct(if decrypts {
            Act::Decrypt
        } else {
            Act::Encrypt
        }));
    }));
    page.on_choose(on(app, |app, place: i32| {
        let (serials, _) = app.model().files.choices();
        let chosen = usize::try_from(place).ok();
        if let Some(serial) = chosen.and_then(|place| serials.get(place)) {
            app.act(Intent::ChooseSharer(*serial));
        }
    }));
    page.on_put_beside(press(app, || Intent::SetOutput(None)));
    page.on_start(press(app, || Intent::StartFiles));
    page.on_stop(press(app, || Intent::StopFiles));
    page.on_show(press(app, || Intent::ShowFiles));
    page.on_ask_recipient(press(app, || Intent::AskRecipient));
    let question = app.window().global::<ui::ExistingQuestion>();
    question.on_cancel(press(app, || Intent::AnswerExisting(None)));
    question.on_keep(press(app, || Intent::AnswerExisting(Some(false))));
    question.on_replace(press(app, || Intent::AnswerExisting(Some(true))));
}

fn team(app: &Rc<App>) {
    let page = app.window().global::<ui::Team>();
    page.on_choose(on(app, |app, place: i32| {
        let place = usize::try_from(place).ok();
        let device = place.and_then(|place| app.model().team.devices().get(place).cloned());
        if let Some((serial, _)) = device {
            app.act(Intent::ChooseDevice(serial));
        }
    }));
    let naming = app.window().global::<ui::Naming>();
    let app_weak = Rc::downgrade(app);
    naming.on_save(move |serial, name| {
        if let Ok(serial) = serial.parse() {
            act(&app_weak, Intent::Rename(serial, name.into()));
        }
    });
    let app_weak = Rc::downgrade(app);
    page.on_report(move |place| {
        if let Some(app) = app_weak.upgrade()
            && let Ok(place) = usize::try_from(place)
        {
            app.act(Intent::ChooseCycle(place));
            dialog::open(&app, SheetKind::PastReport);
        }
    });
    page.on_ask_rekey(press(app, || Intent::AskRekey));
    page.on_show(press(app, || Intent::ShowMail));
    let question = app.window().global::<ui::RekeyQuestion>();
    question.on_cancel(press(app, || Intent::CancelRekey));
    let app_weak = Rc::downgrade(app);
    question.on_keep(move |serial, stays| {
        if let Ok(serial) = serial.parse() {
            act(&app_weak, Intent::KeepMember(serial, stays));
        }
    });
}

fn ticket(app: &Rc<App>) {
    let page = app.window().global::<ui::Team>();
    page.on_ask_ticket(on(app, |app, is_now| app.act(Intent::AskTicket { is_now })));
    let ticket = app.window().global::<ui::Ticket>();
    ticket.on_without_comma(|text| text.trim_start_matches(", ").into());
    ticket.on_close(press(app, || Intent::CloseTicket));
    ticket.on_show_code(on(app, |app, is_shown| app.act(Intent::ShowCode(is_shown))));
    ticket.on_approve(press(app, || Intent::ApproveTicket));
    ticket.on_withdraw(press(app, || Intent::WithdrawTicket));
    ticket.on_use(press(app, || Intent::UseTicket));
    ticket.on_drop_from_cycle(press(app, || Intent::DropTicket));
    let form = app.window().global::<ui::TicketForm>();
    form.on_cancel(press(app, || Intent::CancelTicket));
    form.on_set_policy(press(app, || Intent::SetPolicy));
    let app_weak = Rc::downgrade(app);
    form.on_edited(move || {
        with(&app_weak, |app| {
            let typed = tickets::typed(&app.window().global::<ui::TicketForm>());
            app.act(Intent::EditTicket(typed));
        });
    });
}

fn sheet(app: &Rc<App>) {
    let sheet = app.window().global::<Sheet>();
    let app_weak = Rc::downgrade(app);
    sheet.on_open(move |kind| {
        if let Some(app) = app_weak.upgrade() {
            dialog::open(&app, kind);
        }
    });
    sheet.on_edited(on(app, |app, text: SharedString| {
        let sheet = app.window().global::<Sheet>();
        let path = file::resolve(&text, &app.info.home);
        sheet.set_file(file::look(sheet.get_kind(), &path));
    }));
    let app_weak = Rc::downgrade(app);
    sheet.on_accept(move |text| {
        if let Some(app) = app_weak.upgrade() {
            let sheet = app.window().global::<Sheet>();
            let path = file::resolve(&text, &app.info.home);
            let kind = sheet.get_kind();
            sheet.set_kind(SheetKind::None);
            dialog::finish(&app, kind, vec![path]);
        }
    });
}

fn replacement(app: &Rc<App>) {
    let question = app.window().global::<ui::ReplaceQuestion>();
    question.on_answer(on(app, |app, is_wanted| {
        app.act(Intent::AnswerReplacement(is_wanted));
    }));
}

fn root(app: &Rc<App>) {
    let question = app.window().global::<ui::RootQuestion>();
    question.on_answer(on(app, |app, is_right| {
        let question = app.window().global::<ui::RootQuestion>();
        let fingerprint = question.get_fingerprint().into();
        app.act(Intent::TrustRoot {
            fingerprint,
            is_right,
        });
    }));
}

/// Returns a callback with one argument.
fn on<A>(app: &Rc<App>, act: impl Fn(&App, A) + 'static) -> impl Fn(A) + 'static {
    let app = Rc::downgrade(app);
    move |argument| with(&app, |app| act(app, argument))
}

/// Returns a callback that sends one intent.
fn press(app: &Rc<App>, intent: impl Fn() -> Intent + 'static) -> impl Fn() + 'static {
    let app = Rc::downgrade(app);
    move || act(&app, intent())
}

fn act(app: &Weak<App>, intent: Intent) {
    with(app, |app| app.act(intent));
}

fn with(app: &Weak<App>, act: impl FnOnce(&App)) {
    if let Some(app) = app.upgrade() {
        act(&app);
    }
}

fn prefer(app: &App, change: impl FnOnce(&mut Preferences)) {
    let mut preferences = app.model().preferences;
    change(&mut preferences);
    app.act(Intent::Prefer(preferences));
}

/// Copies a typed PIN. The field is then cleared; copies inside the toolkit are out of reach.
fn pin(digits: &SharedString) -> Zeroizing<String> {
    Zeroizing::new(digits.as_str().to_owned())
}
