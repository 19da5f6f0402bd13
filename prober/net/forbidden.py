"""Addresses where no server of anybody's mail can be.

They are those of this link, of nobody, of everybody, and of the services that give a cloud machine its credentials.
Whoever makes us go there, by DNS or by a redirect, wants something else.

Private and loopback addresses are not among them: servers of one's own are there, and proxies and tunnels.
"""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
NETWORKS = tuple(
    ipaddress.ip_network(one)
    for one in (
        "0.0.0.0/8",  # this network (RFC 1122); a connection to it reaches this machine
        "169.254.0.0/16",  # link-local (RFC 3927), where most clouds have their metadata service
        "100.100.100.200/32",  # metadata service of Alibaba Cloud
        "168.63.129.16/32",  # host of an Azure machine
        "192.0.0.192/32",  # metadata service of Oracle Cloud
        "224.0.0.0/4",  # multicast (RFC 5771)
        "255.255.255.255/32",
        "::/128",
        "fe80::/10",  # link-local (RFC 4291)
        "ff00::/8",
        "fd00:ec2::/32",  # metadata service of AWS
        "fd20:ce::/32",  # metadata service of Google Cloud
    )
)
TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv4 in IPv6's clothes for a NAT64 (RFC 6052)."""


def is_forbidden(host: str) -> bool:
    """Whether `host` is an address, without brackets, at which no server of ours can be."""
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return any(one in network for one in (found, _within(found)) for network in NETWORKS if one is not None)


def _within(address: Address) -> Address | None:
    """Return the IPv4 address that an IPv6 address carries."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
