//! Ports on loopback that nobody else is likely to take.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::net::TcpListener;

use crate::{Error, Result};

/// Below the range from which the kernel picks source ports (32768 and up). A port inside it can
/// be lost while an API server is stopped for an outage test: a controller that reconnects may be
/// given that very port as its source, connect to itself, and keep it.
const FIRST: u16 = 20_000;
const LAST: u16 = 32_000;

/// Finds `N` free ports. Another process may still take one before it is used: the caller starts
/// again with others when a server says that its address is in use.
///
/// # Errors
/// When there are not as many.
pub fn free<const N: usize>() -> Result<[u16; N]> {
    // A random start, so that control planes that start at the same moment do not race for the
    // same ports. RandomState is the standard library's only source of randomness.
    let span = u64::from(LAST - FIRST);
    let offset = RandomState::new().build_hasher().finish() % span;
    let mut held = Vec::with_capacity(N);
    for step in 0..span {
        let port = FIRST + ((offset + step) % span) as u16;
        // Held until all are found, so that the same port is not found twice.
        held.extend(
            TcpListener::bind(("127.0.0.1", port))
                .ok()
                .map(|listener| (port, listener)),
        );
        if held.len() == N {
            let mut ports = [0; N];
            for (slot, (port, _)) in ports.iter_mut().zip(&held) {
                *slot = *port;
            }
            return Ok(ports);
        }
    }
    Err(Error::Ports(N))
}

#[cfg(test)]
mod tests {
    #[test]
    fn free_ports_differ_from_each_other_and_can_be_bound() {
        let ports = super::free::<4>().unwrap();
        let bound: Vec<_> = ports
            .iter()
            .map(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).unwrap())
            .collect();
        assert_eq!(bound.len(), 4);
    }
}
