"""The UDP sockets of a load test: each stands for every initiator behind one address and port."""

import socket
from collections.abc import Iterator

from cygnet.base.addresses import Host
from cygnet.base.errors import LocalError

NON_ESP_MARKER = bytes(4)
BUFFER = 8 << 20
BATCH = 64
"""Datagrams read from one socket before others have their turn."""
_LARGEST = 65535
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
_RCVBUFFORCE, _SNDBUFFORCE = 33, 32  # Python has no names for them


class Wire:
    """One socket towards one responder.

    Where NAT traversal moves an IKE_SA to ``nat_t_port`` the same socket serves: what goes there and what
    comes from there has the non-ESP marker (RFC 7296, 2.23). ESP that comes is dropped.
    """

    def __init__(self, source: Host, target: Host, nat_t_port: int) -> None:
        """Raises :class:`LocalError` when the address or port cannot be had."""
        self._nat_t_port = nat_t_port
        self._target = str(target.address)
        self._socket = socket.socket(_FAMILIES[target.family], socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._socket.bind((str(source.address), source.port))
        except OSError as error:
            self._socket.close()
            raise LocalError(f"cannot send from {source.with_brackets()}: {error.strerror}") from error
        self._enlarge()
        self.local = Host(source.address, self._socket.getsockname()[1])
        """Where its messages come from."""
        self._floated = self.local.with_port(nat_t_port)
        self._remote, self._remote_floated = target, target.with_port(nat_t_port)
        self.blocked = 0
        """Datagrams that the kernel did not take at once; retransmission makes good for them."""

    def fileno(self) -> int:
        """For polling."""
        return self._socket.fileno()

    def send(self, destination: Host, data: bytes) -> None:
        """Send one IKE message; raises ``OSError`` when there is no way to the host."""
        marked = NON_ESP_MARKER + data if destination.port == self._nat_t_port else data
        try:
            self._socket.sendto(marked, (str(destination.address), destination.port))
        except (BlockingIOError, ConnectionRefusedError):
            self.blocked += 1

    def read(self) -> Iterator[tuple[bytes, Host, Host]]:
        """Messages that wait, each with its source and destination as the IKE_SA knows them."""
        for _ in range(BATCH):
            try:
                data, source = self._socket.recvfrom(_LARGEST)
            except (BlockingIOError, ConnectionRefusedError):
                return
            if source[0] != self._target:
                continue
            if source[1] == self._remote.port != self._nat_t_port:
                yield data, self._remote, self.local
            elif source[1] == self._nat_t_port and data.startswith(NON_ESP_MARKER):
                yield data[len(NON_ESP_MARKER) :], self._remote_floated, self._floated

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _enlarge(self) -> None:
        """Large buffers, beyond the host's limit where we may: a lost answer would look like a slow one."""
        for forced, option in ((_RCVBUFFORCE, socket.SO_RCVBUF), (_SNDBUFFORCE, socket.SO_SNDBUF)):
            try:
                self._socket.setsockopt(socket.SOL_SOCKET, forced, BUFFER)
            except OSError:
                self._socket.setsockopt(socket.SOL_SOCKET, option, BUFFER)
