"""Classic BPF: the instructions of socket filters, and giving a program to a socket.

A load beyond the packet's end makes a program return 0. Loads are in network order.
"""

import ctypes
import struct
from dataclasses import dataclass
from typing import Protocol

SOL_SOCKET = 1
SO_ATTACH_FILTER = 26
SO_ATTACH_REUSEPORT_CBPF = 51

LD_W, LD_H, LD_B = 0x20, 0x28, 0x30
LD_W_IND, LD_H_IND, LD_B_IND = 0x40, 0x48, 0x50
LDX_MSH = 0xB1
RSH, JEQ, RET = 0x74, 0x15, 0x06
EVERYTHING = 0xFFFFFFFF


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


class Socket(Protocol):
    """What takes a program."""

    def setsockopt(self, level: int, option: int, value: bytes, /) -> None:
        """As of ``socket.socket``."""


def attach(sock: Socket, program: Program, option: int = SO_ATTACH_FILTER) -> None:
    """Give ``program`` to ``sock``, as its filter unless ``option`` says otherwise; raises ``OSError``."""
    code = ctypes.create_string_buffer(b"".join(instruction.pack() for instruction in program))
    sock.setsockopt(SOL_SOCKET, option, struct.pack("@HP", len(program), ctypes.addressof(code)))
