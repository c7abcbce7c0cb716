"""What is agreed on with a CHILD_SA beside algorithms and selectors: its mode, compression, padding."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from cygnet.base.groups import Group
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.sa import compression, modes
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.errors import NotPossibleError, RefusedError
from cygnet.crypto.proposals import Proposal
from cygnet.kernel.port import Compression, IpProtocol, Mode
from cygnet.keying.config.records import ChildConfig
from cygnet.keying.sa.child_sa import Agreed, ChildSa
from cygnet.keying.sa.matching import Selectors

if TYPE_CHECKING:
    from cygnet.charon.sa.tasks.task import Draft

NO_PADDING = NotifyType.ESP_TFC_PADDING_NOT_SUPPORTED


class Terms:
    """The terms of one CHILD_SA while they are negotiated, in either role; a new one for each attempt."""

    def __init__(self, sa: Association) -> None:
        self._sa = sa
        self._mode = Mode.TUNNEL
        self._original: modes.Original | None = None
        self._transforms: tuple[int, ...] = ()
        self._compression: Compression | None = None
        self._pads = True

    # As initiator

    def request(self, draft: "Draft", child: ChildSa, local: Selectors, remote: Selectors) -> None:
        """Ask for what the connection wants; raises :class:`NotPossibleError` for what cannot be had."""
        sa = self._sa
        check_path(sa, child.config)
        self._mode = modes.proposed(sa, child.config, local, remote)
        self._say_mode(draft)
        self._transforms = compression.propose(sa, draft, child)
        self._say_padding(draft)

    def response(self, message: Message, local: Selectors, remote: Selectors) -> tuple[Selectors, Selectors]:
        """Take the peer's answer; its selectors, as they are seen from here (RFC 7296, 2.23.1)."""
        sa, asked = self._sa, self._mode
        self._mode = modes.requested(message)
        if self._mode not in (asked, Mode.TUNNEL):
            raise RefusedError(f"{self._mode} mode requested by responder is unacceptable")
        if self._mode is not asked:
            sa.log(Group.IKE, f"peer declined {modes.word(asked)} mode, using tunnel mode")
        self._compression = compression.accepted(sa, message, self._transforms)
        self._hear_padding(message)
        if self._mode is not Mode.TRANSPORT:
            return local, remote
        mine, theirs = modes.substituted(sa, local, remote)
        self._original = modes.original(mine, theirs, local, remote)
        return mine, theirs

    # As responder

    def find(
        self, configs: Iterable[ChildConfig], message: Message, local: Selectors, remote: Selectors
    ) -> modes.Found:
        """The configuration for a request, and what of its wishes can be met."""
        sa = self._sa
        found = modes.find(sa, configs, modes.requested(message), local, remote)
        self._mode, self._original = found.mode, found.original
        if found.match is not None:
            check_path(sa, found.match.config)
            self._compression = compression.choose(sa, message, found.match.config.compress)
            self._hear_padding(message)
        return found

    def answer(self, draft: "Draft", child: ChildSa) -> None:
        """Tell the peer what it gets."""
        self._say_mode(draft)
        self._compression = compression.answer(self._sa, draft, child, self._compression)
        self._say_padding(draft)

    # Both

    def agreed(self, proposal: Proposal, local: Selectors, remote: Selectors) -> Agreed:
        """All that was agreed on."""
        return Agreed(
            proposal,
            self._mode,
            local,
            remote,
            int.from_bytes(proposal.spi, "big"),
            self._pads,
            self._compression,
            self._original,
        )

    def _say_mode(self, draft: "Draft") -> None:
        if self._mode in modes.NOTIFIES:
            draft.notify(modes.NOTIFIES[self._mode])

    def _say_padding(self, draft: "Draft") -> None:
        """Only where the data plane would not understand it (RFC 7296, 1.3.1)."""
        if not self._sa.ports.kernel.features.tfc:
            draft.notify(NO_PADDING)

    def _hear_padding(self, message: Message) -> None:
        if message.notify(NO_PADDING) is not None:
            self._sa.log(Group.IKE, f"received {NO_PADDING.name}, not using ESPv3 TFC padding")
            self._pads = False


def check_path(sa: Association, config: ChildConfig) -> None:
    """AH covers the addresses that a NAT changes (RFC 3715, 2.1)."""
    if config.protocol is IpProtocol.AH and sa.nat.any:
        raise NotPossibleError("AH cannot pass a NAT: use esp= instead of ah=")
