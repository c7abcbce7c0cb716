"""A CHILD_SA: what was negotiated, and how it stands in the kernel (RFC 7296, 1.3, 2.8, 2.9)."""

from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from cygnet.base.addresses import Address
from cygnet.base.records import record
from cygnet.base.secret import Secret
from cygnet.base.selectors import TrafficSelector, pairs
from cygnet.crypto.proposals import Proposal, Protocol, Transform
from cygnet.crypto.tables import TransformType
from cygnet.crypto.transforms import summary
from cygnet.kernel.port import (
    Algorithm,
    Compression,
    Direction,
    Encapsulation,
    Interface,
    IpProtocol,
    Kernel,
    KernelError,
    Lifetime,
    Mode,
    PolicyMove,
    PolicySpec,
    SaId,
    SaMove,
    SaSpec,
)
from cygnet.keying.config.records import ChildConfig
from cygnet.keying.sa.bindings import if_ids, marks_with, open_interface
from cygnet.keying.sa.child_keys import ChildKeys, ciphers_of
from cygnet.keying.sa.child_snapshot import ChildSnapshot
from cygnet.keying.sa.child_states import ChildState, check_child_move
from cygnet.keying.sa.esp_path import Path
from cygnet.keying.sa.marks import NO_MARKS


@record
class Agreed:
    """What both sides agreed on, from our point of view. ``spi_out`` is the peer's SPI.

    ``pads``: the peer takes TFC padding. ``compression`` has the peer's CPI. ``original`` are the
    addresses that the peer writes into transport mode packets, where NATs change them.
    """

    proposal: Proposal
    mode: Mode
    local_ts: tuple[TrafficSelector, ...]
    remote_ts: tuple[TrafficSelector, ...]
    spi_out: int
    pads: bool = True
    compression: Compression | None = None
    original: tuple[Address, Address] | None = None


class ChildSa:
    """One CHILD_SA. It holds an inbound SPI from its making on; keys only pass through to the kernel.

    The reqid, the SPI and the CPI (``cpi_in``, 0 for none) are released with :meth:`remove`, which may come
    at any time, and twice.
    """

    def __init__(self, unique_id: int, config: ChildConfig, reqid: int, path: Path, spi_in: int) -> None:
        self.unique_id = unique_id
        self.config = config
        self.protocol = config.protocol
        self.reqid = reqid
        self.path = path
        self.made_on = path
        self.hosts: tuple[tuple[Address, ...], tuple[Address, ...]] | None = None  # that dynamic meant
        self.spi_in = spi_in
        self.cpi_in = 0
        self.marks = NO_MARKS
        self.state = ChildState.CREATED
        self.agreed: Agreed | None = None
        self.installed_at = 0.0
        self.rekey_at: float | None = None
        self.expire_at: float | None = None
        self.counted = False  # whether the reqid is to be released
        self.initiated = False  # made at our request
        self.active_at = 0.0  # when it was last known to carry a packet
        self.behind = 0  # the outbound SPI of an older one that sends while it is there
        self.renewal = False  # made by a rekeying
        self.unwanted = False  # to be deleted by order, and what a rekeying makes of it too
        self.again = False  # being deleted, with another one to be made then
        self.replaced_by = 0  # the CHILD_SA whose rekeying made this one redundant
        self.timers: dict[Any, float] = {}  # of the core, set for this CHILD_SA, with when they are due
        self._pending: SaSpec | None = None  # outbound, not installed yet
        self._policies: tuple[PolicySpec, ...] = ()
        self._outbound = False
        self._holds_cpi = False  # whether the inbound SA has it
        self._interface: Interface | None = None
        self._gone = False

    def move_to(self, state: ChildState) -> ChildState:
        """Change the state, which the table must allow; returns the old one."""
        check_child_move(self.state, state)
        old, self.state = self.state, state
        return old

    @property
    def spi_octets(self) -> bytes:
        """Our inbound SPI as it travels."""
        return self.spi_in.to_bytes(4, "big")

    @property
    def ike_protocol(self) -> Protocol:
        """The same as Delete payloads and notifies have it (RFC 7296, 3.3.1)."""
        return Protocol.AH if self.protocol is IpProtocol.AH else Protocol.ESP

    @property
    def carries(self) -> bool:
        """Whether traffic can arrive through it."""
        return self.state in _CARRYING

    @property
    def sends(self) -> bool:
        """Whether traffic leaves through it, not through an older one that it stands behind."""
        return self._outbound and not self.behind

    @property
    def inbound(self) -> SaId:
        """What names the inbound SA."""
        return self._inbound(self.path)

    @property
    def outbound(self) -> SaId:
        """What names the outbound SA, SPI 0 while there is none."""
        return self._outbound_on(self.path)

    @property
    def names(self) -> tuple[SaId, SaId]:
        """What names both directions, inbound first."""
        return self.inbound, self.outbound

    def install(
        self, kernel: Kernel, agreed: Agreed, keys: ChildKeys, lifetime: Lifetime, *,
        exchange_initiator: bool, at_once: bool = False,
    ) -> None:  # fmt: skip
        """Install the inbound SA; the outbound one too if ``at_once``, else :meth:`install_outbound` does.

        ``exchange_initiator``: we sent the request of the exchange that made it.
        """
        self.agreed, self.made_on = agreed, self.path
        self._interface = open_interface(kernel, self.config, *self.path.addresses)
        self.marks = marks_with(self.marks, self._interface)
        pair_i, pair_r = (keys.encryption_i, keys.integrity_i), (keys.encryption_r, keys.integrity_r)
        outbound, inbound = (pair_i, pair_r) if exchange_initiator else (pair_r, pair_i)
        self._pending = self._spec(False, outbound, lifetime)
        if agreed.compression is None:
            self._release_cpi(kernel)
        self._install(kernel, (self._spec(True, inbound, lifetime),), outbound=at_once)
        self._holds_cpi = self.cpi_in != 0

    def install_outbound(self, kernel: Kernel, behind: int = 0) -> None:
        """Install the outbound SA and the policies; from now on traffic goes out through it.

        Not yet where it stands ``behind`` the one with this outbound SPI, while that is there. Then the
        policies, which say so, come first: those of the older one lead to the newest SA.
        """
        if self._pending is None:
            return
        self.behind = behind
        if behind:
            policies = self._policy_specs()
            kernel.install((), policies)
            self._policies = policies
        self._install(kernel, (), outbound=True)

    def _install(self, kernel: Kernel, inbound: tuple[SaSpec, ...], *, outbound: bool) -> None:
        """In one request, since each costs as much as everything in it."""
        pending = (self._pending,) if outbound and self._pending is not None else ()
        policies = self._policy_specs() if pending and not self._policies else ()
        kernel.install((*inbound, *pending), policies)
        if pending:
            self._pending, self._outbound, self._policies = None, True, self._policies + policies

    def remove(self, kernel: Kernel, *, linger: bool = False) -> None:
        """Take everything out of the kernel again; with ``linger`` all but the inbound SA."""
        if self._gone:
            return
        self._gone = True
        policies, self._policies = self._policies, ()
        sas = () if linger else (self.inbound,)
        with ExitStack() as steps:  # the last one first, and all of them even where one is refused
            if self._interface is not None:
                steps.callback(kernel.close_interface, self._interface)
            steps.callback(self._release_cpi, kernel)
            steps.callback(kernel.remove, policies[::-1], (self.outbound, *sas) if self._outbound else sas)

    def forget_kernel(self) -> None:
        """The kernel lost everything: there is nothing to remove, and what is equal is another's."""
        self._gone, self._policies, self._outbound, self._pending = True, (), False, None
        self.behind, self.cpi_in, self._holds_cpi = 0, 0, False

    def stand_behind(self, kernel: Kernel, behind: int) -> None:
        """Have traffic leave through the SA with this outbound SPI while it is there, or (0) through this."""
        if self._outbound and self.behind != behind:
            before, self.behind = self.behind, behind
            try:
                self._migrate(kernel, ())
            except KernelError:
                self.behind = before
                raise

    def move(self, kernel: Kernel, path: Path) -> None:
        """Follow the hosts to other addresses or ports (RFC 7296, 2.23; RFC 4555, 3.5).

        Raises :class:`KernelError` if that cannot be: then the SAs or the policies are where they were.
        """
        if path == self.path or self._gone:
            return
        before, self.path = self.path, path
        if self.agreed is None:
            if before.addresses != path.addresses:
                kernel.delete_sa(self._inbound(before))  # a reservation, which has no use for its address
            return
        try:
            self._migrate(kernel, self._moves(before))
            if before.addresses != path.addresses:
                self._move_interface(kernel)
        except KernelError:
            self.path = before
            raise
        if self._pending is not None:
            self._pending = replace(self._pending, id=self.outbound, encapsulation=self._encapsulation(False))

    def _moves(self, before: Path) -> tuple[SaMove, ...]:
        """Of the SAs that there are, to where the path leads now."""
        moves = [(self._inbound(before), self.inbound, True)]
        if self._outbound:
            moves.append((self._outbound_on(before), self.outbound, False))
        ports = self._encapsulation
        return tuple(SaMove(old, new, ports(way), ports(way, before)) for old, new, way in moves)

    def _migrate(self, kernel: Kernel, sas: tuple[SaMove, ...]) -> None:
        policies = self._policy_specs() if self._policies else ()
        both = zip(self._policies, policies, strict=True)
        kernel.migrate(sas, tuple(PolicyMove(*pair) for pair in both if pair[0] != pair[1]))
        self._policies = policies

    def snapshot(self) -> ChildSnapshot:
        """A picture for status commands."""
        agreed = self.agreed
        return ChildSnapshot(
            self.config.name,
            self.unique_id,
            self.state.value,
            agreed.mode if agreed else self.config.mode,
            self.reqid,
            self.protocol.name,
            self._encapsulation(True) is not None,
            self.inbound,
            self.outbound,
            proposal_text(agreed.proposal) if agreed else "",
            agreed.local_ts if agreed else self.config.local_ts,
            agreed.remote_ts if agreed else self.config.remote_ts,
            self.installed_at,
            self.rekey_at,
            self.expire_at,
            (self.cpi_in, agreed.compression.cpi) if agreed and agreed.compression else (),
            self.marks,
        )

    def __str__(self) -> str:
        return f"{self.config.name}{{{self.unique_id}}}"

    @property
    def selectors_text(self) -> str:
        """``10.1.0.0/16 === 10.2.0.0/16``."""
        if self.agreed is None:
            return ""
        local, remote = self.agreed.local_ts, self.agreed.remote_ts
        return f"{' '.join(map(str, local))} === {' '.join(map(str, remote))}"

    @property
    def spis_text(self) -> str:
        """``c1234567_i c7654321_o``."""
        return f"{self.spi_in:08x}_i {self.outbound.spi:08x}_o"

    def _inbound(self, path: Path) -> SaId:
        return SaId(path.remote.address, path.local.address, self.protocol, self.spi_in)

    def _outbound_on(self, path: Path) -> SaId:
        spi = self.agreed.spi_out if self.agreed else 0
        return SaId(path.local.address, path.remote.address, self.protocol, spi)

    def _spec(self, inbound: bool, keys: tuple[Secret, Secret], lifetime: Lifetime) -> SaSpec:
        agreed = self.agreed
        assert agreed is not None, "install sets it"
        encryption, integrity = ciphers_of(agreed.proposal)
        esn = agreed.proposal.chosen(TransformType.ESN)
        config = self.config
        return SaSpec(
            self.inbound if inbound else self.outbound,
            self.reqid,
            agreed.mode,
            inbound,
            Algorithm(encryption.number, encryption.key_bits, keys[0]) if encryption else None,
            self._integrity(integrity, keys[1]) if integrity else None,
            lifetime if inbound else replace(lifetime, soft_s=0, hard_s=lifetime.hard_s),
            self._encapsulation(inbound),
            config.replay_window,
            esn is not None and esn.number == 1,
            0 if inbound or not agreed.pads else config.tfc,
            None if inbound else self.marks.out,
            config.copy_dscp,
            self._compression(inbound, agreed),
            agreed.original if inbound else None,
            local_ts=agreed.local_ts,
            remote_ts=agreed.remote_ts,
            if_id=self._if_ids[0 if inbound else 1],
            output_mark=config.binding.set_mark_in if inbound else config.binding.set_mark_out,
            offload=config.binding.offload,
        )

    @property
    def _if_ids(self) -> tuple[int, int]:
        return if_ids(self.config.binding, self._interface)

    def _integrity(self, transform: Transform, key: Secret) -> Algorithm:
        return Algorithm(transform.number, transform.key_bits, key, self.icv_bits(transform))

    def icv_bits(self, integrity: Transform | None) -> int:
        """What the code is cut to (``sha256_96``), 0 for its own length."""
        cut = self.config.sha256_96 and integrity is not None and integrity.number == _SHA256
        return _CUT_BITS if cut else 0

    def _encapsulation(self, inbound: bool, path: Path | None = None) -> Encapsulation | None:
        """AH is never inside UDP."""
        return (path or self.path).encapsulation(inbound) if self.protocol is IpProtocol.ESP else None

    def _compression(self, inbound: bool, agreed: Agreed) -> Compression | None:
        """Each direction has the CPI of its receiver."""
        if agreed.compression is None or not inbound:
            return agreed.compression
        return replace(agreed.compression, cpi=self.cpi_in)

    def _release_cpi(self, kernel: Kernel) -> None:
        """What no SA has got is given back; the kernel frees the CPI of an SA with it."""
        if self.cpi_in and not self._holds_cpi:
            kernel.release_cpi(self.path.remote.address, self.path.local.address, self.cpi_in)
        self.cpi_in = 0

    def _policy_specs(self) -> tuple[PolicySpec, ...]:
        """One policy for each direction of each pair of selectors that can go together (RFC 4301, 4.4.1)."""
        agreed = self.agreed
        assert agreed is not None, "install sets it"
        if not self.config.install_policies:
            return ()
        specs: list[PolicySpec] = []
        for ours, theirs in pairs(agreed.local_ts, agreed.remote_ts):
            specs.append(self._policy(Direction.OUT, ours, theirs, agreed))
            specs.append(self._policy(Direction.IN, theirs, ours, agreed))
            if agreed.mode is not Mode.TRANSPORT:
                specs.append(self._policy(Direction.FORWARD, theirs, ours, agreed))
        return tuple(specs)

    def _policy(
        self, direction: Direction, source: TrafficSelector, destination: TrafficSelector, agreed: Agreed
    ) -> PolicySpec:
        out, (local, remote) = direction is Direction.OUT, self.path.addresses
        return PolicySpec(
            direction,
            source,
            destination,
            agreed.mode,
            self.reqid,
            *((local, remote) if out else (remote, local)),
            protocol=self.protocol,
            mark=self.marks.out if out else self.marks.into,
            compression=agreed.compression is not None,
            next_spi=self.behind if out else 0,
            if_id=self._if_ids[1 if out else 0],
            offload=self.config.binding.offload,
        )

    def _move_interface(self, kernel: Kernel) -> None:
        """A VTI is between two hosts."""
        if self._interface is not None:
            moved = open_interface(kernel, self.config, *self.path.addresses)
            kernel.close_interface(self._interface)
            self._interface = moved


_SHA256, _CUT_BITS = 12, 96


_CARRYING = frozenset({ChildState.INSTALLED, ChildState.REKEYING, ChildState.REKEYED})


def proposal_text(proposal: Proposal) -> str:
    """``AES_CBC_128/HMAC_SHA2_256_128``: without NO_EXT_SEQ, as strongSwan prints it."""
    kept = tuple(one for one in proposal.transforms if one.type != TransformType.ESN or one.number)
    return summary(kept)
