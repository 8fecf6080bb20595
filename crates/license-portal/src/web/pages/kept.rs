//! What a form is shown with again: what was typed, and what came of it.
//!
//! A form is never answered with a page, because browsers do not show such a page again on *back*. It is answered
//! with a redirect to the page of the form, and a sealed cookie that says what to show there.

use std::ops::ControlFlow;

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde::{Deserialize, Serialize};

use super::field::{Field, Problem};
use crate::web::{
    form::Intent,
    frame::{Frame, Visitor, redirect, render},
};

/// What the page of a form shows.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The page.
    path: String,
    /// What was typed.
    fields: Vec<KeptField>,
    /// What came of it, until it was shown.
    outcome: Option<Outcome>,
}

#[derive(Serialize, Deserialize)]
struct KeptField {
    name: String,
    /// `None`: not kept here.
    value: Option<String>,
    error: Option<String>,
}

/// What came of a form that was not accepted.
#[derive(Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// The status of the page that says so.
    pub(crate) status: u16,
    /// What is wrong.
    pub(crate) title: String,
    /// What to do; may be empty.
    pub(crate) text: String,
    /// In how many seconds to try again.
    pub(crate) retry_after: Option<i64>,
}

impl Kept {
    /// Keeps the fields of a page, except secret ones, and what came of them.
    pub(in crate::web) fn new(path: &str, fields: &[Field], outcome: Option<Outcome>) -> Self {
        let fields = fields.iter().map(|field| KeptField {
            name: field.name.to_owned(),
            value: (field.kind != "password")
                .then(|| field.value.chars().take(field.most).collect()),
            error: field.error.clone(),
        });
        Self {
            path: path.to_owned(),
            fields: fields.collect(),
            outcome,
        }
    }

    /// Keeps no values.
    pub(crate) fn without_values(mut self) -> Self {
        for field in &mut self.fields {
            field.value = None;
        }
        self
    }

    /// Redirects to the page.
    pub(in crate::web) fn redirect(self, visitor: &Visitor) -> Response {
        let mut response = redirect(&self.path);
        visitor.keep(&mut response, self);
        response
    }

    /// Shows a page with what this browser keeps for it; what came of the form is shown once, with its status.
    pub(in crate::web) fn show<const N: usize, T: Template>(
        visitor: &Visitor,
        path: &str,
        mut fields: [Field; N],
        page: impl FnOnce(Frame, [Field; N], Option<Problem>) -> T,
    ) -> Response {
        let mut kept = visitor
            .kept()
            .filter(|kept| kept.path == path)
            .unwrap_or_default();
        let problem = kept.fill(&mut fields);
        let page = page(visitor.form_frame(), fields, problem);
        let mut response = render(StatusCode::OK, &page);
        if let Some(outcome) = kept.outcome.take() {
            response = outcome.over(response);
            for field in &mut kept.fields {
                field.error = None;
            }
            visitor.keep(&mut response, kept);
        }
        response
    }

    /// Fills the fields of the page, and returns what is wrong with them.
    fn fill(&self, fields: &mut [Field]) -> Option<Problem> {
        for field in fields.iter_mut() {
            if let Some(kept) = self.fields.iter().find(|kept| kept.name == field.name) {
                if let Some(value) = &kept.value {
                    field.value.clone_from(value);
                }
                field.error.clone_from(&kept.error);
            }
        }
        let outcome = self.outcome.as_ref()?;
        Some(Problem::new(&outcome.title, &outcome.text, fields))
    }
}

/// A form whose page has always the same address.
pub(in crate::web) struct Form<const N: usize, T> {
    pub(in crate::web) path: &'static str,
    pub(in crate::web) page: fn(Frame, [Field; N], Option<Problem>) -> T,
}

impl<const N: usize, T: Template> Form<N, T> {
    /// Shows it, with what this browser keeps of it.
    pub(in crate::web) fn show(&self, visitor: &Visitor, fields: [Field; N]) -> Response {
        Kept::show(visitor, self.path, fields, self.page)
    }

    /// Takes what was typed. `Break` with the answer: its button was not pressed.
    pub(in crate::web) fn take(
        &self,
        visitor: &Visitor,
        intent: Intent,
        fields: [Field; N],
    ) -> ControlFlow<Response, [Field; N]> {
        match intent {
            Intent::Send => ControlFlow::Continue(fields),
            Intent::Translate => ControlFlow::Break(self.again(visitor, &fields, None)),
            Intent::Stale => {
                let problem = Some(Problem::stale(visitor.language));
                let page = (self.page)(visitor.form_frame(), fields, problem);
                ControlFlow::Break(render(StatusCode::FORBIDDEN, &page))
            }
        }
    }

    /// Shows it again with what was typed, and with what came of it.
    pub(in crate::web) fn again(
        &self,
        visitor: &Visitor,
        fields: &[Field; N],
        outcome: Option<Outcome>,
    ) -> Response {
        Kept::new(self.path, fields, outcome).redirect(visitor)
    }
}

impl Outcome {
    /// Gives a page that says so its status.
    pub(in crate::web) fn over(&self, mut response: Response) -> Response {
        if response.status() == StatusCode::OK {
            *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or_default();
        }
        if let Some(after) = self.retry_after {
            let after = HeaderValue::from(after);
            response.headers_mut().insert(header::RETRY_AFTER, after);
        }
        response
    }
}
