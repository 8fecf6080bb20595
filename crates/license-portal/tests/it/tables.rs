//! Tables for spreadsheets: orders in, licenses out.

use axum::http::{StatusCode, header};
use license_portal::{model::Scope, service::OrderLine};

use crate::{
    admin::{hidden, numbers, sign_in},
    world::World,
};

#[tokio::test]
async fn of_a_table_with_a_wrong_line_nothing_is_ordered() {
    let world = World::new().await;
    let mut shop = sign_in(&world, "shop", &[Scope::Issue, Scope::ReadOwn]).await;
    let path = "/operator/import";
    let page = shop.get(path).await;
    let key = hidden(&page, "key");
    let lines = "email;count;language;holder;company\r\n\
                 a@b.example;2;de;;\r\n\
                 c@d.example;1;fr;Zoë <b>;\"=1+1;\"\r\n";
    let wrong = format!("{lines}\"><script>alert(1)</script>;1;;;\r\n");
    for table in [wrong.as_str(), "", "email\nx\n"] {
        let fields = [("key", &*key), ("table", table)];
        let answer = shop.send(&page, path, &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{table}");
        assert_eq!(
            answer.html.contains("Line 4: "),
            table == wrong,
            "{}",
            answer.html
        );
        assert_eq!(hidden(&answer, "key"), key);
        // What was typed is still there.
        assert_eq!(answer.html.contains("c@d.example;1;fr"), table == wrong);
    }
    assert!(numbers(&shop.get("/operator").await).is_empty());
    let large = format!("{lines}{}", "a@b.example;1;;;\r\n".repeat(2000));
    let answer = shop
        .send(&page, path, &[("key", &*key), ("table", &large)])
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    shop.headers.push(("sec-fetch-site", "cross-site".into()));
    let answer = shop
        .send(&page, path, &[("key", &*key), ("table", lines)])
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    shop.headers.clear();
    for _ in 0..2 {
        let placed = shop
            .send(&page, path, &[("key", &*key), ("table", lines)])
            .await;
        assert!(
            placed.html.contains("Order 1 is placed."),
            "{}",
            placed.html
        );
    }
    let other = lines.replace(";2;", ";3;");
    let answer = shop
        .send(&page, path, &[("key", &*key), ("table", &other)])
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_ne!(hidden(&answer, "key"), key);
    world.newest_mail().await;
    let mails = world.mailbox.0.lock().unwrap().clone();
    let mut to: Vec<_> = mails
        .iter()
        .map(|mail| (&*mail.to, &*mail.subject))
        .collect();
    to.sort_unstable();
    let expected = [
        ("a@b.example", "Ihre KeyWriter-Lizenzen"),
        ("c@d.example", "Votre licence KeyWriter"),
    ];
    assert_eq!(to, expected);
}

#[tokio::test]
async fn a_table_has_what_the_operator_may_read_and_no_formula() {
    let world = World::new().await;
    let line = |email: &str, company: &str| OrderLine {
        is_activated: true,
        holder: Some(("=HYPERLINK(\"x\")".into(), company.into())),
        ..OrderLine::to(email)
    };
    let own = license_portal::service::Order {
        sold_by: Some("partner".into()),
        ..line("own@example.com", "A; \"B\"").into()
    };
    world.portal.issue(&own).await.unwrap();
    let many = OrderLine {
        count: 201,
        ..OrderLine::to("many@example.com")
    };
    let mut partner = sign_in(&world, "partner", &[Scope::Issue, Scope::ReadOwn]).await;
    let page = partner.get("/operator").await;
    assert!(page.html.contains("/operator/licenses.csv?"));
    let file = partner.get("/operator/licenses.csv?words=&show=").await;
    assert_eq!(
        file.headers[header::CONTENT_TYPE],
        "text/csv; charset=utf-8"
    );
    let lines: Vec<_> = file.html.split("\r\n").collect();
    assert!(
        lines[0].starts_with("\u{feff}license,email,state,"),
        "{}",
        file.html
    );
    assert!(lines[1].contains("own@example.com,active,en,2026-11-24T08:00:00Z,"));
    let holder = ",\"'=HYPERLINK(\"\"x\"\")\",\"A; \"\"B\"\"\",waiting";
    assert!(lines[1].ends_with(holder), "{}", lines[1]);
    assert_eq!(lines.len(), 3);
    world.portal.issue(&many.into()).await.unwrap();
    assert_eq!(
        partner
            .get("/operator/licenses.csv")
            .await
            .html
            .lines()
            .count(),
        2
    );
    let mut admin = sign_in(&world, "admin", &[Scope::ReadAll]).await;
    admin.set_cookie("lang", "de");
    let file = admin.get("/operator/licenses.csv?words=many").await;
    assert_eq!(file.html.lines().count(), 202);
    assert!(file.html.starts_with("\u{feff}license;email;"));
    let log = admin.get("/operator/log").await;
    assert!(log.html.contains("exportiert"), "{}", log.html);
    let mut seller = sign_in(&world, "auditor", &[Scope::ReadAll]).await;
    assert_eq!(
        seller.get("/operator/import").await.status,
        StatusCode::FORBIDDEN
    );
}
