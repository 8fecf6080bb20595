//! Webhooks: tells other programs what happens to licenses.
//!
//! What they are told is queued in the transaction that causes it, and told at least once, by one of the instances. Who
//! receives it knows by the signature that it comes from this portal.

use std::{net::IpAddr, sync::Arc, time::Duration};

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde_json::json;
use sha2::Sha256;
use tokio::{sync::watch, task::JoinSet};
use ureq::{
    Agent, Error,
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{DefaultConnector, NextTimeout},
    },
};
use url::Url;

use crate::{
    clock::later,
    keys::Typed,
    mail::outbox::backoff,
    model::HookNotice,
    portal::{Portal, Refusal},
    store::CLOCKS,
};

/// Tells webhooks what waits for them. Clones tell for the same instance.
#[derive(Clone)]
pub struct Teller {
    portal: Arc<Portal>,
    agent: Agent,
}

impl Teller {
    /// Makes one that reaches what the settings permit.
    pub fn new(portal: Arc<Portal>) -> Self {
        let may_be_private = portal.settings.webhook_private;
        let config = Agent::config_builder()
            .timeout_global(Some(TELLING))
            .max_redirects(0)
            .http_status_as_error(false)
            .https_only(!may_be_private)
            .proxy(None)
            .user_agent(concat!("license-portal/", env!("CARGO_PKG_VERSION")))
            .build();
        let resolver = Reachable {
            all: DefaultResolver::default(),
            may_be_private,
        };
        let agent = Agent::with_parts(config, DefaultConnector::default(), resolver);
        Self { portal, agent }
    }

    /// Tells until `stop` is set.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            match self.round().await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => tracing::warn!(%error, "cannot tell webhooks"),
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                _changed = stop.changed() => {}
            }
        }
    }

    /// Tells what is due, several at once, and waits for all of it. Returns how much it was.
    pub async fn round(&self) -> Result<usize, Refusal> {
        let now = self.portal.clock.now();
        let until = later(now, CLAIM);
        let notices = self.portal.store.claim_notices(now, until, AT_ONCE).await?;
        let (count, mut telling) = (notices.len(), JoinSet::new());
        for notice in notices {
            let teller = self.clone();
            telling.spawn(async move { teller.tell(notice).await.map(drop) });
        }
        while let Some(ended) = telling.join_next().await {
            ended.unwrap_or(Ok(()))?;
        }
        Ok(count)
    }

    /// Tells one webhook that it is tried. Returns what went wrong, if something did; `None`: no webhook has this name.
    pub async fn test(&self, name: &str) -> Result<Option<Result<(), String>>, Refusal> {
        let now = self.portal.clock.now();
        let until = later(now, CLAIM);
        match self.portal.store.try_hook(name, now, until).await? {
            Some(notice) => self.tell(notice).await.map(Some),
            None => Ok(None),
        }
    }

    /// Tells a webhook what this instance has claimed, and returns and records what went wrong, if something did.
    async fn tell(&self, notice: HookNotice) -> Result<Result<(), String>, Refusal> {
        let portal = &*self.portal;
        let (id, attempts) = (notice.id, notice.attempts);
        let outcome = self.send(notice).await;
        let now = portal.clock.now();
        match &outcome {
            Ok(()) => portal.store.told(id, now).await?,
            Err(error) => {
                tracing::warn!(notice = id, attempts, error, "cannot tell a webhook");
                let next = (attempts < ATTEMPTS).then(|| later(now, backoff(attempts)));
                portal.store.not_told(id, next, now, error).await?;
            }
        }
        Ok(outcome)
    }

    /// Sends it, signed.
    async fn send(&self, notice: HookNotice) -> Result<(), String> {
        let secret = self
            .portal
            .keys
            .open_typed(Typed::Hook(&notice.hook), &notice.sealed)
            .map_err(|error| error.to_string())?;
        let (body, now) = (body(&notice), self.portal.clock.now().as_second());
        let signature = signature(&secret, now, &body);
        let agent = self.agent.clone();
        let sent = tokio::task::spawn_blocking(move || {
            let request = agent
                .post(&notice.url)
                .header("content-type", "application/json")
                .header("webhook-signature", format!("t={now},v1={signature}"));
            request.send(body.as_bytes()).map(|answer| answer.status())
        });
        match sent.await {
            Ok(Ok(status)) if status.is_success() => Ok(()),
            Ok(Ok(status)) => Err(format!("status {}", status.as_u16())),
            Ok(Err(error)) => Err(reason(&error)),
            Err(_ended) => Err("it ended unexpectedly".to_owned()),
        }
    }
}

/// Returns why a webhook was not reached, in words that are stored: without its address.
fn reason(error: &Error) -> String {
    match error {
        Error::Timeout(_) => "it did not answer in time".to_owned(),
        Error::HostNotFound => "its name is not known".to_owned(),
        Error::Other(error) if error.is::<Private>() => Private.to_string(),
        Error::RequireHttpsOnly(_) => "it is not https".to_owned(),
        Error::Tls(_) => "no encrypted connection".to_owned(),
        _ => "no connection".to_owned(),
    }
}

/// Returns what a webhook is told.
fn body(notice: &HookNotice) -> String {
    let at = Timestamp::from_second(notice.at).unwrap_or_default();
    json!({
        "id": notice.id,
        "event": notice.event,
        "license": notice.license,
        "at": at.to_string(),
    })
    .to_string()
}

/// Signs a body: HMAC-SHA-256 over time, a full stop, and body, in hexadecimal digits.
pub fn signature(secret: &str, time: i64, body: &str) -> String {
    // HMAC accepts keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(format!("{time}.{body}").as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// Checks the address of a webhook: HTTPS, and without a password.
pub fn address(text: &str, may_be_private: bool) -> Result<String, &'static str> {
    let url = Url::parse(text).map_err(|_form| "not a URL")?;
    let is_secure = url.scheme() == "https" || (may_be_private && url.scheme() == "http");
    if !is_secure {
        return Err("it must begin with https:// (webhook_private permits http://)");
    }
    if url.host_str().is_none_or(str::is_empty)
        || !url.username().is_empty()
        || url.password().is_some()
    {
        return Err("it must have a host, and neither name nor password");
    }
    Ok(url.into())
}

/// Finds addresses, and refuses those that only this machine or its network reaches: whoever names a webhook must not
/// make the portal call what is behind its firewall. It is asked for each connection, so no name means another address
/// later.
#[derive(Debug)]
struct Reachable {
    all: DefaultResolver,
    may_be_private: bool,
}

impl Resolver for Reachable {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let found = self.all.resolve(uri, config, timeout)?;
        if self.may_be_private || found.iter().all(|place| is_public(place.ip())) {
            Ok(found)
        } else {
            Err(Error::Other(Box::new(Private)))
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("its address is private; webhook_private permits that")]
struct Private;

/// Returns whether the whole internet can reach an address (RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let is_special = v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_documentation()
                || v4.is_multicast()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (18..20).contains(&b));
            !is_special
        }
        IpAddr::V6(v6) => {
            let [a, b, ..] = v6.segments();
            // The global unicast addresses, without documentation, Teredo, 6to4 and others that lead elsewhere.
            (0x2000..0x4000).contains(&a)
                && a != 0x2002
                && (a != 0x2001 || b >= 0x200)
                && (a, b) != (0x2001, 0xdb8)
                && !(a == 0x3fff && b < 0x1000)
        }
    }
}

/// How long telling may take.
const TELLING: Duration = Duration::from_secs(15);
/// How long a claim lasts, in seconds: longer than telling can take by the clock of any instance.
const CLAIM: i64 = CLOCKS + 60;
/// How much one instance tells at once.
const AT_ONCE: u32 = 8;
/// How often something is tried: for about a day.
const ATTEMPTS: i64 = 30;
const PAUSE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of docs/PORTAL.md.
    #[test]
    fn the_signature_is_that_of_the_document() {
        let body = r#"{"at":"2026-11-24T08:00:00Z","event":"issued","id":7,"license":null}"#;
        let document = include_str!("../../../docs/PORTAL.md");
        let signed = signature("kwhs_example", 1_795_507_200, body);
        assert!(document.contains(&signed), "{signed}");
        assert!(document.contains(body));
    }

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        for public in [
            "93.184.215.14",
            "2606:2800:220:1::1",
            "::ffff:93.184.215.14",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "127.0.0.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.0.8",
            "203.0.113.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "3fff:123::1",
            "2001::1",
            "ff02::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }

    #[test]
    fn an_address_is_https_and_has_no_password() {
        assert_eq!(
            address("https://a.example/x?y=1", false).unwrap(),
            "https://a.example/x?y=1"
        );
        assert!(address("http://127.0.0.1:1/", true).is_ok());
        for wrong in [
            "http://a.example",
            "https://u:p@a.example",
            "https://",
            "file:///etc/passwd",
            "a",
        ] {
            assert!(address(wrong, false).is_err(), "{wrong}");
        }
    }
}
