//! Copies tickets to Slint's globals.

use super::{mirror::count, sync::update, ui};
use crate::model::{FormError, Model, TicketForm, TicketKind, TicketView, Tickets};
use keywriter::{
    Options, Serial,
    text::{hex, listed, shown_path},
    ticket::{Allows, To, ToModules, screen::Qr},
};
use slint::{
    ComponentHandle as _, Image, ModelRc, Rgb8Pixel, SharedPixelBuffer, SharedString, VecModel,
};
use std::{cell::RefCell, rc::Rc};

/// What is shown of a ticket.
#[derive(Default)]
pub(super) struct TicketLists {
    code: Rc<VecModel<SharedString>>,
    /// The QR code that is drawn.
    drawn: RefCell<Option<Qr>>,
}

impl TicketLists {
    pub(super) fn connect(&self, window: &ui::AppWindow) {
        let ticket = window.global::<ui::Ticket>();
        ticket.set_code(ModelRc::from(Rc::clone(&self.code)));
    }

    pub(super) fn show(&self, window: &ui::AppWindow, model: &Model) {
        let tickets = model.team.tickets();
        let ticket = window.global::<ui::Ticket>();
        ticket.set_is_open(tickets.opened().is_some());
        ticket.set_shows_code(tickets.shows_code());
        ticket.set_is_for_cycle(tickets.is_for_cycle());
        let device = model.team.device();
        let told = device.and_then(|serial| tickets.told(serial));
        ticket.set_team_quorum(told.map_or(0, |told| count(told.policy.quorum)));
        if let Some(view) = tickets.opened() {
            self.show_ticket(&ticket, view);
        }
        show_form(window, tickets);
    }

    fn show_ticket(&self, ticket: &ui::Ticket<'_>, view: &TicketView) {
        let facts = &view.facts;
        ticket.set_kind(kind(TicketKind::of(&facts.allows)));
        show_allowed(ticket, view);
        ticket.set_master(view.names.of(&facts.master).into());
        ticket.set_group(hex(&facts.group).into());
        ticket.set_epoch(count(facts.epoch.number));
        ticket.set_number(hex(&facts.number).into());
        ticket.set_approved(listed(&view.approvals).into());
        ticket.set_approvals(count(view.approvals.len()));
        ticket.set_page(view.page.as_str().into());
        let files = view.files.iter().map(|file| shown_path(file));
        ticket.set_file(files.collect::<Vec<_>>().join(", ").into());
        update(&self.code, view.code.split(' ').map(Into::into).collect());
        let mut drawn = self.drawn.borrow_mut();
        if drawn.as_ref() != Some(&view.qr) {
            ticket.set_qr(picture(&view.qr));
            ticket.set_qr_side(count(view.qr.width + 2 * Qr::MARGIN));
            *drawn = Some(view.qr.clone());
        }
    }
}

fn show_allowed(ticket: &ui::Ticket<'_>, view: &TicketView) {
    let serials = |all: &std::collections::BTreeSet<Serial>| -> SharedString {
        let all: Vec<_> = all.iter().copied().collect();
        listed(&all).into()
    };
    let mut options = Options::default();
    ticket.set_count(0);
    ticket.set_quorum(0);
    ticket.set_may_drop(false);
    match &view.facts.allows {
        Allows::Clone(ToModules { options: all, to })
        | Allows::Letter(ToModules { options: all, to }) => {
            options = *all;
            match to {
                To::Any(any) => {
                    ticket.set_count(count(*any));
                    ticket.set_devices(SharedString::default());
                }
                To::Named(named) => ticket.set_devices(serials(named)),
            }
        }
        Allows::Rekey(rekey) => {
            ticket.set_devices(serials(&rekey.without));
            ticket.set_may_drop(rekey.may_drop);
        }
        Allows::Policy(policy) => {
            ticket.set_quorum(count(policy.quorum));
            let custodians = policy.custodians.iter().map(|one| view.names.of(one));
            let mut custodians: Vec<_> = custodians.collect();
            custodians.sort_unstable();
            ticket.set_devices(custodians.join(", ").into());
        }
    }
    ticket.set_auto_lock(options.auto_lock);
    ticket.set_user_pin_policy(options.user_pin_policy);
    ticket.set_disable_master(options.disable_master);
}

fn show_form(window: &ui::AppWindow, tickets: &Tickets) {
    let form = window.global::<ui::TicketForm>();
    if let Some(typed) = tickets.form() {
        form.set_is_now(typed.is_now);
        form.set_kind(kind(typed.kind));
        // The caret stays where it is.
        if form.get_serials() != typed.serials.as_str() {
            form.set_serials(typed.serials.as_str().into());
        }
        if form.get_count() != typed.count.as_str() {
            form.set_count(typed.count.as_str().into());
        }
        let (error, wrong) = match typed.parse() {
            Ok(_) => (ui::FormError::None, String::new()),
            Err(FormError::Serial(text)) => (ui::FormError::Serial, text),
            Err(FormError::Count) => (ui::FormError::Count, String::new()),
            Err(FormError::NoCustodian) => (ui::FormError::NoCustodian, String::new()),
        };
        form.set_error(error);
        form.set_wrong(wrong.into());
    }
    form.set_is_open(tickets.form().is_some());
}

/// Returns what is typed.
pub(super) fn typed(form: &ui::TicketForm<'_>) -> TicketForm {
    TicketForm {
        kind: match form.get_kind() {
            ui::TicketKind::Clone => TicketKind::Clone,
            ui::TicketKind::Letter => TicketKind::Letter,
            ui::TicketKind::Rekey => TicketKind::Rekey,
            ui::TicketKind::Policy => TicketKind::Policy,
        },
        serials: form.get_serials().into(),
        count: form.get_count().into(),
        is_now: form.get_is_now(),
    }
}

const fn kind(kind: TicketKind) -> ui::TicketKind {
    match kind {
        TicketKind::Clone => ui::TicketKind::Clone,
        TicketKind::Letter => ui::TicketKind::Letter,
        TicketKind::Rekey => ui::TicketKind::Rekey,
        TicketKind::Policy => ui::TicketKind::Policy,
    }
}

/// Draws a QR code, with its margin: a pixel for each square.
fn picture(qr: &Qr) -> Image {
    let side = qr.width + 2 * Qr::MARGIN;
    let pixels = u32::try_from(side).unwrap_or_default();
    let mut buffer = SharedPixelBuffer::<Rgb8Pixel>::new(pixels, pixels);
    for (at, pixel) in buffer.make_mut_slice().iter_mut().enumerate() {
        let (row, column) = (at / side, at % side);
        let inside = row
            .checked_sub(Qr::MARGIN)
            .zip(column.checked_sub(Qr::MARGIN));
        let is_dark = inside.is_some_and(|(row, column)| qr.is_dark(row, column));
        let shade = if is_dark { 0 } else { 255 };
        *pixel = Rgb8Pixel::new(shade, shade, shade);
    }
    Image::from_rgb8(buffer)
}
