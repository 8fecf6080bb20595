//! Packages of the app, with their SHA-256 values and signatures.

use std::{
    collections::HashMap,
    io::{self, Read as _},
    path::Path,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::SystemTime,
};

use askama::Template;
use axum::{
    extract::{Path as UrlPath, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use sha2::{Digest as _, Sha256};
use tower_http::services::ServeFile;

use crate::{
    language::{Key, Language},
    portal::Portal,
    web::{
        frame::{Frame, Visitor, render},
        pages::{Message, say},
    },
};

/// A package to download.
struct Package {
    name: String,
    size: String,
    sha256: String,
    /// The file name of its detached signature, if there is one.
    signature: Option<String>,
}

#[derive(Template)]
#[template(path = "download.html")]
struct Page {
    f: Frame,
    packages: Vec<Package>,
}

/// `GET /download`
pub(super) async fn page(State(portal): State<Arc<Portal>>, visitor: Visitor) -> Response {
    let folder = portal.settings.packages.clone();
    let language = visitor.language;
    match tokio::task::spawn_blocking(move || packages(&folder, language)).await {
        Ok(Ok(packages)) => render(
            StatusCode::OK,
            &Page {
                f: visitor.frame(),
                packages,
            },
        ),
        Ok(Err(error)) => {
            tracing::error!(%error, "cannot read the folder of packages");
            say(
                &visitor,
                StatusCode::SERVICE_UNAVAILABLE,
                Message::UNAVAILABLE,
            )
        }
        Err(_panic) => say(
            &visitor,
            StatusCode::SERVICE_UNAVAILABLE,
            Message::UNAVAILABLE,
        ),
    }
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

fn packages(folder: &Path, language: Language) -> io::Result<Vec<Package>> {
    let entries = match folder.read_dir() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut packages = Vec::new();
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if !entry.file_type()?.is_file() || !is_offered(&name) || name.ends_with(SIGNATURE) {
            continue;
        }
        let signature = format!("{name}{SIGNATURE}");
        packages.push(Package {
            size: size(entry.metadata()?.len(), language),
            sha256: sha256(&entry.path())?,
            signature: folder.join(&signature).is_file().then_some(signature),
            name,
        });
    }
    packages.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(packages)
}

/// Returns the SHA-256 of a file. It is computed again only when the time or the size of the file changes.
fn sha256(file: &Path) -> io::Result<String> {
    type Known = HashMap<std::path::PathBuf, (SystemTime, u64, String)>;
    static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);
    let data = file.metadata()?;
    let (time, size) = (data.modified()?, data.len());
    let known = KNOWN
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(file)
        .cloned();
    if let Some((_, _, digest)) = known.filter(|known| known.0 == time && known.1 == size) {
        return Ok(digest);
    }
    let mut hasher = Sha256::new();
    let mut open = std::fs::File::open(file)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = open.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(buffer.get(..read).unwrap_or_default());
    }
    let digest = hex::encode(hasher.finalize());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.insert(file.to_owned(), (time, size, digest.clone()));
    Ok(digest)
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
