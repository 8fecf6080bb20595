//! Packages of the app, with their SHA-256 values and signatures.

use std::{
    collections::HashMap,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use askama::Template;
use axum::{
    extract::{Extension, Path as UrlPath, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{AppendHeaders, IntoResponse as _, Response},
};
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;
use tower_http::services::ServeFile;

use super::system::{Computer, Fit, PROCESSOR_HINT, Processor, System};
use crate::{
    language::{Key, Language},
    portal::Portal,
    web::{
        frame::{Frame, Visitor, render},
        pages::{Message, say},
    },
};

/// The packages in the folder, read again only when it changes: otherwise every visitor of a busy page would read it,
/// and the first ones together would compute the same SHA-256 values.
#[derive(Default)]
pub(super) struct Shelf(Mutex<Known>);

#[derive(Default)]
struct Known {
    packages: Arc<Vec<Package>>,
    /// When the folder was read, and when it had changed before.
    read: Option<(Instant, SystemTime)>,
    digests: Digests,
}

/// A package to download.
#[derive(Clone)]
pub(super) struct Package {
    name: String,
    bytes: u64,
    sha256: String,
    /// The file name of its detached signature, if there is one.
    signature: Option<String>,
}

/// A package as the page shows it.
struct Shown {
    package: Package,
    title: String,
    /// Which computers it is for; empty if its name does not say.
    computers: String,
    size: String,
    /// Whether it is for the visitor's computer, and the app.
    is_yours: bool,
    fit: Fit,
}

#[derive(Template)]
#[template(path = "download.html")]
struct Page {
    f: Frame,
    packages: Vec<Shown>,
}

/// `GET /download`
pub(super) async fn page(
    State(portal): State<Arc<Portal>>,
    Extension(shelf): Extension<Arc<Shelf>>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Response {
    match shelf.packages(&portal.settings.packages).await {
        Ok(packages) => {
            let page = Page {
                f: visitor.frame(),
                packages: show(&packages, visitor.language, Computer::of(&headers)),
            };
            // Asks for the processor, before the page is shown.
            let asked = ["accept-ch", "critical-ch"].map(|name| (name, PROCESSOR_HINT));
            (AppendHeaders(asked), render(StatusCode::OK, &page)).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "cannot read the folder of packages");
            let status = StatusCode::SERVICE_UNAVAILABLE;
            say(&visitor, status, Message::UNAVAILABLE)
        }
    }
}

/// Describes packages: first those for the visitor's computer, of these first the app.
fn show(packages: &[Package], language: Language, computer: Computer) -> Vec<Shown> {
    let mut shown: Vec<_> = packages
        .iter()
        .map(|package| {
            let name = &package.name;
            let (system, processor) = (System::of_file(name), Processor::of_file(name));
            let computers = [
                system.map(|system| language.say(system.name().0)),
                processor.map(|processor| language.say(processor.name().0)),
            ];
            let fit = computer.fits(system, processor);
            Shown {
                title: product(name).map_or_else(|| name.clone(), |key| language.say(key.0)),
                computers: computers
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join(" · "),
                size: size(package.bytes, language),
                is_yours: fit != Fit::Not && is_app(name),
                fit,
                package: package.clone(),
            }
        })
        .collect();
    // Stable: within each group they stay in the order of their names.
    shown.sort_by_key(|shown| (!shown.is_yours, !is_app(&shown.package.name), shown.fit));
    shown
}

/// Returns what is in a package, by the beginning of its name.
fn product(name: &str) -> Option<Key> {
    let name = name.to_ascii_lowercase();
    // Without the system, it is a list of digests or the like.
    System::of_file(&name)?;
    let (product, _version) = name.split_once(['_', '.'])?;
    let product = product.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
    match product {
        "keywriter" => Some(Key("product-app")),
        "keywriter-virtual" => Some(Key("product-virtual")),
        "license-portal" => Some(Key("product-portal")),
        _ => None,
    }
}

fn is_app(name: &str) -> bool {
    product(name).is_some_and(|key| key.0 == "product-app")
}

/// `GET /download/{file}`: a package or its signature, whole or a range of it.
pub(super) async fn file(
    State(portal): State<Arc<Portal>>,
    UrlPath(name): UrlPath<String>,
    request: Request,
) -> Response {
    if !is_offered(&name) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let file = portal.settings.packages.join(&name);
    if !tokio::fs::symlink_metadata(&file)
        .await
        .is_ok_and(|data| data.is_file())
    {
        return StatusCode::NOT_FOUND.into_response();
    }
    match ServeFile::new(file).try_call(request).await {
        Ok(response) => {
            let mut response = response.map(axum::body::Body::new);
            let headers = response.headers_mut();
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/octet-stream"),
            );
            headers.insert(
                header::CONTENT_DISPOSITION,
                HeaderValue::from_static("attachment"),
            );
            response
        }
        Err(error) => {
            tracing::error!(%error, "cannot serve a package");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// Returns whether a name is a plain file name: no path, no hidden file.
fn is_offered(name: &str) -> bool {
    !name.starts_with('.')
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+'))
}

impl Shelf {
    /// Returns the packages in a folder. One visitor at a time reads it; others wait for what it finds.
    pub(super) async fn packages(&self, folder: &Path) -> io::Result<Arc<Vec<Package>>> {
        let mut known = self.0.lock().await;
        let changed = match folder.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Arc::default()),
            data => data?.modified()?,
        };
        let is_current = known
            .read
            .is_some_and(|(at, before)| before == changed && at.elapsed() < CURRENT);
        if !is_current {
            let (folder, digests) = (folder.to_owned(), std::mem::take(&mut known.digests));
            let read = tokio::task::spawn_blocking(move || packages(&folder, &digests));
            let (packages, digests) = read.await.map_err(io::Error::other)??;
            *known = Known {
                packages: Arc::new(packages),
                read: Some((Instant::now(), changed)),
                digests,
            };
        }
        Ok(Arc::clone(&known.packages))
    }
}

type Digests = HashMap<PathBuf, (SystemTime, u64, String)>;

/// Returns the packages in a folder, and their SHA-256 values: the known ones, if time and size of a file are the same.
fn packages(folder: &Path, known: &Digests) -> io::Result<(Vec<Package>, Digests)> {
    let mut packages = Vec::new();
    let mut digests = Digests::new();
    for entry in folder.read_dir()? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if !entry.file_type()?.is_file() || !is_offered(&name) || name.ends_with(SIGNATURE) {
            continue;
        }
        let (file, data) = (entry.path(), entry.metadata()?);
        let (time, bytes) = (data.modified()?, data.len());
        let sha256 = match known.get(&file) {
            Some((then, size, digest)) if *then == time && *size == bytes => digest.clone(),
            _ => sha256(&file)?,
        };
        digests.insert(file, (time, bytes, sha256.clone()));
        let signature = format!("{name}{SIGNATURE}");
        packages.push(Package {
            bytes,
            sha256,
            signature: folder.join(&signature).is_file().then_some(signature),
            name,
        });
    }
    packages.sort_by(|one, other| one.name.cmp(&other.name));
    Ok((packages, digests))
}

fn sha256(file: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut open = std::fs::File::open(file)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = open.read(&mut buffer)?;
        if read == 0 {
            return Ok(hex::encode(hasher.finalize()));
        }
        hasher.update(buffer.get(..read).unwrap_or_default());
    }
}

/// Writes a size as is usual in a language.
fn size(bytes: u64, language: Language) -> String {
    let point = if language == Language::En { '.' } else { ',' };
    let (key, size) = match bytes {
        ..1_000 => (Key("size-bytes"), bytes.to_string()),
        1_000..1_000_000 => (Key("size-kilobytes"), (bytes / 1_000).to_string()),
        _ => {
            let (whole, tenth) = (bytes / 1_000_000, bytes / 100_000 % 10);
            (Key("size-megabytes"), format!("{whole}{point}{tenth}"))
        }
    };
    language.say_with(key.0, &[("size", &size)])
}

const SIGNATURE: &str = ".sig";

/// How long packages are taken as unchanged while no file comes or goes.
const CURRENT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_written_in_the_language_of_the_visitor() {
        assert_eq!(size(999, Language::En), "999\u{a0}B");
        assert_eq!(size(3_449_999, Language::En), "3.4\u{a0}MB");
        assert_eq!(size(3_449_999, Language::De), "3,4\u{a0}MB");
        assert_eq!(size(120_000, Language::Fr), "120\u{a0}ko");
    }
}
