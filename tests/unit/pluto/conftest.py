"""A pluto in this process, over a core that only pretends: it is up with the first answer."""

import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from cygnet.base.addresses import Host
from cygnet.base.effects import Announce, Effect, Retire, Schedule, Send
from cygnet.base.errors import LocalError
from cygnet.ctl.whack import Listen, Policy, Request, Status
from cygnet.ctl.whack_lines import conversation
from cygnet.kernel.port import Mode
from cygnet.keying.sa.routed import Routed
from cygnet.pluto.backends.connections import Connection
from cygnet.pluto.daemon import Daemon, Invocation
from cygnet.pluto.jobs.core import (
    ChildPicture,
    Create,
    Decision,
    Dispatch,
    Drop,
    Establish,
    Finished,
    Order,
    Picture,
    Progress,
    Reply,
    Sa,
    Terminate,
)
from cygnet.runtime.network.datagrams import Datagram

ESP_POLICY = int(Policy.PSK | Policy.ENCRYPT | Policy.TUNNEL)


def message(cookie_i: bytes, cookie_r: bytes, version: int = 0x10) -> bytes:
    """An ISAKMP header without payloads."""
    return cookie_i + cookie_r + bytes((0, version, 2, 0)) + bytes(4) + (28).to_bytes(4, "big")


class FakeSa:
    """Phase 1 and phase 2 in one datagram each way."""

    def __init__(
        self, core: "FakeCore", number: int, connection: Connection | None, hosts: tuple[Host, Host]
    ) -> None:
        self.unique_id = number
        self.spi_local = number.to_bytes(8, "big")
        self._core, self._connection, self._local, self._remote = core, connection, *hosts
        self._up, self._ticket = connection is None, 0
        self.gone = False

    def begin(self, now: float) -> list[Effect]:
        return []

    def receive(self, datagram: Datagram, now: float) -> list[Effect]:
        self._core.heard.append(datagram.data)
        if datagram.data[8:16] == b"explode!":
            raise RuntimeError("a bug")
        if self._up:
            return [Send(datagram.destination, datagram.source, datagram.data)]
        self._up = True
        return [
            self._progress(4, "STATE_QUICK_I2: sent QI2, IPsec SA established"),
            Announce(Finished(self._ticket, True, 4, "IPsec SA established")),
        ]

    def command(self, order: Order, now: float) -> list[Effect]:
        if isinstance(order, Terminate):
            self.gone = True
            return [Announce(Finished(order.ticket, True, 4, "deleted")), Retire("deleted")]
        assert isinstance(order, Establish)
        self._ticket = order.ticket
        data = message(self.spi_local, bytes(8))
        return [
            self._progress(102, "STATE_MAIN_I1: initiate"),
            Send(self._local, self._remote, data),
            Schedule(self._core.give_up_s, "give up"),
        ]

    def expire(self, timer: Any, now: float) -> list[Effect]:
        if self._up:
            return []
        self.gone = True
        reason = "max number of retransmissions (0) reached"
        return [Announce(Finished(self._ticket, False, 31, reason)), Retire(reason)]

    def abandon(self, now: float) -> list[Effect]:
        return []

    def snapshot(self, now: float) -> Picture:
        name = self._connection.name if self._connection else "(unnamed)"
        child = ChildPicture(
            self.unique_id + 100, name, "STATE_QUICK_I2", "sent QI2, IPsec SA established", "INSTALLED",
            "TUNNEL", "ESP", 1, 0xC1, 0xC2, "10.1.0.0/16", "10.2.0.0/16", "AES_CBC_128/HMAC_SHA1_96",
        )  # fmt: skip
        return Picture(
            self.unique_id, name, self._connection.instance if self._connection else 0,
            "STATE_MAIN_I4" if self._up else "STATE_MAIN_I1",
            "ISAKMP SA established" if self._up else "sent MI1, expecting MR1",
            "ESTABLISHED" if self._up else "CONNECTING", True, self._local, self._remote,
            children=(child,) if self._up and self._connection else (),
        )  # fmt: skip

    @property
    def label(self) -> str:
        return self._connection.label if self._connection else ""

    def _progress(self, code: int, text: str) -> Effect:
        return Announce(Progress(self.unique_id, self.unique_id, self.label, code, text))


class FakeCore:
    """What cookies say: those of ours find their SA, a new initiator's makes one, ``reply`` is answered."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.caught: list[str] = []
        self.kept: list[str] = []
        self.loaded: list[str] = []
        self.give_up_s = 30.0
        self.made: list[FakeSa] = []

    def decide(self, datagram: Datagram, now: float) -> Decision:
        ours = int.from_bytes(datagram.data[:8], "big")
        if datagram.data[:8] == b"no-state":
            return Reply(b"answered", "stateless")
        if datagram.data[8:16] == bytes(8):
            return Create(datagram.data[:8])
        return Dispatch(ours) if ours < 1000 else Drop("unknown_cookie")

    def responder(self, unique_id: int, cookie: bytes, datagram: Datagram) -> Sa:
        return FakeSa(self, unique_id, None, (datagram.destination, datagram.source))

    def initiator(self, unique_id: int, connection: Connection) -> Sa:
        assert connection.local is not None and connection.remote is not None
        hosts = Host.of("127.0.0.1", self.port), Host.of("127.0.0.1", connection.remote.ikeport)
        self.made.append(FakeSa(self, unique_id, connection, hosts))
        return self.made[-1]

    def usable(self, connection: Connection) -> int | None:
        label = connection.label
        found = (one.unique_id for one in reversed(self.made) if one.label == label and not one.gone)
        return next(found, None)

    def load(self, connection: Connection) -> Sequence[str]:
        if connection.message.ike == "nonsense":
            raise LocalError("ike=nonsense is no proposal")
        self.loaded.append(connection.name)
        return ()

    def forget(self, name: str) -> None:
        self.loaded.remove(name)

    def keep(self, connection: Connection) -> None:
        self.kept.append(connection.label)

    def wanted(self, connection: Connection) -> None:
        pass

    def cancel(self, label: str) -> bool:
        return False

    def routed(self) -> Sequence[Routed]:
        return [Routed(name.strip('"'), 1, 1, Mode.TUNNEL, (), ()) for name in self.caught]

    def route(self, connection: Connection) -> None:
        self.caught.append(connection.label)

    def unroute(self, connection: Connection) -> None:
        if connection.label in self.caught:
            self.caught.remove(connection.label)

    port = 0


class Pluto:
    """The daemon, a peer's socket, and whack."""

    def __init__(self, run: Path, core: FakeCore) -> None:
        self.ended = Event()
        self.core = core
        self.peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.peer.bind(("127.0.0.1", 0))
        self.peer.settimeout(5)
        self.daemon = Daemon(Invocation(ctlbase=str(run / "pluto")), self.ended.set, core)
        self._path = str(run / "pluto.ctl")
        self.daemon.start()
        status = [line for line in self.whack_lines("interface ") if ":" in line]
        self.port = self.core.port = int(status[0].rpartition(":")[2])

    @property
    def peer_port(self) -> int:
        return int(self.peer.getsockname()[1])

    def whack(self, *requests: Request) -> tuple[int, list[str]]:
        """Exit status and lines."""
        lines: list[str] = []
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
            stream.settimeout(10)
            stream.connect(self._path)
            code, _ = conversation(requests)(stream, lines.append, lambda _: "", lambda: None)
        return code, lines

    def whack_lines(self, word: str) -> list[str]:
        return [line for line in self.whack(Status(all=True))[1] if word in line]

    def send(self, data: bytes) -> None:
        self.peer.sendto(data, ("127.0.0.1", self.port))

    def close(self) -> None:
        self.daemon.stop()
        self.peer.close()


Start = Callable[..., Pluto]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start a pluto."""
    monkeypatch.setenv("CYGNET_CONFDIR", str(tmp_path))
    monkeypatch.setenv("CYGNET_RUNDIR", str(tmp_path))
    monkeypatch.delenv("CYGNET_SOCKETS", raising=False)
    (tmp_path / "strongswan.conf").write_text("pluto { socket = udp\n port = 0\n port_nat_t = 0 }\n")
    started: list[Pluto] = []

    def begin(core: FakeCore) -> Pluto:
        started.append(Pluto(tmp_path, core))
        return started[-1]

    yield begin
    for pluto in started:
        pluto.close()


@pytest.fixture
def pluto(start: Start) -> Pluto:
    """One with the pretending core, that listens."""
    made = start(FakeCore())
    made.whack(Listen())
    return made
