"""A small machine that runs classic BPF programs."""

from cygnet.wire.bpf import Program

SIZES = {0x20: 4, 0x28: 2, 0x30: 1, 0x40: 4, 0x48: 2, 0x50: 1}


def run(program: Program, packet: bytes) -> int:
    """Run a program; the operations that ours use, as the kernel defines them."""
    a = x = at = 0
    while True:
        op, at = program[at], at + 1
        if op.code in SIZES:
            start = op.k + (x if op.code >= 0x40 else 0)
            if start + SIZES[op.code] > len(packet):
                return 0
            a = int.from_bytes(packet[start:start + SIZES[op.code]], "big")
        elif op.code == 0xB1:
            if op.k >= len(packet):
                return 0
            x = (packet[op.k] & 0x0F) * 4
        elif op.code == 0x74:
            a >>= op.k
        elif op.code == 0x15:
            at += op.jt if a == op.k else op.jf
        else:
            assert op.code == 0x06
            return op.k
