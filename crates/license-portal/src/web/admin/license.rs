//! One license: what is known of it, and what can be done.

use std::ops::ControlFlow;

use askama::Template;
use axum::{
    Json,
    extract::{Path, RawQuery},
    http::header,
    response::{IntoResponse as _, Response},
};
use jiff::Timestamp;
use license_token::{Installation, LicenseNumber};
use plain_text::shown;
use serde::Deserialize;

use super::{Denied, Desk, Entry, SignedIn, doer, hand_over, mail, state};
use crate::{
    language::Key,
    mail::letter,
    model::{LicenseState, Operator, Scope},
    portal::Refusal,
    service::LicenseReport,
    web::{
        form::{HasToken, Posted, Pressed},
        frame::{Frame, redirect},
        pages::{
            field::{Field, Problem},
            kept::Kept,
        },
    },
};

#[derive(Template)]
#[template(path = "admin/license.html")]
struct Page {
    f: Frame,
    desk: Desk,
    number: String,
    state: String,
    state_name: &'static str,
    /// What is known: label and value.
    facts: Vec<(String, String)>,
    /// The order that it was sold with.
    order: Option<i64>,
    /// On how many computers it is registered, and can be.
    seats: String,
    installations: Vec<Registered>,
    acts: Vec<Entry>,
    /// What has just been done.
    done: Option<String>,
    /// What the operator may do now.
    offers: Vec<&'static str>,
    /// The version of the license, for forms that must not undo what another operator did.
    seen: String,
    /// The new address of a correction and of a transfer, and the new number of computers.
    fields: [Field; 3],
    problem: Option<Problem>,
}

struct Registered {
    id: String,
    text: String,
}

pub(super) async fn show(
    signed_in: SignedIn,
    Path(number): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    signed_in.answer(show_page(&signed_in, &number, query.as_deref()).await)
}

/// Shows the page with what this browser keeps of its forms.
async fn show_page(
    signed_in: &SignedIn,
    number: &str,
    query: Option<&str>,
) -> Result<Response, Denied> {
    let mut page = page(signed_in, number, query).await?;
    let path = hand_over::path(&page.number);
    Ok(Kept::show(
        &signed_in.visitor,
        &path,
        hand_over::fields(""),
        |mut f, fields, problem| {
            // None of its forms is the one that another language would have to keep.
            f.has_form = false;
            page.f = f;
            (page.fields, page.problem) = (fields, problem);
            page
        },
    ))
}

async fn page(signed_in: &SignedIn, number: &str, query: Option<&str>) -> Result<Page, Denied> {
    let (number, report) = signed_in.license(number).await?;
    let language = signed_in.language();
    let store = &signed_in.portal().store;
    let acts = signed_in.acts(store.acts(None, Some(number), None, ACTS).await?);
    let done = DONE.iter().find(|(done, _)| query == Some(*done));
    Ok(Page {
        f: signed_in.visitor.frame(),
        desk: signed_in.desk(),
        number: report.license.clone(),
        state: language.say(state(report.state).0),
        state_name: report.state.as_str(),
        facts: facts(signed_in, &report),
        order: report.order,
        seats: seats(signed_in, &report),
        installations: installations(signed_in, &report),
        acts,
        done: done.map(|(_, text)| language.say(text.0)),
        offers: offers(&signed_in.operator, &report),
        seen: report.version,
        fields: hand_over::fields(""),
        problem: None,
    })
}

impl Page {
    fn offers(&self, act: &str) -> bool {
        self.offers.contains(&act)
    }

    /// Returns the forms that change a value: field, title and text.
    fn changes(&self) -> impl Iterator<Item = (&Field, &Key, &Key)> {
        let forms = self.fields.iter().zip(&hand_over::TEXTS);
        forms.map(|(field, [title, text])| (field, title, text))
    }
}

/// Returns what an operator may do to a license in its state.
fn offers(operator: &Operator, report: &LicenseReport) -> Vec<&'static str> {
    let is_revoked = report.state == LicenseState::Revoked;
    let (may_issue, may_revoke) = (operator.may(Scope::Issue), operator.may(Scope::Revoke));
    // Of an erased license, nobody is known whom it could be given back to.
    let is_known = !report.email.is_empty();
    let offers = [
        ("issue", may_issue && !is_revoked),
        ("revoke", may_revoke && !is_revoked),
        ("restore", may_revoke && is_revoked && is_known),
        ("erase", may_revoke && is_known),
    ];
    let permitted = offers.into_iter().filter(|(_, is_permitted)| *is_permitted);
    permitted.map(|(act, _)| act).collect()
}

/// Returns what is known of a license, as labels and values.
fn facts(signed_in: &SignedIn, report: &LicenseReport) -> Vec<(String, String)> {
    let language = signed_in.language();
    let at = |time| letter::time(language, time);
    let mut facts = vec![
        ("email-address", shown(&report.email)),
        ("language", report.language.name().to_owned()),
        ("fact-sold", at(report.issued_at)),
        ("fact-sold-by", doer(language, report.sold_by())),
    ];
    if let Some(time) = report.activated_at {
        facts.push(("fact-activated", at(time)));
    }
    if let Some(delivery) = &report.mail {
        let mut text = language.say(mail(delivery.state).0);
        if let Some(error) = &delivery.error {
            text = format!("{text} – {}", shown(error));
        }
        facts.push(("fact-mail", text));
    }
    if let Some(holder) = &report.holder {
        let [name, company] = &report.held_by;
        let city = format!("{} {}", holder.postcode, holder.city);
        let countries = language.countries();
        let country = countries
            .into_iter()
            .find(|(code, _)| *code == holder.country);
        let country = country.map_or("", |(_, name)| name);
        let address = [holder.address.as_str(), city.trim(), country];
        let address: Vec<_> = address
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        for (label, value) in [
            ("fact-holder", name),
            ("company-name", company),
            ("company-email", &holder.company_email),
            ("phone-number", &holder.phone),
            ("fact-address", &address.join(", ")),
        ] {
            if !value.is_empty() {
                facts.push((label, shown(value)));
            }
        }
    }
    let say = |(label, value): (&str, String)| (language.say(label), value);
    facts.into_iter().map(say).collect()
}

/// Returns on how many computers a license is registered, and can be.
fn seats(signed_in: &SignedIn, report: &LicenseReport) -> String {
    let most = signed_in.portal().settings.installations;
    let most = report.seats.unwrap_or(most).to_string();
    let count = report.registrations.iter().flatten().count().to_string();
    let values = [("count", &*count), ("most", &*most)];
    signed_in
        .language()
        .say_with("operator-seats-used", &values)
}

fn installations(signed_in: &SignedIn, report: &LicenseReport) -> Vec<Registered> {
    let language = signed_in.language();
    let at = |seconds| {
        let time = Timestamp::from_second(seconds).unwrap_or_default();
        letter::time(language, time)
    };
    let registrations = report.registrations.iter().flatten();
    registrations
        .map(|one| Registered {
            id: one.installation.clone(),
            text: language.say_with(
                "operator-registered",
                &[("first", &*at(one.first_at)), ("last", &at(one.last_at))],
            ),
        })
        .collect()
}

pub(super) async fn resend(
    signed_in: SignedIn,
    Path(number): Path<String>,
    Pressed: Pressed,
) -> Response {
    let deed = async |number| {
        signed_in
            .portal()
            .resend(number, Some(signed_in.name()))
            .await
    };
    act(&signed_in, &number, Scope::Issue, "resent", deed).await
}

pub(super) async fn revoke(
    signed_in: SignedIn,
    Path(number): Path<String>,
    Pressed: Pressed,
) -> Response {
    let deed = async |number| {
        signed_in
            .portal()
            .revoke(number, Some(signed_in.name()))
            .await
    };
    act(&signed_in, &number, Scope::Revoke, "revoked", deed).await
}

pub(super) async fn restore(
    signed_in: SignedIn,
    Path(number): Path<String>,
    Pressed: Pressed,
) -> Response {
    let deed = async |number| {
        signed_in
            .portal()
            .restore(number, Some(signed_in.name()))
            .await
    };
    act(&signed_in, &number, Scope::Revoke, "restored", deed).await
}

pub(super) async fn erase(
    signed_in: SignedIn,
    Path(number): Path<String>,
    Posted { typed, intent }: Posted<Erase>,
) -> Response {
    if let ControlFlow::Break(page) = intent.pressed(&signed_in.visitor) {
        return page;
    }
    let (portal, by) = (signed_in.portal(), Some(signed_in.name()));
    let deed = async |number| portal.erase(number, Some(&typed.seen), by).await;
    act(&signed_in, &number, Scope::Revoke, "erased", deed).await
}

#[derive(Deserialize)]
pub(super) struct Erase {
    token: String,
    /// The version of the license that the operator saw: nobody else's data is erased.
    seen: String,
}

impl HasToken for Erase {
    fn token(&self) -> &str {
        &self.token
    }
}

/// Answers with a file that has all that is known.
pub(super) async fn export(
    signed_in: SignedIn,
    Path(number): Path<String>,
    Pressed: Pressed,
) -> Response {
    let file = async {
        let (number, _report) = signed_in.license(&number).await?;
        let known = signed_in
            .portal()
            .export(number, Some(signed_in.name()))
            .await?;
        let name = format!("attachment; filename=\"{number}.json\"");
        Ok(([(header::CONTENT_DISPOSITION, name)], Json(known)).into_response())
    };
    signed_in.answer(file.await)
}

#[derive(Deserialize)]
pub(super) struct Forget {
    token: String,
    installation: String,
}

impl HasToken for Forget {
    fn token(&self) -> &str {
        &self.token
    }
}

pub(super) async fn forget(
    signed_in: SignedIn,
    Path(number): Path<String>,
    Posted { typed, intent }: Posted<Forget>,
) -> Response {
    if let ControlFlow::Break(page) = intent.pressed(&signed_in.visitor) {
        return page;
    }
    let Ok(installation) = Installation::parse(&typed.installation) else {
        return signed_in.answer(Err(Denied::Malformed));
    };
    let (portal, by) = (signed_in.portal(), Some(signed_in.name()));
    let deed = async |number| portal.forget(number, Some(installation), by).await;
    act(&signed_in, &number, Scope::Issue, "unregistered", deed).await
}

/// Does something to a license that the operator may read and do this to, and returns to its page.
async fn act(
    signed_in: &SignedIn,
    number: &str,
    scope: Scope,
    done: &str,
    deed: impl AsyncFnOnce(LicenseNumber) -> Result<(), Refusal>,
) -> Response {
    let done = async {
        signed_in.need(scope)?;
        let (number, _report) = signed_in.license(number).await?;
        // The license is there: what refuses it now has changed since the page was shown.
        deed(number).await.map_err(|refusal| match refusal {
            Refusal::Refused => Refusal::Changed,
            other => other,
        })?;
        Ok(redirect(&format!("/operator/licenses/{number}?{done}")))
    };
    signed_in.answer(done.await)
}

/// What the page can say was done.
const DONE: [(&str, Key); 8] = [
    ("resent", Key("done-resent")),
    ("revoked", Key("done-revoked")),
    ("restored", Key("done-restored")),
    ("corrected", Key("done-corrected")),
    ("transferred", Key("done-transferred")),
    ("erased", Key("done-erased")),
    ("unregistered", Key("done-unregistered")),
    ("reseated", Key("done-reseated")),
];

/// How many acts the page shows.
const ACTS: u32 = 20;
