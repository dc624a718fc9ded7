"""Address arithmetic: blocks for networks, and which addresses are handed out how."""

import ipaddress
from collections.abc import Iterable, Iterator, Sequence

from sirocco.contracts.errors import INVALID, NO_CAPACITY, SiroccoError

Block = ipaddress.IPv4Network | ipaddress.IPv6Network
POOL = "10.96.0.0/12"


def parse_cidr(text: str) -> ipaddress.IPv4Network:
    """A private IPv4 block of /16 to /29; anything else is refused with the reason."""
    try:
        block = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise SiroccoError(
            INVALID, where="cidr", why="{block} is not an IPv4 network such as 10.20.0.0/24", block=text
        ) from error
    if not block.is_private or not 16 <= block.prefixlen <= 29:
        raise SiroccoError(INVALID, where="cidr", why="{block} is not a private block of /16 to /29", block=block)
    return block


def free_block(taken: Sequence[Block], pool: str = POOL) -> ipaddress.IPv4Network:
    """The first /24 of ``pool`` that overlaps none of ``taken``."""
    for block in ipaddress.IPv4Network(pool).subnets(new_prefix=24):
        if not any(block.overlaps(other) for other in taken):
            return block
    raise SiroccoError(NO_CAPACITY, why="all of {block} is used by networks", block=pool)


def dynamic_range(block: ipaddress.IPv4Network) -> tuple[ipaddress.IPv4Address, ipaddress.IPv4Address]:
    """First and last address that DHCP gives to anybody: the lower three quarters, without the gateway."""
    return block.network_address + 2, block.network_address + block.num_addresses * 3 // 4 - 1


def fixed_range(block: ipaddress.IPv4Network) -> Iterator[ipaddress.IPv4Address]:
    """Addresses kept for those who ask for a fixed one: the upper quarter, without the broadcast address."""
    start = block.num_addresses * 3 // 4
    return (block.network_address + offset for offset in range(start, block.num_addresses - 1))


def lowest_free(block: ipaddress.IPv4Network, taken: Iterable[str]) -> ipaddress.IPv4Address | None:
    """The lowest fixed address that is not taken."""
    used = set(taken)
    return next((one for one in fixed_range(block) if str(one) not in used), None)
