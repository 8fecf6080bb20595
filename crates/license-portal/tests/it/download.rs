//! The packages of the app.

use axum::http::{StatusCode, header};

use crate::{visit::Visit, world::World};

#[tokio::test]
async fn packages_are_listed_with_digest_and_signature_and_nothing_else_is_served() {
    let world = World::new().await;
    let folder = &world.portal.settings.packages;
    std::fs::create_dir(folder).unwrap();
    for (name, text) in [
        ("keywriter_1.0_amd64.deb", "abc"),
        ("keywriter_1.0_amd64.deb.sig", "sig"),
        (".hidden", "x"),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    std::os::unix::fs::symlink("/etc/hostname", folder.join("link.deb")).unwrap();
    let mut visit = Visit::new(&world.portal);
    let page = visit.get("/download").await;
    assert!(
        page.html
            .contains("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    );
    assert!(
        page.html.contains("/download/keywriter_1.0_amd64.deb.sig")
            && !page.html.contains(".hidden")
    );
    assert!(!page.html.contains("link.deb"));
    let file = visit.get("/download/keywriter_1.0_amd64.deb").await;
    assert_eq!(
        (
            file.html.as_str(),
            file.headers[header::CONTENT_DISPOSITION].to_str().unwrap()
        ),
        ("abc", "attachment")
    );
    for path in [
        ".hidden",
        "link.deb",
        "..%2fportal.sqlite",
        "%2e%2e",
        "none",
        "a%00b",
    ] {
        assert_eq!(
            visit.get(&format!("/download/{path}")).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test]
async fn packages_are_described_and_those_for_the_visitors_computer_come_first() {
    let world = World::new().await;
    let folder = &world.portal.settings.packages;
    std::fs::create_dir(folder).unwrap();
    let mut visit = Visit::new(&world.portal);
    assert!(visit.get("/download").await.html.contains("No packages"));
    for name in [
        "KeyWriter-1.0-x64.msi",
        "KeyWriter-1.0.dmg",
        "SHA256SUMS",
        "keywriter-virtual_1.0_amd64.deb",
        "keywriter_1.0_amd64.deb",
        "keywriter_1.0_arm64.deb",
    ] {
        std::fs::write(folder.join(name), name).unwrap();
    }
    for (agent, first, yours) in [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
            "KeyWriter-1.0-x64.msi",
            1,
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)",
            "KeyWriter-1.0.dmg",
            1,
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64)",
            "keywriter_1.0_amd64.deb",
            1,
        ),
        (
            "Mozilla/5.0 (X11; Linux aarch64)",
            "keywriter_1.0_arm64.deb",
            1,
        ),
        ("curl/8", "KeyWriter-1.0-x64.msi", 0),
    ] {
        visit.headers = vec![("user-agent", agent.into())];
        let html = visit.get("/download").await.html;
        let (_, rest) = html.split_once("href=\"/download/").unwrap();
        assert_eq!(rest.split('"').next().unwrap(), first, "{agent}");
        assert_eq!(html.matches("for your computer").count(), yours, "{agent}");
        assert!(html.contains("<h2>Virtual modules, for evaluation</h2>"));
        assert!(html.contains("Debian and Ubuntu · ARM, 64-bit"));
    }
    // Chromium says x86_64 on every Linux, and the processor when it is asked.
    visit.headers = vec![
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)".into()),
        ("sec-ch-ua-arch", "\"arm\"".into()),
    ];
    let page = visit.get("/download").await;
    for name in ["accept-ch", "critical-ch"] {
        assert_eq!(page.headers[name], "sec-ch-ua-arch");
    }
    let (_, rest) = page.html.split_once("href=\"/download/").unwrap();
    assert!(rest.starts_with("keywriter_1.0_arm64.deb\""));
    // A package that is replaced is soon shown with its new digest.
    std::fs::write(folder.join("KeyWriter-1.0.dmg"), "abc").unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let html = visit.get("/download").await.html;
    assert!(html.contains("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
}
