//! Who stands at the door: connections that have not logged in yet, counted by address and together, so that a flood of them
//! takes a bounded part of memory, file handles and time, and never that of sessions.
//!
//! A connection takes a seat when it is accepted and gives it back when it has proved who it is. One that ends otherwise
//! keeps its seat for a moment longer ([`LINGER`]): so the seats bound not only how many there are at once, but how many
//! come in a second, whatever they try: tokens, cancel keys, handshakes. Who finds no seat may stand, if there is room, and
//! is told over TLS that there is none; past that, connections are closed unheard.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

/// How long a seat stays taken after a connection that came to nothing.
pub const LINGER: Duration = Duration::from_secs(1);
/// Connections that may stand: they are only told that there is no seat.
const STANDING_MAX: usize = 32;
/// The longest that telling them may take.
pub const STANDING_TIME_MAX: Duration = Duration::from_secs(5);

/// How many may be logging in, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginLimits {
    /// Connections that have not logged in yet.
    pub all_max: usize,
    /// Those of them from one address (of IPv6: from one network of 64 bits).
    pub per_address_max: usize,
    /// The longest that TLS, startup packet and proof may take together.
    pub time_max: Duration,
}

impl Default for LoginLimits {
    fn default() -> Self {
        Self { all_max: 1000, per_address_max: 500, time_max: Duration::from_secs(30) }
    }
}

/// The room before the door.
#[derive(Debug)]
pub struct Lobby {
    limits: LoginLimits,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    seated: usize,
    standing: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A place in it. It is given back when this is dropped.
#[derive(Debug)]
pub struct Seat {
    lobby: Arc<Lobby>,
    /// Of whom it is; none if it is a place to stand.
    address: Option<IpAddr>,
}

impl Lobby {
    /// An empty one.
    pub fn new(limits: LoginLimits) -> Self {
        Self { limits, waiting: Mutex::default() }
    }

    /// The limits it was made with.
    pub fn limits(&self) -> &LoginLimits {
        &self.limits
    }

    /// A place for a connection that has come. None if it is to be closed unheard.
    pub fn enter(self: &Arc<Self>, peer: SocketAddr) -> Option<Seat> {
        let address = network(peer.ip());
        let mut waiting = self.waiting.lock();
        let of_address = waiting.by_address.get(&address).copied().unwrap_or(0);
        if waiting.seated < self.limits.all_max && of_address < self.limits.per_address_max {
            waiting.seated = waiting.seated.saturating_add(1);
            waiting.by_address.insert(address, of_address.saturating_add(1));
            return Some(Seat { lobby: Arc::clone(self), address: Some(address) });
        }
        if waiting.standing < STANDING_MAX {
            waiting.standing = waiting.standing.saturating_add(1);
            return Some(Seat { lobby: Arc::clone(self), address: None });
        }
        None
    }
}

impl Seat {
    /// Whether there was no seat.
    pub fn is_standing(&self) -> bool {
        self.address.is_none()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut waiting = self.lobby.waiting.lock();
        let Some(address) = self.address else {
            waiting.standing = waiting.standing.saturating_sub(1);
            return;
        };
        waiting.seated = waiting.seated.saturating_sub(1);
        match waiting.by_address.get_mut(&address) {
            Some(count) if *count > 1 => *count = count.saturating_sub(1),
            _ => drop(waiting.by_address.remove(&address)),
        }
    }
}

/// Whom an address belongs to: of IPv6, everybody has 2⁶⁴.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lobby(all_max: usize, per_address_max: usize) -> Arc<Lobby> {
        Arc::new(Lobby::new(LoginLimits { all_max, per_address_max, time_max: Duration::from_secs(1) }))
    }

    fn from(address: &str) -> SocketAddr {
        SocketAddr::new(address.parse().unwrap(), 1)
    }

    #[test]
    fn one_address_leaves_seats_for_others() {
        let lobby = lobby(4, 2);
        let seats: Vec<Seat> = (0..2).map(|_| lobby.enter(from("192.0.2.1")).unwrap()).collect();
        assert!(lobby.enter(from("192.0.2.1")).unwrap().is_standing());
        assert!(lobby.enter(from("::ffff:192.0.2.1")).unwrap().is_standing(), "the same address in other words");
        let six = (lobby.enter(from("2001:db8::1")).unwrap(), lobby.enter(from("2001:db8::ffff:2")).unwrap());
        assert!(!six.0.is_standing() && !six.1.is_standing());
        // All four are taken now.
        assert!(lobby.enter(from("198.51.100.7")).unwrap().is_standing());
        drop(six);
        assert!(lobby.enter(from("192.0.2.1")).unwrap().is_standing());
        let other: Vec<Seat> = (0..2).map(|_| lobby.enter(from("2001:db8:0:1::1")).unwrap()).collect();
        assert!(other.iter().all(|seat| !seat.is_standing()));
        drop((seats, other));
        let waiting = lobby.waiting.lock();
        assert!(waiting.seated == 0 && waiting.standing == 0 && waiting.by_address.is_empty());
    }

    #[test]
    fn there_is_an_end_of_standing_too() {
        let lobby = lobby(0, 0);
        let places: Vec<Option<Seat>> = (0..STANDING_MAX + 1).map(|_| lobby.enter(from("192.0.2.1"))).collect();
        assert!(places[..STANDING_MAX].iter().all(|place| place.as_ref().is_some_and(Seat::is_standing)));
        assert!(places[STANDING_MAX].is_none());
        drop(places);
        assert!(lobby.enter(from("192.0.2.1")).is_some());
    }
}
