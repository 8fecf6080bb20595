//! The portal's API: two questions, JSON over HTTPS.

use crate::text::counted;
use license_token::{Anchors, Installation, LicenseNumber, LicenseToken, Malformed, Pin};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use ureq::{
    Agent,
    http::{StatusCode, Uri},
    tls::{RootCerts, TlsConfig},
};
use zeroize::Zeroizing;

/// A portal.
#[derive(Debug)]
pub struct Portal {
    url: String,
    agent: Agent,
}

/// Why the portal issued no license.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PortalError {
    /// Not an address of a portal.
    #[error("{0} is not the address of a portal")]
    BadAddress(String),
    /// A PIN would cross a network in the clear.
    #[error("{0} is not HTTPS: the PIN would cross the network in the clear")]
    Insecure(String),
    /// The portal does not answer.
    #[error("the portal {url} does not answer")]
    Unreachable {
        /// Where.
        url: String,
        /// Why.
        #[source]
        source: Box<ureq::Error>,
    },
    /// The portal refuses, deliberately without a reason.
    #[error(
        "the portal refused: the license number or the PIN is wrong, or the license is not active"
    )]
    Refused,
    /// The license is in use elsewhere.
    #[error("the license is registered on {most} computers already, as many as it allows")]
    TooManyInstallations {
        /// How many it allows.
        most: u32,
    },
    /// The portal has none of the keys that this app verifies with, or does not know the key of this app's license.
    #[error("the portal signs licenses with another key than this app verifies them with")]
    OtherKey,
    /// The license number is mistyped or malformed.
    #[error("the portal does not accept this license number")]
    BadNumber,
    /// Too many requests.
    #[error("too many requests to the portal: try again in {}", counted(*retry_after, "second", "seconds"))]
    SlowDown {
        /// Seconds.
        retry_after: u64,
    },
    /// The answer is not understood.
    #[error("the portal {url} gave an answer that is not understood (HTTP status {status})")]
    Unexpected {
        /// Where.
        url: String,
        /// The HTTP status.
        status: u16,
    },
}

impl Portal {
    /// A portal at `https://HOST[:PORT][/PATH]`; `http://` on this computer alone.
    pub fn new(url: &str) -> Result<Self, PortalError> {
        let url = url.trim_end_matches('/');
        let bad = || PortalError::BadAddress(url.to_owned());
        let parsed: Uri = url.parse().map_err(|_form| bad())?;
        let host = parsed.host().filter(|host| !host.is_empty());
        let is_here = is_this_computer(host.ok_or_else(bad)?);
        match parsed.scheme_str() {
            Some("https") => {}
            Some("http") if is_here => {}
            Some("http") => return Err(PortalError::Insecure(url.to_owned())),
            Some(_) | None => return Err(bad()),
        }
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let mut config = Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(TIMEOUT))
            // A PIN goes where the user sent it, and nowhere else.
            .max_redirects(0)
            .http_status_as_error(false)
            .user_agent(concat!("keywriter/", env!("CARGO_PKG_VERSION")));
        if is_here {
            config = config.proxy(None);
        }
        Ok(Self {
            url: url.to_owned(),
            agent: config.build().new_agent(),
        })
    }

    /// Asks for a license token.
    pub fn register(
        &self,
        number: LicenseNumber,
        pin: &Pin,
        installation: Installation,
        anchors: &Anchors,
    ) -> Result<LicenseToken, PortalError> {
        let mut digits = Zeroizing::new(String::with_capacity(license_token::pin::DIGITS));
        pin.expose_in(&mut digits);
        self.ask(
            "register",
            &RegisterQuestion {
                license: number.to_string(),
                pin: &digits,
                installation: installation.to_string(),
                keys: keys(anchors),
            },
        )
    }

    /// Asks for a fresh token in place of one that may have lapsed.
    pub fn refresh(
        &self,
        token: &str,
        installation: Installation,
        anchors: &Anchors,
    ) -> Result<LicenseToken, PortalError> {
        self.ask(
            "refresh",
            &RefreshQuestion {
                token,
                installation: installation.to_string(),
                keys: keys(anchors),
            },
        )
    }

    fn ask(&self, what: &str, question: &impl Serialize) -> Result<LicenseToken, PortalError> {
        let unreachable = |source| PortalError::Unreachable {
            url: self.url.clone(),
            source: Box::new(source),
        };
        // Large enough never to be moved, so that no copy remains in memory.
        let mut body = Zeroizing::new(Vec::with_capacity(QUESTION));
        serde_json::to_writer(&mut *body, question)
            .map_err(|error| unreachable(ureq::Error::Io(error.into())))?;
        let mut answer = self
            .agent
            .post(format!("{}/api/v1/{what}", self.url))
            .header("content-type", "application/json")
            .send(body.as_slice())
            .map_err(unreachable)?;
        let status = answer.status();
        let text = answer
            .body_mut()
            .with_config()
            .limit(ANSWER)
            .read_to_vec()
            .map_err(unreachable)?;
        self.understand(status, &text)
    }

    fn understand(&self, status: StatusCode, text: &[u8]) -> Result<LicenseToken, PortalError> {
        let unexpected = || PortalError::Unexpected {
            url: self.url.clone(),
            status: status.as_u16(),
        };
        let answer: Answer = serde_json::from_slice(text).map_err(|_form| unexpected())?;
        let answer_is_other_key = answer.error.as_deref() == Some("other-key");
        match (status.as_u16(), answer) {
            (
                200,
                Answer {
                    token: Some(token), ..
                },
            ) => LicenseToken::parse(&token).map_err(|Malformed| unexpected()),
            (403, _) => Err(PortalError::Refused),
            (
                409,
                Answer {
                    most: Some(most), ..
                },
            ) => Err(PortalError::TooManyInstallations { most }),
            (409, _) if answer_is_other_key => Err(PortalError::OtherKey),
            (400 | 422, _) => Err(PortalError::BadNumber),
            (429, answer) => Err(PortalError::SlowDown {
                retry_after: answer.retry_after.unwrap_or(60),
            }),
            _ => Err(unexpected()),
        }
    }
}

/// Returns the names of the keys that this app verifies with: the portal signs with one of them.
fn keys(anchors: &Anchors) -> Vec<String> {
    let ids = anchors.iter().map(|anchor| anchor.id().to_string());
    ids.collect()
}

fn is_this_computer(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<std::net::IpAddr>();
    bare == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[derive(Serialize)]
struct RegisterQuestion<'a> {
    license: String,
    pin: &'a str,
    installation: String,
    keys: Vec<String>,
}

#[derive(Serialize)]
struct RefreshQuestion<'a> {
    token: &'a str,
    installation: String,
    keys: Vec<String>,
}

#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    error: Option<String>,
    retry_after: Option<u64>,
    most: Option<u32>,
}

/// The portal that this program was built for: `KEYWRITER_LICENSE_PORTAL`, an address with `https://`; without it, the
/// portal of a computer that runs its own.
pub const DEFAULT_PORTAL: &str = match option_env!("KEYWRITER_LICENSE_PORTAL") {
    None => "http://127.0.0.1:8480",
    Some(url) => match url.as_bytes() {
        [b'h', b't', b't', b'p', b's', b':', b'/', b'/', _, ..] => url,
        _ => panic!("KEYWRITER_LICENSE_PORTAL does not begin with https://"),
    },
};

const TIMEOUT: Duration = Duration::from_secs(30);
/// More than the longest question.
const QUESTION: usize = 4096;
/// The most bytes of an answer that are read.
const ANSWER: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_crosses_a_network_only_by_https() {
        for fine in [
            "https://portal.example",
            "https://portal.example:8443/kw/",
            "http://127.0.0.1:8480",
            "http://localhost:8480/",
            "http://[::1]:8480",
        ] {
            assert!(Portal::new(fine).is_ok(), "{fine}");
        }
        for insecure in [
            "http://portal.example",
            "http://10.0.0.1",
            "http://localhost.example",
        ] {
            assert!(
                matches!(Portal::new(insecure), Err(PortalError::Insecure(_))),
                "{insecure}"
            );
        }
        for bad in ["", "portal.example", "ftp://portal.example", "https://"] {
            assert!(
                matches!(Portal::new(bad), Err(PortalError::BadAddress(_))),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_license_in_use_elsewhere_is_told_with_what_it_allows() {
        let portal = Portal::new("https://portal.example").unwrap();
        let answer = |text: &[u8]| portal.understand(StatusCode::CONFLICT, text).unwrap_err();
        let full = answer(br#"{"error":"too-many-installations","most":5}"#);
        assert!(matches!(
            full,
            PortalError::TooManyInstallations { most: 5 }
        ));
        assert!(full.to_string().contains("on 5 computers"));
        assert!(matches!(
            answer(b"{}"),
            PortalError::Unexpected { status: 409, .. }
        ));
    }
}
