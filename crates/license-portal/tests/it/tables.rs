//! Tables for spreadsheets: orders in, licenses out.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use license_portal::{model::Scope, service::OrderLine};

use serde_json::{Value, json};

use crate::{
    admin::{hidden, numbers, sign_in},
    operators,
    visit::Visit,
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
async fn a_program_orders_by_a_table_whole_or_not_at_all_and_once() {
    let world = World::new().await;
    let mut shop = Visit::new(&world.portal);
    let key = operators::key(&world, "shop", &[Scope::Issue, Scope::ReadOwn]).await;
    shop.headers = vec![("authorization", key), ("idempotency-key", "17".into())];
    let path = "/api/v1/operator/orders";
    let lines = "email;count;seats\na@b.example;2;\n\nc@d.example;1;3\n";
    let openapi: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    let reasons = &openapi["components"]["responses"]["WrongTable"]["content"]["application/json"]
        ["schema"]["oneOf"][0]["properties"]["reason"]["enum"];
    let mut seen = Vec::new();
    for (table, line) in [
        (b"email,price\na@b.example,1\n".as_slice(), 1),
        (b"", 1),
        (b"email\n", 2),
        (b"email,count\na@b.example\n", 2),
        (b"email,holder\na@b.example,M\xfcller\n", 2),
        (format!("{lines}x;1;\n").as_bytes(), 5),
        (format!("{lines}a@b.example;101;\n").as_bytes(), 5),
        (format!("{lines}a@b.example;98;\n").as_bytes(), 5),
        (format!("{lines}a@b.example;1;0\n").as_bytes(), 5),
        (b"email,language\na@b.example,it\n", 2),
        (b"email,company\na@b.example,A\n", 2),
        (b"email,holder\na@b.example,\"A\nB\"\n", 2),
    ] {
        let request = Request::post(path).header(header::CONTENT_TYPE, "text/csv");
        let request = request.body(Body::from(table.to_vec())).unwrap();
        let answer = shop.once(request, path).await;
        let text = String::from_utf8_lossy(table);
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
        let said: Value = serde_json::from_str(&answer.html).unwrap();
        assert_eq!(
            (&said["error"], &said["line"]),
            (&json!("wrong-line"), &json!(line)),
            "{said}"
        );
        let message = said["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("Line {line}")), "{message}");
        assert!(
            !message.contains('{') && !message.contains("wrong-"),
            "{message}"
        );
        seen.push(said["reason"].clone());
    }
    // Another mail server than the one of this test is needed for it.
    seen.push(json!("no-smtputf8"));
    for reason in reasons.as_array().unwrap() {
        assert!(seen.contains(reason), "{reason} does not happen");
    }
    assert!(
        seen.iter()
            .all(|reason| reasons.as_array().unwrap().contains(reason))
    );
    let large = format!("{lines}{}", " ".repeat(license_portal::web::BODY));
    assert_eq!(
        shop.json("POST", path, &large).await.0,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let list = "/api/v1/operator/licenses";
    assert_eq!(shop.json("GET", list, "").await.1["licenses"], json!([]));

    let first = shop.json("POST", path, lines).await;
    assert_eq!(first.0, StatusCode::CREATED, "{}", first.1);
    assert_eq!(first.1["licenses"].as_array().unwrap().len(), 3);
    assert_eq!(shop.json("POST", path, lines).await, first);
    let (status, answer) = shop.json("POST", path, "email\na@b.example\n").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer["error"], "other-order");
    let (_, found) = shop.json("GET", list, "").await;
    assert_eq!(found["licenses"].as_array().unwrap().len(), 3);
    let auditor = operators::key(&world, "auditor", &[Scope::ReadAll]).await;
    shop.headers = vec![("authorization", auditor)];
    assert_eq!(
        shop.json("POST", path, lines).await.0,
        StatusCode::FORBIDDEN
    );
    shop.headers.clear();
    assert_eq!(
        shop.json("POST", path, lines).await.0,
        StatusCode::UNAUTHORIZED
    );
    world.newest_mail().await;
    assert_eq!(world.mailbox.0.lock().unwrap().len(), 2);
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
