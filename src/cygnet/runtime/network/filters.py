"""Classic BPF programs: which member of a reuseport group, and what a raw socket lets through.

Both tell the IKE versions apart by the high nibble of the header's version octet (RFC 7296, 3.1), and on
the NAT-T port IKE from ESP by the non-ESP marker (RFC 3948, 2.2). A load beyond the packet's end makes a
program return 0: the first member of a group, or nothing from a raw socket.
"""

import ctypes
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

SO_ATTACH_FILTER = getattr(socket, "SO_ATTACH_FILTER", 26)
SO_ATTACH_REUSEPORT_CBPF = getattr(socket, "SO_ATTACH_REUSEPORT_CBPF", 51)

VERSION_OFFSET = 17
MARKER_SIZE = 4
UDP_HEADER_SIZE = 8

_LD_W, _LD_H, _LD_B = 0x20, 0x28, 0x30
_LD_W_IND, _LD_H_IND, _LD_B_IND = 0x40, 0x48, 0x50
_LDX_MSH = 0xB1
_RSH, _JEQ, _RET = 0x74, 0x15, 0x06
_EVERYTHING = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: operation, jumps if true and if false, operand."""

    code: int
    jt: int = 0
    jf: int = 0
    k: int = 0

    def pack(self) -> bytes:
        """As ``struct sock_filter``."""
        return struct.pack("=HBBI", self.code, self.jt, self.jf, self.k)


Program = tuple[Instruction, ...]


def ike_group(members: Sequence[str]) -> Program:
    """For a group on port 500: IKEv1 to ``pluto`` if it is a member, all else to ``charon``."""
    return (
        Instruction(_LD_B, k=VERSION_OFFSET),
        Instruction(_RSH, k=4),
        Instruction(_JEQ, 0, 1, 1),
        _member(members, "pluto"),
        _member(members, "charon"),
    )


def nat_t_group(members: Sequence[str]) -> Program:
    """For a group on port 4500: ESP to ``espd`` if it is a member, IKE as on port 500.

    A keep-alive is too short for the first load and goes to the first member.
    """
    return (
        Instruction(_LD_W, k=0),
        Instruction(_JEQ, 1, 0, 0),
        _member(members, "espd"),
        Instruction(_LD_B, k=MARKER_SIZE + VERSION_OFFSET),
        Instruction(_RSH, k=4),
        Instruction(_JEQ, 0, 1, 1),
        _member(members, "pluto"),
        _member(members, "charon"),
    )


def raw_ipv4(port: int, port_nat_t: int, version: int = 2) -> Program:
    """IKE of one major version on either port, from a raw UDP socket.

    Its packets begin with an IPv4 header of any length.
    """
    return (
        Instruction(_LDX_MSH, k=0),
        *_raw_ike(port, port_nat_t, version, indexed=True),
    )


def raw_ipv6(port: int, port_nat_t: int, version: int = 2) -> Program:
    """The same for IPv6, whose raw sockets deliver no IP header."""
    return _raw_ike(port, port_nat_t, version, indexed=False)


def raw_esp_ipv4(port_nat_t: int) -> Program:
    """ESP in UDP on the NAT-T port from a raw UDP socket for IPv4: no marker, no keep-alive."""
    return (Instruction(_LDX_MSH, k=0), *_raw_esp(port_nat_t, indexed=True))


def raw_esp_ipv6(port_nat_t: int) -> Program:
    """The same for IPv6."""
    return _raw_esp(port_nat_t, indexed=False)


def drop_all() -> Program:
    """Nothing at all, for a socket that is bound but never read."""
    return (Instruction(_RET, k=0),)


def attach(sock: socket.socket, program: Program) -> None:
    """Make ``program`` the filter of ``sock``; raises ``OSError``."""
    _set(sock, SO_ATTACH_FILTER, program)


def attach_to_group(sock: socket.socket, program: Program) -> None:
    """Make ``program`` choose in the reuseport group of ``sock``; raises ``OSError``."""
    _set(sock, SO_ATTACH_REUSEPORT_CBPF, program)


def _raw_ike(port: int, port_nat_t: int, version: int, *, indexed: bool) -> Program:
    half, word, octet = (_LD_H_IND, _LD_W_IND, _LD_B_IND) if indexed else (_LD_H, _LD_W, _LD_B)
    ike = UDP_HEADER_SIZE
    return (
        Instruction(half, k=2),
        Instruction(_JEQ, 6, 0, port),
        Instruction(_JEQ, 0, 8, port_nat_t),
        Instruction(word, k=ike),
        Instruction(_JEQ, 0, 6, 0),
        Instruction(octet, k=ike + MARKER_SIZE + VERSION_OFFSET),
        Instruction(_RSH, k=4),
        Instruction(_JEQ, 4, 3, version),
        Instruction(octet, k=ike + VERSION_OFFSET),
        Instruction(_RSH, k=4),
        Instruction(_JEQ, 1, 0, version),
        Instruction(_RET, k=0),
        Instruction(_RET, k=_EVERYTHING),
    )


def _raw_esp(port_nat_t: int, *, indexed: bool) -> Program:
    half, word = (_LD_H_IND, _LD_W_IND) if indexed else (_LD_H, _LD_W)
    return (
        Instruction(half, k=2),
        Instruction(_JEQ, 0, 2, port_nat_t),
        Instruction(word, k=UDP_HEADER_SIZE),
        Instruction(_JEQ, 0, 1, 0),
        Instruction(_RET, k=0),
        Instruction(_RET, k=_EVERYTHING),
    )


def _member(members: Sequence[str], name: str) -> Instruction:
    """Return the place of ``name``, or of charon, or of the first member."""
    for wanted in (name, "charon"):
        if wanted in members:
            return Instruction(_RET, k=members.index(wanted))
    return Instruction(_RET, k=0)


def _set(sock: socket.socket, option: int, program: Program) -> None:
    code = ctypes.create_string_buffer(b"".join(instruction.pack() for instruction in program))
    sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("@HP", len(program), ctypes.addressof(code)))
