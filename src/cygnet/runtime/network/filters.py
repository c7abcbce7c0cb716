"""Classic BPF programs: which member of a reuseport group, and what a raw socket lets through.

Both tell the IKE versions apart by the high nibble of the header's version octet (RFC 7296, 3.1), and on
the NAT-T port IKE from ESP by the non-ESP marker (RFC 3948, 2.2). What is too short for a load goes to the
first member of a group, and is not let through by a raw socket.
"""

import socket
from collections.abc import Sequence

from cygnet.wire.bpf import (
    EVERYTHING,
    JEQ,
    LD_B,
    LD_B_IND,
    LD_H,
    LD_H_IND,
    LD_W,
    LD_W_IND,
    LDX_MSH,
    RET,
    RSH,
    SO_ATTACH_REUSEPORT_CBPF,
    Instruction,
    Program,
    attach,
)

VERSION_OFFSET = 17
MARKER_SIZE = 4
UDP_HEADER_SIZE = 8


def ike_group(members: Sequence[str]) -> Program:
    """For a group on port 500: IKEv1 to ``pluto`` if it is a member, all else to ``charon``."""
    return (
        Instruction(LD_B, k=VERSION_OFFSET),
        Instruction(RSH, k=4),
        Instruction(JEQ, 0, 1, 1),
        _member(members, "pluto"),
        _member(members, "charon"),
    )


def nat_t_group(members: Sequence[str]) -> Program:
    """For a group on port 4500: ESP to ``espd`` if it is a member, IKE as on port 500.

    A keep-alive is too short for the first load and goes to the first member.
    """
    return (
        Instruction(LD_W, k=0),
        Instruction(JEQ, 1, 0, 0),
        _member(members, "espd"),
        Instruction(LD_B, k=MARKER_SIZE + VERSION_OFFSET),
        Instruction(RSH, k=4),
        Instruction(JEQ, 0, 1, 1),
        _member(members, "pluto"),
        _member(members, "charon"),
    )


def raw_ipv4(port: int, port_nat_t: int, version: int = 2) -> Program:
    """IKE of one major version on either port, from a raw UDP socket.

    Its packets begin with an IPv4 header of any length.
    """
    return (
        Instruction(LDX_MSH, k=0),
        *_raw_ike(port, port_nat_t, version, indexed=True),
    )


def raw_ipv6(port: int, port_nat_t: int, version: int = 2) -> Program:
    """The same for IPv6, whose raw sockets deliver no IP header."""
    return _raw_ike(port, port_nat_t, version, indexed=False)


def raw_esp_ipv4(port_nat_t: int) -> Program:
    """ESP in UDP on the NAT-T port from a raw UDP socket for IPv4: no marker, no keep-alive."""
    return (Instruction(LDX_MSH, k=0), *_raw_esp(port_nat_t, indexed=True))


def raw_esp_ipv6(port_nat_t: int) -> Program:
    """The same for IPv6."""
    return _raw_esp(port_nat_t, indexed=False)


def drop_all() -> Program:
    """Nothing at all, for a socket that is bound but never read."""
    return (Instruction(RET, k=0),)


def attach_to_group(sock: socket.socket, program: Program) -> None:
    """Make ``program`` choose in the reuseport group of ``sock``; raises ``OSError``."""
    attach(sock, program, SO_ATTACH_REUSEPORT_CBPF)


def _raw_ike(port: int, port_nat_t: int, version: int, *, indexed: bool) -> Program:
    half, word, octet = (LD_H_IND, LD_W_IND, LD_B_IND) if indexed else (LD_H, LD_W, LD_B)
    ike = UDP_HEADER_SIZE
    return (
        Instruction(half, k=2),
        Instruction(JEQ, 6, 0, port),
        Instruction(JEQ, 0, 8, port_nat_t),
        Instruction(word, k=ike),
        Instruction(JEQ, 0, 6, 0),
        Instruction(octet, k=ike + MARKER_SIZE + VERSION_OFFSET),
        Instruction(RSH, k=4),
        Instruction(JEQ, 4, 3, version),
        Instruction(octet, k=ike + VERSION_OFFSET),
        Instruction(RSH, k=4),
        Instruction(JEQ, 1, 0, version),
        Instruction(RET, k=0),
        Instruction(RET, k=EVERYTHING),
    )


def _raw_esp(port_nat_t: int, *, indexed: bool) -> Program:
    half, word = (LD_H_IND, LD_W_IND) if indexed else (LD_H, LD_W)
    return (
        Instruction(half, k=2),
        Instruction(JEQ, 0, 2, port_nat_t),
        Instruction(word, k=UDP_HEADER_SIZE),
        Instruction(JEQ, 0, 1, 0),
        Instruction(RET, k=0),
        Instruction(RET, k=EVERYTHING),
    )


def _member(members: Sequence[str], name: str) -> Instruction:
    """Return the place of ``name``, or of charon, or of the first member."""
    for wanted in (name, "charon"):
        if wanted in members:
            return Instruction(RET, k=members.index(wanted))
    return Instruction(RET, k=0)
