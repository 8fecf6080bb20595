//! The network address that a request comes from.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, request::Parts},
};
use ipnet::IpNet;

use crate::portal::Portal;

/// The address that limits apply to: an IPv4 address, or an IPv6 /64, since one household has a whole /64.
pub(crate) struct ClientAddress(pub(crate) String);

impl FromRequestParts<Arc<Portal>> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        portal: &Arc<Portal>,
    ) -> Result<Self, Infallible> {
        let client =
            peer(parts).map(|peer| client(peer, &parts.headers, &portal.settings.trusted_proxies));
        Ok(Self(client.map_or_else(|| "unknown".into(), network)))
    }
}

/// Returns whether a request comes from this machine and not through a proxy.
pub(crate) fn is_local(parts: &Parts) -> bool {
    peer(parts).is_some_and(|peer| peer.is_loopback())
        && !parts.headers.contains_key(FORWARDED_FOR)
        && !parts.headers.contains_key("forwarded")
}

fn peer(parts: &Parts) -> Option<IpAddr> {
    parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|ConnectInfo(peer)| peer.ip().to_canonical())
}

/// Returns the last address in `X-Forwarded-For` that is not a trusted proxy. Clients can write whatever they like to
/// the left of it.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(&peer) {
        return peer;
    }
    let mut nearest = peer;
    for value in headers.get_all(FORWARDED_FOR).iter().rev() {
        for hop in value.to_str().unwrap_or_default().rsplit(',') {
            let Ok(address) = hop.trim().parse::<IpAddr>() else {
                return nearest;
            };
            nearest = address.to_canonical();
            if !is_trusted(&nearest) {
                return nearest;
            }
        }
    }
    nearest
}

fn network(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

const FORWARDED_FOR: &str = "x-forwarded-for";

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        let trusted = [
            "10.0.0.0/8".parse().unwrap(),
            "127.0.0.1/32".parse().unwrap(),
        ];
        network(client(peer.parse().unwrap(), &headers, &trusted))
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_about_its_own_peer() {
        assert_eq!(seen("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(seen("127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(seen("127.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(
            seen("127.0.0.1", &["6.6.6.6, 198.51.100.1, 10.1.1.1"]),
            "198.51.100.1"
        );
        assert_eq!(
            seen("127.0.0.1", &["6.6.6.6", "198.51.100.1"]),
            "198.51.100.1"
        );
        assert_eq!(seen("127.0.0.1", &["6.6.6.6, nonsense"]), "127.0.0.1");
    }

    #[test]
    fn a_whole_network_of_ipv6_counts_as_one_address() {
        assert_eq!(
            seen("127.0.0.1", &["2001:db8:1:2:3:4:5:6"]),
            "2001:db8:1:2::/64"
        );
        assert_eq!(seen("127.0.0.1", &["2001:db8:1:2::1"]), "2001:db8:1:2::/64");
    }
}
