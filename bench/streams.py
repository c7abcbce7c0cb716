"""The ends of a stream through a tunnel: ``take`` and ``give`` for TCP, ``count`` and ``pour`` for UDP."""

import socket
import sys
import time
from ipaddress import ip_address

PORT = 5001
BLOCK = 1 << 18
PATIENCE_S = 20.0
SLICE_S = 0.002
"""Datagrams are sent in small groups, so that neither end sleeps for each."""
QUIET_S = 1.0


def take(own: str) -> tuple[float, float]:
    """Octets of one connection, and the seconds from the first to the last."""
    with socket.create_server((own, PORT)) as server:
        server.settimeout(PATIENCE_S)
        print("ready", flush=True)
        stream, _ = server.accept()
    with stream:
        room = bytearray(BLOCK)
        octets, began = stream.recv_into(room), time.monotonic()
        while more := stream.recv_into(room):
            octets += more
        return octets, time.monotonic() - began


def give(own: str, peer: str, seconds: str) -> None:
    """As much as TCP takes."""
    data, end = bytes(BLOCK), time.monotonic() + float(seconds)
    with socket.create_connection((peer, PORT), PATIENCE_S, (own, 0)) as stream:
        while time.monotonic() < end:
            stream.sendall(data)


def count(own: str) -> tuple[float, float]:
    """Datagrams until none comes any more; how long that took."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stream:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        stream.bind((own, PORT))
        stream.settimeout(PATIENCE_S)
        print("ready", flush=True)
        datagrams, began = 0, time.monotonic()
        room = bytearray(BLOCK)
        try:
            while stream.recv_into(room):
                datagrams += 1
                stream.settimeout(QUIET_S)
        except TimeoutError:
            return datagrams, time.monotonic() - began


def pour(own: str, peer: str, size: str, rate: str, seconds: str, targets: str = "1") -> float:
    """Datagrams with so many octets at a rate per second, one system call each; how many were sent.

    They go to so many addresses in turn, from ``peer`` on.
    """
    data, sent, began = bytes(int(size)), 0, time.monotonic()
    first = ip_address(peer)
    peers = [(str(first + number), PORT) for number in range(int(targets))]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stream:
        stream.bind((own, 0))
        while (gone := time.monotonic() - began) < float(seconds):
            while sent < gone * float(rate):
                stream.sendto(data, peers[sent % len(peers)])
                sent += 1
            time.sleep(SLICE_S)
    return sent


if __name__ == "__main__":
    does = {"take": take, "give": give, "count": count, "pour": pour}[sys.argv[1]]
    print(does(*sys.argv[2:]), flush=True)
