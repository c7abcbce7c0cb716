"""Writes down what crosses a wire until SIGTERM: ``wiretap.py DEVICE FILE``. Needs nothing but Python."""

import collections
import signal
import socket
import sys
from pathlib import Path

ETH_P_ALL = 3
EXCHANGES = {34: "IKE_SA_INIT", 35: "IKE_AUTH", 36: "CREATE_CHILD_SA", 37: "INFORMATIONAL"}
LISTED = 12
"""Only so many packets are listed; all are counted."""


class Finished(Exception):  # noqa: N818
    """SIGTERM arrived."""


def main() -> int:
    device, report = sys.argv[1], Path(sys.argv[2])
    signal.signal(signal.SIGTERM, _finish)
    lines: list[str] = []
    counts: collections.Counter[str] = collections.Counter()
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL)) as tap:
        tap.bind((device, ETH_P_ALL))
        report.touch()
        try:
            while True:
                packet = tap.recv(65535)
                if packet[0] >> 4 == 4 and (what := describe(packet)):
                    counts[what[0]] += 1
                    lines.append(f"  {address(packet, 12)} > {address(packet, 16)}  {what[1]}")
        except Finished:
            pass
    total = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    more = [f"  … and {len(lines) - LISTED} more"] if len(lines) > LISTED else []
    verdict = f"Together: {total}; {counts['ICMP'] or 'no'} ICMP in the clear."
    report.write_text("\n".join([*lines[:LISTED], *more, verdict]) + "\n")
    return 0


def describe(packet: bytes) -> tuple[str, str] | None:
    """Kind and one line about an IPv4 packet; ``None`` for what does not matter here (ARP and the like)."""
    protocol, body = packet[9], packet[(packet[0] & 15) * 4 :]
    if protocol == socket.IPPROTO_ICMP:
        return "ICMP", f"ICMP in the clear, {len(packet)} octets"
    if protocol == socket.IPPROTO_ESP:
        return esp(body)
    if protocol != socket.IPPROTO_UDP:
        return None
    ports, body = {int.from_bytes(body[:2]), int.from_bytes(body[2:4])}, body[8:]
    if 4500 in ports and body[:4] != bytes(4):
        return esp(body) if len(body) > 8 else None
    if ports & {500, 4500}:
        body = body[4:] if 4500 in ports else body
        direction = "response" if body[19] & 0x20 else "request"
        return "IKE", f"IKE  {EXCHANGES.get(body[18], body[18])} {direction}, {len(packet)} octets"
    return None


def esp(body: bytes) -> tuple[str, str]:
    spi, sequence = int.from_bytes(body[:4]), int.from_bytes(body[4:8])
    return "ESP", f"ESP  SPI {spi:08x}, sequence number {sequence}, {len(body)} octets: {body[8:24].hex()}…"


def address(packet: bytes, offset: int) -> str:
    return socket.inet_ntoa(packet[offset : offset + 4])


def _finish(*_: object) -> None:
    raise Finished


if __name__ == "__main__":
    sys.exit(main())
