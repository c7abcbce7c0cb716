"""A daemon around single jobs that records what it is asked for.

Jobs run at once, what is for later when the test says so; IKE_SAs are snapshots.
"""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from cygnet.base.addresses import Host
from cygnet.base.identities import Identity
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.jobs.installed import Installed
from cygnet.charon.jobs.workplace import Workplace
from cygnet.charon.sa.snapshot import IkeSnapshot
from cygnet.kernel.backends.memory import MemoryKernel
from cygnet.kernel.port import IpProtocol, Mode, SaId
from cygnet.keying.config.records import AddressSpec, AuthConfig, ChildConfig, IkeConfig, PeerConfig
from cygnet.keying.config.settings import DaemonSettings
from cygnet.keying.sa.child_snapshot import ChildSnapshot
from cygnet.keying.sa.events import ChildUp
from cygnet.runtime.bus.bus import Bus

MOON, SUN = Identity.parse("moon.lab"), Identity.parse("sun.lab")
HERE, THERE = Host.of("192.0.2.1", 500), Host.of("192.0.2.2", 500)
LOCAL, REMOTE = (TrafficSelector.of("10.1.0.0/16"),), (TrafficSelector.of("10.2.0.0/16"),)
CHILD = ChildConfig("net", LOCAL, REMOTE)
IKE = IkeConfig(remote=AddressSpec(("192.0.2.2",)))
PEER = PeerConfig("net", IKE, (AuthConfig(identity=MOON),), (AuthConfig(identity=SUN),), (CHILD,))


@dataclass
class Shell:
    """What jobs see. ``sas`` are snapshots by number."""

    settings: DaemonSettings = field(default_factory=DaemonSettings)
    sas: dict[int, IkeSnapshot] = field(default_factory=dict)
    loaded: dict[str, tuple[PeerConfig, ChildConfig]] = field(default_factory=lambda: {"net": (PEER, CHILD)})
    ordered: list[tuple[int, Any]] = field(default_factory=list)
    registered: list[Any] = field(default_factory=list)
    events: list[tuple[float, Any]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    published: list[Any] = field(default_factory=list)
    now: float = 1000.0
    gone: bool = False

    def __post_init__(self) -> None:
        self.kernel = MemoryKernel(addresses=(HERE.address,))
        self.installed = Installed()
        self._count = 0
        manager = SimpleNamespace(
            next_unique_id=self._next,
            register=self._register,
            post=self._post,
            by_name=lambda name: tuple(number for number, sa in self.sas.items() if sa.name == name),
            by_identities=self._by_identities,
            snapshot=self.sas.get,
            unique_ids=lambda: tuple(self.sas),
        )
        bus = Bus()
        bus.log = lambda group, level, text, sa="": self.log.append(text)
        publish, bus.publish = bus.publish, lambda event: (self.published.append(event), publish(event))
        self.place = Workplace(
            manager,
            SimpleNamespace(
                settings=self.settings, kernel=self.kernel, rng=bytes,
                addresses=SimpleNamespace(source=self.kernel.source_address),
            ),
            SimpleNamespace(ticket=self._next),
            bus,
            SimpleNamespace(put=lambda job, sure=False: job.execute()),
            SimpleNamespace(put_in=lambda delay, action: self.events.append((delay, action))),
            lambda text: (Host.of(text, 0).address,) if text[0].isdigit() else (),
            SimpleNamespace(child=self.loaded.get),
            lambda: self.now,
        )

    def later(self) -> list[float]:
        """What was to happen later happens; the delays."""
        due, self.events = self.events, []
        for _, action in due:
            action()
        return [delay for delay, _ in due]

    def orders(self, kind: type) -> list[Any]:
        return [order for _, order in self.ordered if isinstance(order, kind)]

    def said(self, text: str) -> bool:
        return any(text in line for line in self.log)

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _register(self, sa: Any) -> int:
        self.registered.append(sa)
        self.sas[sa.unique_id] = sa.snapshot(self.now)
        return sa.unique_id

    def _post(
        self, number: int, work: Any, priority: Any, name: str, *, sure: bool = False, lost: Any = None
    ) -> bool:
        if self.gone or number not in self.sas:
            return False
        work(SimpleNamespace(command=lambda order, now: self.ordered.append((number, order)) or []))
        return True

    def _by_identities(self, identities: Any) -> tuple[int, ...]:
        return tuple(
            number for number, sa in self.sas.items()
            if sa.identities == identities and sa.established_at is not None
        )  # fmt: skip


def ike_sa(number: int = 1, **changes: Any) -> IkeSnapshot:
    """An established IKE_SA of PEER, initiated by us."""
    facts = {
        "name": "net", "unique_id": number, "state": "ESTABLISHED", "initiator": True, "local": HERE,
        "remote": THERE, "local_id": MOON, "remote_id": SUN, "spi_i": bytes([number] * 8),
        "spi_r": bytes([number + 100] * 8), "proposal": "", "established_at": 10.0 * number + 1,
        "rekey_at": None, "reauth_at": None, "auth": "", "created_at": 10.0 * number, "config": PEER,
    }  # fmt: skip
    return IkeSnapshot(**(facts | changes))


def child_up(
    child_id: int = 1,
    ike_id: int = 1,
    config: ChildConfig = CHILD,
    spis: tuple[int, int] = (0, 0),
    **more: Any,
) -> ChildUp:
    """A CHILD_SA of ``config`` is there; SPIs follow from its number."""
    into, out = spis if any(spis) else (0x100 + child_id, 0x200 + child_id)
    snapshot = ChildSnapshot(
        config.name, child_id, "INSTALLED", Mode.TUNNEL, more.pop("reqid", 1), "ESP", False,
        SaId(THERE.address, HERE.address, IpProtocol.ESP, into),
        SaId(HERE.address, THERE.address, IpProtocol.ESP, out),
        "", more.pop("local_ts", config.local_ts), more.pop("remote_ts", config.remote_ts),
        more.pop("installed_at", 1000.0),
    )  # fmt: skip
    return ChildUp(ike_id, config, snapshot, **more)
