"""Post-quantum pre-shared keys in IKE_SA_INIT and IKE_AUTH (RFC 8784, 3).

Both sides say USE_PPK; the initiator names a PPK where it first proves itself, and, unless it insists, proves
itself without it too; the responder takes one of the two. From then on SK_d, SK_pi and SK_pr are those with
the PPK, for all further AUTH payloads of both, whatever rounds follow, and for all that is rekeyed.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cygnet.base.groups import Group
from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.charon.encoding.errors import AuthenticationFailedError
from cygnet.charon.encoding.message import AnyPayload, Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import Authentication, Notify
from cygnet.charon.sa.errors import NoPpkError, RefusedError
from cygnet.charon.sa.keymat import IkeKeys, with_ppk
from cygnet.keying.config.records import AuthClass, PeerConfig
from cygnet.keying.sa.matching import IdentityMatch

if TYPE_CHECKING:
    from cygnet.charon.sa.association import Association

PPK_ID_FIXED = 2
"""The only type of PPK_ID whose format is known (RFC 8784, 5.1)."""
MAX_IDENTIFIER = 1024


@dataclass(slots=True)
class PpkUse:
    """How far two sides have come about it.

    ``agreed``: both said USE_PPK. ``own`` is the initiator's PPK. ``plain`` are the keys without PPK, from
    the initiator's first AUTH until it is ``settled`` whether it is ``used``.
    """

    agreed: bool = False
    own: Secret | None = None
    plain: IkeKeys | None = None
    identifier: bytes = b""
    used: bool = False
    settled: bool = False


# As initiator


def propose(sa: "Association") -> bool:
    """Whether to say USE_PPK; raises :class:`NoPpkError` where there is none but has to be."""
    config, use = sa.peer_config, sa.negotiation.ppk
    identity = None if config.ppk_id is None or config.ppk_id.has_wildcards else config.ppk_id
    if identity is None:
        if config.ppk_required:
            raise NoPpkError("PPK required but no PPK_ID configured")
        return False
    use.identifier, use.own = identity.data, sa.ports.credentials.ppk(identity.data)
    if use.own is not None:
        return True
    if config.ppk_required:
        raise NoPpkError(f"PPK required but no PPK found for '{identity}'")
    sa.log(Group.CFG, f"no PPK for '{identity}' found, ignored because PPK is not required")
    return False


def answered(sa: "Association", message: Message) -> None:
    """The responder has said USE_PPK, or not; raises where it had to."""
    use = sa.negotiation.ppk
    use.agreed = use.own is not None and message.notify(NotifyType.USE_PPK) is not None
    if use.own is None or use.agreed:
        return
    if sa.peer_config.ppk_required:
        raise RefusedError("PPK required but peer does not support PPK")
    sa.log(Group.IKE, "peer does not support PPK, ignored because PPK is not required")


def proofs(sa: "Association", prove: Callable[[], Authentication]) -> tuple[AnyPayload, ...]:
    """Our AUTH payload; the first one as initiator with PPK_IDENTITY, and NO_PPK_AUTH unless we insist."""
    use = sa.negotiation.ppk
    if not sa.initiator or not use.agreed or use.settled or use.own is None:
        return (prove(),)
    use.plain = sa.established_keys
    without: tuple[AnyPayload, ...] = ()
    if not _is_mandatory(sa, sa.peer_config):
        sa.log(Group.IKE, "PPK is not required, adding a proof without it (NO_PPK_AUTH)")
        without = (Notify(NotifyType.NO_PPK_AUTH, prove().data),)
    sa.keys = with_ppk(use.plain, use.own)
    identity = Notify(NotifyType.PPK_IDENTITY, bytes([PPK_ID_FIXED]) + use.identifier)
    return (prove(), identity, *without)


def accepted(sa: "Association", message: Message) -> None:
    """What the responder made of it, before its AUTH is verified; raises where it had to use the PPK."""
    use = sa.negotiation.ppk
    if use.plain is None or use.settled:
        return
    use.settled, use.used = True, message.notify(NotifyType.PPK_IDENTITY) is not None
    name = shown(use.identifier)
    if use.used:
        _in_use(sa, name)
    elif _is_mandatory(sa, sa.peer_config):
        raise AuthenticationFailedError(f"PPK required but peer didn't use PPK for PPK_ID '{name}'")
    else:
        sa.keys = use.plain
        sa.log(Group.IKE, f"peer didn't use PPK for PPK_ID '{name}'")


# As responder


def answer(sa: "Association", message: Message) -> None:
    """Whether both want to use one."""
    wants = message.notify(NotifyType.USE_PPK) is not None
    sa.negotiation.ppk.agreed = wants and sa.ports.credentials.has_ppk()
    if wants and not sa.negotiation.ppk.agreed:
        sa.log(Group.CFG, "peer offers to use a PPK, there is none here")


def checked(sa: "Association", match: IdentityMatch) -> IdentityMatch:
    """A connection that requires a PPK does not suit a peer with which none is used."""
    problem = _objection(sa, match.config) if match.rank else ""
    return replace(match, rank=0, reason=f"{match.config.name}: {problem}") if problem else match


def _objection(sa: "Association", config: PeerConfig) -> str:
    if not config.ppk_required or sa.negotiation.ppk.agreed:
        return ""
    has = sa.ports.credentials.has_ppk()
    return "PPK required but peer does not support PPK" if has else "PPK required but there is none here"


def presented(sa: "Association", message: Message, config: PeerConfig) -> Authentication:
    """The peer's AUTH payload as it is to be verified for a connection, and the keys for that put in place.

    Asked for another connection it begins anew. Raises what the peer is refused for.
    """
    use, payload = sa.negotiation.ppk, message.first(Authentication)
    if payload is None:
        raise AuthenticationFailedError("AUTH payload missing")
    if use.settled:
        return payload
    if not use.agreed:
        if problem := _objection(sa, config):
            raise AuthenticationFailedError(problem)
        return payload
    use.plain = use.plain or sa.established_keys
    sa.keys, use.used = use.plain, False
    identity, without = message.notify(NotifyType.PPK_IDENTITY), message.notify(NotifyType.NO_PPK_AUTH)
    if identity is None:
        raise AuthenticationFailedError("PPK agreed on but no PPK_IDENTITY received")
    try:
        ppk = _find(sa, identity.data, config)
    except AuthenticationFailedError as problem:
        if _is_mandatory(sa, config):
            raise AuthenticationFailedError(f"PPK required, {problem}") from None
        if without is None:
            raise AuthenticationFailedError(f"{problem}, and the peer requires a PPK") from None
        sa.log(Group.IKE, f"{problem}, using NO_PPK_AUTH notify")
        return Authentication(payload.method, without.data)
    sa.keys, use.used = with_ppk(use.plain, ppk), True
    return payload


def confirmation(sa: "Association") -> tuple[AnyPayload, ...]:
    """To be said with the answer to the peer's first AUTH: that its PPK is in use."""
    use = sa.negotiation.ppk
    if use.plain is None or use.settled:
        return ()
    use.settled = True
    if not use.used:
        return ()
    _in_use(sa, shown(use.identifier))
    return (Notify(NotifyType.PPK_IDENTITY),)


def _is_mandatory(sa: "Association", config: PeerConfig) -> bool:
    """As configured; and once both offer it where NULL authentication proves nothing (RFC 8784, 5.2.3)."""
    null = any(one.auth is AuthClass.NULL for one in (*config.local, *config.remote))
    return config.ppk_required or (null and sa.negotiation.ppk.agreed)


def _find(sa: "Association", data: bytes, config: PeerConfig) -> Secret:
    """The PPK that the peer names; raises what is wrong with it."""
    if data[:1] != bytes([PPK_ID_FIXED]):
        raise AuthenticationFailedError(f"received PPK_ID of type {data[0] if data else 'none'}, known is 2")
    identifier = data[1:]
    if not 0 < len(identifier) <= MAX_IDENTIFIER:
        raise AuthenticationFailedError(f"received PPK_ID of {len(identifier)} octets")
    name, demanded = shown(identifier), config.ppk_id
    if demanded is not None and not _suits(identifier, demanded):
        raise AuthenticationFailedError(f"received PPK_ID '{name}', but require '{demanded}'")
    ppk = sa.ports.credentials.ppk(identifier)
    if ppk is None:
        raise AuthenticationFailedError(f"no PPK found for '{name}'")
    sa.negotiation.ppk.identifier = identifier
    return ppk


def _suits(identifier: bytes, demanded: Identity) -> bool:
    if demanded.has_wildcards:
        return demanded.is_any or bool(_identity(identifier).match(demanded))
    return identifier == demanded.data


def _identity(identifier: bytes) -> Identity:
    """What ``ppk_id`` would say for such octets, of which a PPK_ID does not tell the type."""
    return Identity.parse(identifier.decode("utf-8", "surrogateescape"))


def _in_use(sa: "Association", name: str) -> None:
    sa.ppk = name
    sa.log(Group.IKE, f"using PPK for PPK_ID '{name}'")


def shown(identifier: bytes) -> str:
    """A PPK_ID for a person."""
    text = identifier.decode("utf-8", "replace")
    return text if text.isprintable() and "\ufffd" not in text else identifier.hex(":")
