"""A CHILD_SA: what was negotiated, and how it stands in the kernel (RFC 7296, 1.3, 2.8, 2.9)."""

from dataclasses import dataclass, replace

from cygnet.base.addresses import Address, Host
from cygnet.base.secret import Secret
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.config.records import ChildConfig
from cygnet.charon.sa.keymat import ChildKeys, ciphers_of
from cygnet.charon.sa.snapshot import ChildSnapshot
from cygnet.charon.sa.states import ChildState, check_child_move
from cygnet.crypto.proposals import Proposal, Transform
from cygnet.crypto.tables import TransformType
from cygnet.kernel.port import (
    Algorithm,
    Direction,
    Encapsulation,
    IpProtocol,
    Kernel,
    Lifetime,
    Mode,
    PolicySpec,
    SaId,
    SaSpec,
)


@dataclass(frozen=True, slots=True)
class Agreed:
    """What both sides agreed on, from our point of view. ``spi_out`` is the peer's SPI."""

    proposal: Proposal
    mode: Mode
    local_ts: tuple[TrafficSelector, ...]
    remote_ts: tuple[TrafficSelector, ...]
    spi_out: int


@dataclass(frozen=True, slots=True)
class Path:
    """Between which hosts ESP travels, and whether inside UDP (RFC 3948)."""

    local: Host
    remote: Host
    udp: bool

    def encapsulation(self, inbound: bool) -> Encapsulation | None:
        """The ports of the outer UDP header, sender's first."""
        if not self.udp:
            return None
        ports = self.local.port, self.remote.port
        return Encapsulation(*(ports[::-1] if inbound else ports))


class ChildSa:
    """One CHILD_SA. It holds an inbound SPI from its making on; keys only pass through to the kernel.

    The reqid and the SPI are released with :meth:`remove`, which may come at any time, and twice.
    """

    def __init__(self, unique_id: int, config: ChildConfig, reqid: int, path: Path, spi_in: int) -> None:
        self.unique_id = unique_id
        self.config = config
        self.reqid = reqid
        self.path = path
        self.spi_in = spi_in
        self.state = ChildState.CREATED
        self.agreed: Agreed | None = None
        self.installed_at = 0.0
        self.rekey_at: float | None = None
        self.expire_at: float | None = None
        self.at_once = False  # whether traffic goes out through it as soon as it is there
        self.counted = False  # whether the reqid is to be released
        self.replaced_by = 0  # the CHILD_SA whose rekeying made this one redundant
        self._pending: SaSpec | None = None  # outbound, not installed yet
        self._policies: tuple[PolicySpec, ...] = ()
        self._outbound = False
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
    def carries(self) -> bool:
        """Whether traffic can arrive through it."""
        return self.state in _CARRYING

    @property
    def inbound(self) -> SaId:
        """What names the inbound SA."""
        return SaId(self.path.remote.address, self.path.local.address, IpProtocol.ESP, self.spi_in)

    @property
    def outbound(self) -> SaId:
        """What names the outbound SA, SPI 0 while there is none."""
        spi = self.agreed.spi_out if self.agreed else 0
        return SaId(self.path.local.address, self.path.remote.address, IpProtocol.ESP, spi)

    def install(
        self, kernel: Kernel, agreed: Agreed, keys: ChildKeys, lifetime: Lifetime, *, exchange_initiator: bool
    ) -> None:
        """Install the inbound SA; the outbound one too if ``at_once``, else :meth:`install_outbound` does.

        ``exchange_initiator``: we sent the request of the exchange that made it.
        """
        self.agreed = agreed
        pair_i, pair_r = (keys.encryption_i, keys.integrity_i), (keys.encryption_r, keys.integrity_r)
        outbound, inbound = (pair_i, pair_r) if exchange_initiator else (pair_r, pair_i)
        self._pending = self._spec(False, outbound, lifetime)
        self._install(kernel, (self._spec(True, inbound, lifetime),), outbound=self.at_once)

    def install_outbound(self, kernel: Kernel) -> None:
        """Install the outbound SA and the policies; from now on traffic goes out through it."""
        if self._pending is not None:
            self._install(kernel, (), outbound=True)

    def _install(self, kernel: Kernel, inbound: tuple[SaSpec, ...], *, outbound: bool) -> None:
        """In one request, since each costs as much as everything in it."""
        pending = (self._pending,) if outbound and self._pending is not None else ()
        policies = self._policy_specs() if pending else ()
        kernel.install((*inbound, *pending), policies)
        if pending:
            self._pending, self._outbound, self._policies = None, True, policies

    def remove(self, kernel: Kernel) -> None:
        """Take everything out of the kernel again."""
        if self._gone:
            return
        self._gone = True
        policies, self._policies = self._policies, ()
        sas = (self.outbound, self.inbound) if self._outbound else (self.inbound,)
        kernel.remove(policies[::-1], sas)

    def move(self, kernel: Kernel, path: Path) -> None:
        """Follow the hosts to other addresses or ports (RFC 7296, 2.23)."""
        if path == self.path or self._gone:
            return
        old_in, old_out, addresses = self.inbound, self.outbound, _addresses(self.path)
        self.path = path
        if self.agreed is not None:
            kernel.update_sa(old_in, self.inbound, path.encapsulation(True))
        if self._outbound:
            kernel.update_sa(old_out, self.outbound, path.encapsulation(False))
        if self._pending is not None:
            self._pending = replace(self._pending, id=self.outbound, encapsulation=path.encapsulation(False))
        if addresses != _addresses(path):
            self._move_policies(kernel)

    def snapshot(self) -> ChildSnapshot:
        """A picture for status commands."""
        agreed = self.agreed
        return ChildSnapshot(
            self.config.name,
            self.unique_id,
            self.state.value,
            agreed.mode if agreed else self.config.mode,
            self.reqid,
            "ESP",
            self.path.udp,
            self.inbound,
            self.outbound,
            proposal_text(agreed.proposal) if agreed else "",
            agreed.local_ts if agreed else self.config.local_ts,
            agreed.remote_ts if agreed else self.config.remote_ts,
            self.installed_at,
            self.rekey_at,
            self.expire_at,
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
            _algorithm(encryption, keys[0]),
            _algorithm(integrity, keys[1]) if integrity else None,
            lifetime if inbound else replace(lifetime, soft_s=0, hard_s=lifetime.hard_s),
            self.path.encapsulation(inbound),
            config.replay_window,
            esn is not None and esn.number == 1,
            config.tfc,
            config.mark_in if inbound else config.mark_out,
            local_ts=agreed.local_ts,
            remote_ts=agreed.remote_ts,
        )

    def _policy_specs(self) -> tuple[PolicySpec, ...]:
        """One policy for each direction of each pair of selectors that can go together (RFC 4301, 4.4.1)."""
        agreed = self.agreed
        assert agreed is not None, "install sets it"
        local, remote = _addresses(self.path)
        config, specs = self.config, []
        for ours in agreed.local_ts:
            for theirs in agreed.remote_ts:
                if not _fit(ours, theirs):
                    continue
                into = PolicySpec(
                    Direction.IN, theirs, ours, agreed.mode, self.reqid, remote, local, mark=config.mark_in
                )
                specs.append(
                    PolicySpec(
                        Direction.OUT,
                        ours,
                        theirs,
                        agreed.mode,
                        self.reqid,
                        local,
                        remote,
                        mark=config.mark_out,
                    )
                )
                specs.append(into)
                if agreed.mode != Mode.TRANSPORT:
                    specs.append(replace(into, direction=Direction.FORWARD))
        return tuple(specs)

    def _move_policies(self, kernel: Kernel) -> None:
        """New ones first, so that nothing leaves unprotected in between."""
        old, self._policies = self._policies, ()
        for policy in self._policy_specs() if old else ():
            kernel.add_policy(policy)
            self._policies += (policy,)
        for policy in old:
            kernel.delete_policy(policy)


_CARRYING = frozenset({ChildState.INSTALLED, ChildState.REKEYING, ChildState.REKEYED})


def proposal_text(proposal: Proposal) -> str:
    """``AES_CBC_128/HMAC_SHA2_256_128``: without NO_EXT_SEQ, as strongSwan prints it."""
    kept = tuple(one for one in proposal.transforms if one.type != TransformType.ESN or one.number)
    return replace(proposal, transforms=kept).summary()


def _addresses(path: Path) -> tuple[Address, Address]:
    return path.local.address, path.remote.address


def _algorithm(transform: Transform, key: Secret) -> Algorithm:
    return Algorithm(transform.number, transform.key_bits, key)


def _fit(ours: TrafficSelector, theirs: TrafficSelector) -> bool:
    return ours.family == theirs.family and (
        not ours.protocol or not theirs.protocol or ours.protocol == theirs.protocol
    )
