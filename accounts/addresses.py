"""Whether a number on the net is somebody else's: for every request whose address comes from input (SSRF).

Standard library only, since one of its callers runs in a process without settings (conversations/fetching.py).
"""

from __future__ import annotations

import ipaddress

INSIDE_OTHERS = [ipaddress.ip_network(net) for net in ("64:ff9b::/32", "2002::/16", "2001::/32", "::/96", "fec0::/10")]


def is_public(number: str) -> bool:
    """Whether an address is one of the whole internet; none that carries another one inside."""
    ip = ipaddress.ip_address(number.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return is_public(str(ip.ipv4_mapped))
        if any(ip in net for net in INSIDE_OTHERS):
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved
