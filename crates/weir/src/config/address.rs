//! `host:port`, as targets are addressed.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// A host name or IP address with a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// A DNS name or an IP address, without brackets.
    pub host: String,
    /// The port, never 0.
    pub port: u16,
}

impl Address {
    /// Reads `host:port`, IPv6 addresses in brackets. The error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.contains("://") || text.contains('@') {
            return Err("is a URL, not a host and a port");
        }
        if text.starts_with('/') {
            return Err("is a path; Unix sockets can't be reached yet");
        }
        let (host, port) = text.rsplit_once(':').ok_or("has no port")?;
        let port = match port.parse() {
            Ok(0) | Err(_) => return Err("has no port from 1 to 65535 after the last colon"),
            Ok(port) => port,
        };
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = match bracketed {
            Some(host) if host.parse::<Ipv6Addr>().is_ok() => host,
            Some(_) => return Err("has no IPv6 address between its brackets"),
            None if host.contains(':') => return Err("is an IPv6 address without brackets"),
            None => host,
        };
        let unspecified = host.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified());
        if unspecified {
            return Err("is the address that means \"any\", which only a listener can use");
        }
        if rustls_pki_types::ServerName::try_from(host).is_err() {
            return Err("has no DNS name or IP address before the port");
        }
        Ok(Self { host: host.to_owned(), port })
    }

    /// Whether the traffic stays inside this machine.
    pub fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost") || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// Whether this is surely what is reached through a listener on `listen`.
    pub fn is_listener(&self, listen: SocketAddr) -> bool {
        let same_host = match self.host.parse::<IpAddr>() {
            Ok(ip) => ip == listen.ip() || (listen.ip().is_unspecified() && ip.is_loopback()),
            Err(_) => self.is_loopback() && (listen.ip().is_loopback() || listen.ip().is_unspecified()),
        };
        self.port == listen.port() && same_host
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_ports_and_brackets() {
        for good in ["db.example.com:5432", "127.0.0.1:5432", "[::1]:5432", "[2001:db8::7]:65535", "shop_db:1"] {
            assert_eq!(Address::parse(good).unwrap().to_string(), good);
        }
        for (bad, what) in [
            ("db.example.com", "has no port"),
            ("db:", "65535"),
            ("db:0", "65535"),
            ("db:65536", "65535"),
            ("db:54x", "65535"),
            ("::1:5432", "without brackets"),
            ("[::1:5432", "without brackets"),
            ("[localhost]:5432", "no IPv6"),
            (":5432", "no DNS name"),
            ("a b:5432", "no DNS name"),
            ("0.0.0.0:5432", "listener"),
            ("[::]:5432", "listener"),
            ("postgres://u:p@db:5432", "URL"),
            ("u@db:5432", "URL"),
            ("/run/postgresql", "Unix"),
        ] {
            let error = Address::parse(bad).unwrap_err();
            assert!(error.contains(what), "{bad}: {error}");
        }
    }

    #[test]
    fn its_own_listener_is_known() {
        let address = |text| Address::parse(text).unwrap();
        let listen = |text: &str| text.parse::<SocketAddr>().unwrap();
        for (target, listener, same) in [
            ("127.0.0.1:6432", "127.0.0.1:6432", true),
            ("localhost:6432", "127.0.0.1:6432", true),
            ("localhost:6432", "0.0.0.0:6432", true),
            ("127.0.0.1:6432", "0.0.0.0:6432", true),
            ("127.0.0.1:5432", "127.0.0.1:6432", false),
            ("10.0.0.7:6432", "127.0.0.1:6432", false),
            ("db.example.com:6432", "0.0.0.0:6432", false),
        ] {
            assert_eq!(address(target).is_listener(listen(listener)), same, "{target} {listener}");
        }
    }
}
