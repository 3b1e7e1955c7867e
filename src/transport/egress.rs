//! Where requests may go whose URL came in a message (SEC-19).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Who named the host of a request. Put it into the extensions of the request; the addresses that are connected to are
/// the ones that were checked, so that a name that resolves to another address afterwards changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Egress {
    /// The host's own configuration names the URL. Every address will do.
    #[default]
    Configured,
    /// The URL came in a message; the configuration names its host. Addresses of the link and of the metadata services
    /// of clouds have to be written as literals: no name leads there. Behind a proxy it is the proxy that resolves the
    /// name, so this is for its rules to forbid.
    NamedHost,
    /// The URL came in a message, and nobody here knows its host. It has public addresses only, and neither credentials
    /// nor a client certificate are shown to it.
    Stranger,
}

impl Egress {
    /// Whether a host at this address may be connected to. `literal` says that the URL has the address itself in the
    /// notation of its family, no name.
    #[must_use]
    pub fn allows(self, address: IpAddr, literal: bool) -> bool {
        let address = address.to_canonical();
        match self {
            Self::Configured => true,
            Self::NamedHost => literal || !(is_link_local(address) || is_metadata(address)),
            Self::Stranger => is_public(address) && !is_metadata(address),
        }
    }
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => {
            address.is_unicast_link_local() || embedded(address).is_some_and(|v4| v4.is_link_local())
        }
    }
}

/// Where clouds tell virtual machines their secrets, besides 169.254.169.254.
fn is_metadata(address: IpAddr) -> bool {
    const AMAZON: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    const GOOGLE: Ipv6Addr = Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254);
    const OTHERS: [Ipv4Addr; 3] = [
        Ipv4Addr::new(100, 100, 100, 200),
        Ipv4Addr::new(168, 63, 129, 16),
        Ipv4Addr::new(192, 0, 0, 192),
    ];
    match address {
        IpAddr::V4(address) => OTHERS.contains(&address),
        IpAddr::V6(address) => {
            [AMAZON, GOOGLE].contains(&address) || embedded(address).is_some_and(|v4| OTHERS.contains(&v4))
        }
    }
}

/// Whether anybody may be there. What the registries of special addresses (RFC 6890) do not call global is not public.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            !(a == 0
                || a >= 224
                || address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_documentation()
                // Shared by carriers (RFC 6598), protocol assignments, 6to4 relays, benchmarks.
                || (a == 100 && b & 0xc0 == 64)
                || (a == 192 && b == 0 && c == 0)
                || (a == 192 && b == 88 && c == 99)
                || (a == 198 && b & 0xfe == 18))
        }
        IpAddr::V6(address) => {
            let [a, b, ..] = address.segments();
            // Only this part is assigned to hosts (RFC 4291 §2.4), without what is for protocols, which includes Teredo,
            // for documentation, and 6to4.
            a & 0xe000 == 0x2000
                && !(a == 0x2001 && (b < 0x200 || b == 0xdb8))
                && a != 0x2002
                && !(a == 0x3fff && b < 0x1000)
        }
    }
}

/// The IPv4 address that a translator (RFC 6052) or 6to4 makes of an IPv6 one.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let join = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(join(high, low)),
        [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
