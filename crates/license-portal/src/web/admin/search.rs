//! *Licenses*: those that contain what was typed.

use askama::Template;
use axum::{extract::RawQuery, http::StatusCode, response::Response};
use license_token::LicenseNumber;
use plain_text::shown;
use url::form_urlencoded;

use super::{Denied, Desk, SignedIn, mail, state};
use crate::{
    language::Language,
    mail::letter,
    model::{Filter, LicenseState, MailState},
    service::LicenseReport,
    web::frame::{Frame, render},
};

#[derive(Template)]
#[template(path = "admin/search.html")]
struct Page {
    f: Frame,
    desk: Desk,
    /// The order whose licenses are shown.
    order: Option<i64>,
    words: String,
    /// The choices of which licenses to show: value and text.
    choices: Vec<(&'static str, String)>,
    chosen: String,
    rows: Vec<Row>,
    /// The query of the next page.
    next: Option<String>,
    /// The query of the table with all of them.
    table: String,
}

struct Row {
    number: String,
    state: String,
    state_name: &'static str,
    email: String,
    holder: String,
    sold: String,
    mail: String,
    is_failed: bool,
}

pub(super) async fn show(signed_in: SignedIn, RawQuery(query): RawQuery) -> Response {
    let page = found(&signed_in, &query.unwrap_or_default()).await;
    signed_in.answer(page.map(|page| render(StatusCode::OK, &page)))
}

/// What was looked for.
pub(super) struct Asked {
    words: String,
    chosen: String,
}

/// Reads which licenses a query looks for, of those that the operator may read.
pub(super) fn filter(signed_in: &SignedIn, query: &str) -> Result<(Filter, Asked), Denied> {
    let seller = signed_in.reads()?.map(str::to_owned);
    let value = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let found = pairs.find(|(key, _)| key == name).map(|(_, value)| value);
        found.map(|value| value.trim().chars().take(100).collect::<String>())
    };
    let (words, chosen) = (
        value("words").unwrap_or_default(),
        value("show").unwrap_or_default(),
    );
    let after = value("after").and_then(|number| LicenseNumber::parse(&number).ok());
    let filter = Filter {
        state: LicenseState::parse(&chosen),
        mail: (chosen == UNDELIVERED).then_some(MailState::Failed),
        words: Some(words.clone()).filter(|words| !words.is_empty()),
        sold_by: seller,
        order: value("order").and_then(|order| order.parse().ok()),
        after: after.map(|number| number.to_string()),
        limit: ROWS,
        ..Filter::default()
    };
    Ok((filter, Asked { words, chosen }))
}

/// Returns the query that looks for the same.
fn query(asked: &Asked, order: Option<i64>, after: Option<&str>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("words", &asked.words)
        .append_pair("show", &asked.chosen);
    if let Some(order) = order {
        query.append_pair("order", &order.to_string());
    }
    if let Some(after) = after {
        query.append_pair("after", after);
    }
    query.finish()
}

async fn found(signed_in: &SignedIn, typed: &str) -> Result<Page, Denied> {
    let (filter, asked) = filter(signed_in, typed)?;
    let order = filter.order;
    let (found, next) = signed_in.portal().page(&filter).await?;
    let next = next.map(|last| query(&asked, order, Some(&last)));
    let table = query(&asked, order, None);
    let Asked { words, chosen } = asked;
    let language = signed_in.language();
    Ok(Page {
        f: signed_in.visitor.frame(),
        desk: signed_in.desk(),
        order,
        choices: CHOICES
            .map(|(value, key)| (value, language.say(key)))
            .into(),
        rows: found
            .into_iter()
            .map(|report| row(language, report))
            .collect(),
        words,
        chosen,
        next,
        table,
    })
}

fn row(language: Language, report: LicenseReport) -> Row {
    let holder = report.held_by.iter().filter(|part| !part.is_empty());
    let holder: Vec<_> = holder.map(|part| shown(part)).collect();
    let mail_state = report.mail.as_ref().map(|delivery| delivery.state);
    Row {
        state: language.say(state(report.state).0),
        state_name: report.state.as_str(),
        sold: letter::time(language, report.issued_at),
        mail: mail_state.map_or_else(String::new, |state| language.say(mail(state).0)),
        is_failed: mail_state == Some(MailState::Failed),
        holder: holder.join(", "),
        number: report.license,
        email: shown(&report.email),
    }
}

const UNDELIVERED: &str = "undelivered";

const CHOICES: [(&str, &str); 6] = [
    ("", "operator-show-all"),
    ("issued", "state-issued"),
    ("verifying", "state-verifying"),
    ("active", "state-active"),
    ("revoked", "state-revoked"),
    (UNDELIVERED, "operator-show-undelivered"),
];

/// The licenses of a page.
const ROWS: u32 = 50;
