//! The page of a ticket in a real browser: it makes the codes that modules take, and reads nothing that they would not.

use std::{fs, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use fantoccini::{Locator, elements::Element};
use license_portal::{language::Language, web};
use serde_json::json;

use crate::{browser::Walk, driver::Driver, world::World};

/// A ticket with a code that a module took.
struct Approved {
    ticket: Vec<u8>,
    code: String,
}

/// Returns what custodians approved in the vectors: a typed code, and in the next command the ticket.
fn approved() -> Vec<Approved> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/tickets");
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let lines: Vec<_> = text.lines().collect();
        for window in lines.windows(3) {
            let [keys, command, answer] = window else {
                unreachable!()
            };
            let code = keys.split(' ').nth(2).unwrap_or_default();
            let ticket = command.split_once(" > 804c000000");
            let (Some((_, data)), true) = (ticket, answer.contains(" < 010a01")) else {
                continue;
            };
            let data = hex::decode(data).unwrap();
            let len = usize::from(u16::from_be_bytes([data[0], data[1]]));
            all.push(Approved {
                ticket: data[2..2 + len].to_vec(),
                code: code.to_owned(),
            });
        }
    }
    assert!(all.len() >= 6, "{}", all.len());
    all
}

/// Tickets that no module reads, each made of one that it reads.
fn malformed(named: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = named.to_vec();
        change(&mut bytes);
        bytes
    };
    let (act, options, count, serials) = (111, 112, 113, 115);
    vec![
        ("cut off", changed(&|bytes| bytes.truncate(bytes.len() - 1))),
        ("too long", changed(&|bytes| bytes.push(0))),
        ("another version", changed(&|bytes| bytes[0] = 2)),
        ("another message", changed(&|bytes| bytes[1] = 10)),
        ("an unknown act", changed(&|bytes| bytes[act] = 5)),
        ("unknown choices", changed(&|bytes| bytes[options] = 8)),
        (
            "too many",
            changed(&|bytes| {
                bytes.truncate(serials);
                bytes[count + 1] = 251;
            }),
        ),
        ("nobody", changed(&|bytes| bytes.truncate(serials))),
        (
            "one twice",
            changed(&|bytes| bytes.copy_within(serials..serials + 16, serials + 16)),
        ),
        (
            "a serial number in small letters",
            changed(&|bytes| bytes[serials] = b'f'),
        ),
        (
            "more after a serial number",
            changed(&|bytes| bytes[serials + 15] = b'1'),
        ),
    ]
}

impl Walk<'_> {
    async fn shown_at(&self, id: &str) -> Element {
        for _ in 0..200 {
            let found = self.browser.find(Locator::Id(id)).await.unwrap();
            if found.is_displayed().await.unwrap() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{id} is not shown");
    }

    /// Shows what follows the `#`, on the page that is open.
    async fn show(&self, fragment: &str) {
        let script = "document.getElementById('ticket').hidden = true;
            document.getElementById('wrong').hidden = true;
            location.hash = '#'; location.hash = arguments[0];";
        let arguments = vec![json!(fragment)];
        self.browser.execute(script, arguments).await.unwrap();
    }

    /// Makes the page draw these digits.
    async fn draw(&self, digits: &str) {
        let script = "const drawn = BigInt(arguments[0]);
            crypto.getRandomValues = (bytes) => { new DataView(bytes.buffer).setBigUint64(0, drawn); return bytes; };";
        let arguments = vec![json!(digits)];
        self.browser.execute(script, arguments).await.unwrap();
    }

    async fn code_is(&self, code: &str) {
        self.shown_at("ticket").await;
        let shown = self.shown_at("code").await.text().await.unwrap();
        let digits: String = shown.chars().filter(char::is_ascii_digit).collect();
        assert_eq!(digits, code);
    }

    async fn tickets(&self, folder: &Path) {
        let approved = approved();
        let base = &self.base;
        let language = self.language.as_str();
        self.goto("/ticket").await;
        self.heading_is("ticket-title").await;
        for Approved { ticket, code } in &approved {
            self.draw(&code[..8]).await;
            self.show(&BASE64_URL_SAFE_NO_PAD.encode(ticket)).await;
            self.code_is(code).await;
        }
        let named = approved.iter().find(|it| it.ticket[111] == 2).unwrap();
        let fragment = BASE64_URL_SAFE_NO_PAD.encode(&named.ticket);
        for (what, bytes) in malformed(&named.ticket) {
            assert_ne!(bytes, named.ticket, "{what}");
            self.show(&BASE64_URL_SAFE_NO_PAD.encode(bytes)).await;
            let why = self.shown_at("why").await.text().await.unwrap();
            assert_eq!(why, self.shown("ticket-malformed"), "{what}");
        }
        // As a phone opens it: with the ticket, in another language.
        self.goto(&format!("/ticket?lang={language}#{fragment}"))
            .await;
        let says = self.shown_at("says").await.text().await.unwrap();
        assert!(says.contains("FIFTH-1, SIXTH-1"), "{says}");
        self.picture("ticket").await;
        let links = self.browser.find_all(Locator::Css(".languages a")).await;
        for link in links.unwrap() {
            let address = link.prop("href").await.unwrap().unwrap();
            assert!(address.ends_with(&format!("#{fragment}")), "{address}");
        }
        // Another code each time.
        let first = self.shown_at("code").await.text().await.unwrap();
        self.show(&fragment).await;
        self.shown_at("ticket").await;
        assert_ne!(self.shown_at("code").await.text().await.unwrap(), first);
        // From a file, as it is mailed.
        let path = folder.join("ticket.pem");
        let block = pem_of(&named.ticket);
        fs::write(&path, format!("Dear custodian,\n{block}\nYours\n")).unwrap();
        self.goto("/ticket").await;
        self.draw(&named.code[..8]).await;
        let file = self.shown_at("file").await;
        file.send_keys(path.to_str().unwrap()).await.unwrap();
        self.code_is(&named.code).await;
        fs::write(&path, "no ticket").unwrap();
        self.goto("/ticket").await;
        let file = self.shown_at("file").await;
        file.send_keys(path.to_str().unwrap()).await.unwrap();
        self.shown_at("wrong").await;
        self.picture("ticket-wrong").await;
        // Nothing was asked of any server but the page and what belongs to it.
        let script = "return performance.getEntriesByType('resource').map((entry) => entry.name)";
        let asked = self.browser.execute(script, Vec::new()).await.unwrap();
        let asked: Vec<String> = serde_json::from_value(asked).unwrap();
        let assets = format!("{base}/assets/");
        assert!(
            asked.iter().all(|name| name.starts_with(&assets)),
            "{asked:?}"
        );
    }
}

fn pem_of(ticket: &[u8]) -> String {
    let text = base64::prelude::BASE64_STANDARD.encode(ticket);
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    let lines = lines.join("\n");
    format!("-----BEGIN KEYWRITER TICKET-----\n{lines}\n-----END KEYWRITER TICKET-----\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_screen_shows_what_a_ticket_allows_and_the_code_that_a_module_takes() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let url = base.clone();
    let world = World::with(move |settings| settings.public_url = url).await;
    let service =
        web::router(Arc::clone(&world.portal)).into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(axum::serve(listener, service).into_future());
    let folder = tempfile::tempdir().unwrap();
    let driver = Driver::start().await;
    for (language, suffix, size, dark) in [
        (Language::En, "", (1100, 1080), false),
        (Language::De, "-phone", (390, 844), true),
        (Language::Fr, "-phone", (390, 844), false),
    ] {
        let name = format!("ticket-{}", language.as_str());
        let browser = driver.browser(&name, language, size, dark).await;
        let walk = Walk {
            browser: browser.clone(),
            base: base.clone(),
            language,
            suffix,
            world: &world,
        };
        walk.tickets(folder.path()).await;
        browser.close().await.unwrap();
    }
    server.abort();
}
