//! *Don't have a license?*

use askama::Template;
use axum::{http::StatusCode, response::Response};

use crate::{
    portal::Partner,
    web::frame::{Frame, Visitor, render},
};

#[derive(Template)]
#[template(path = "purchase.html")]
struct Page {
    f: Frame,
    partners: Vec<Partner>,
}

pub(crate) async fn show(visitor: Visitor) -> Response {
    let partners = visitor.portal.settings.partners.clone();
    render(
        StatusCode::OK,
        &Page {
            f: visitor.frame(),
            partners,
        },
    )
}
