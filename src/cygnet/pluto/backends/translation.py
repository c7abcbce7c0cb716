"""From whack's connections to the core's: by the translator that both daemons have."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from cygnet.base.alike import same_fields
from cygnet.base.errors import LocalError
from cygnet.crypto.proposals import Proposal, Protocol, default_proposals, parse_proposals
from cygnet.crypto.tables import TransformType
from cygnet.crypto.transforms import Transform
from cygnet.ctl import stroke, whack
from cygnet.ctl.whack import AddConnection, Policy
from cygnet.keying.backends.stroke_translation import Translator
from cygnet.keying.config import records
from cygnet.keying.config.records import AuthClass, ChildConfig
from cygnet.pluto.backends.connections import MY_ID, Connection
from cygnet.pluto.backends.xauth_terms import XauthTerms, terms
from cygnet.pluto.config.records import Fragmentation, Method, PeerConfig

_PSK, _PUBKEY, _ANY = AuthClass.PSK, AuthClass.PUBKEY, AuthClass.ANY
METHODS = {
    (_PSK, _PSK, False): Method.PSK,
    (_PUBKEY, _PUBKEY, False): Method.PUBKEY,
    (_PSK, _PSK, True): Method.XAUTH_PSK,
    (_PUBKEY, _PUBKEY, True): Method.XAUTH_PUBKEY,
    (_ANY, _PUBKEY, True): Method.HYBRID,
    (_PUBKEY, _ANY, True): Method.HYBRID,
}
"""By how our side and the peer's authenticate, and whether there is XAUTH."""


class UnsupportedError(LocalError):
    """A connection needs what this version of pluto does not have; the text says what."""


@dataclass(frozen=True, slots=True)
class PeerTranslator:
    """Makes the core's record of a loaded connection or an instance; raises ``LocalError``.

    ``my_id`` tells what ``%myid`` stands for.
    """

    translator: Translator
    my_id: Callable[[], str] = str

    def __call__(self, connection: Connection) -> tuple[PeerConfig, list[str]]:
        """The record, and what is odd but usable."""
        message = connection.message
        _check(message)
        ends = connection.local or message.left, connection.remote or message.right
        local, remote = (replace(end, id=self.my_id()) if end.id == MY_ID else end for end in ends)
        wanted = terms(message, local, remote)
        peer, notes = self.translator.translate(_request(message, wanted))
        return _peer(connection, peer, wanted), [*notes, *_ignored(message)]


def _check(message: AddConnection) -> None:
    """Raises for what would otherwise be left out in silence."""
    for wanted, text in _MISSING:
        if wanted(message):
            raise UnsupportedError(f'connection "{message.name}": {text} not part of this version of pluto')


_MISSING: tuple[tuple[Callable[[AddConnection], object], str], ...] = (
    (lambda one: one.policy & Policy.BEET, "type=beet is"),
    (lambda one: any(end.auth2 and not end.auth2.startswith("xauth") for end in (one.left, one.right)),
     "a second authentication round (leftauth2, rightauth2) other than XAUTH is"),
)


def _ignored(message: AddConnection) -> list[str]:
    """What is left out without harm, by keyword."""
    ends = (message.left, message.right)
    wanted = {
        "inactivity": message.inactivity_s,
        "--nexthop": any(end.nexthop not in ("", "%direct", "%defaultroute") for end in ends),
        "--dnskeyondemand": any(end.dns_key_on_demand for end in ends),
        "--disablearrivalcheck": message.policy & Policy.DISABLEARRIVALCHECK,
        f"--fail{message.failure}": message.failure != "none",
    }
    return [f"{word} has no effect in this version of pluto" for word, is_set in wanted.items() if is_set]


def _request(one: AddConnection, wanted: XauthTerms) -> stroke.AddConnection:
    """The same connection in the words of stroke, our end at ``left``, without XAUTH."""
    return stroke.AddConnection(
        **same_fields(one, stroke.AddConnection)
        | {
            "left": _end(wanted.local),
            "right": _end(wanted.remote),
            "version": 1,
            "mode": one.shunt if one.shunt != "trap" else _mode(one.policy),
            "authby": "psk" if one.policy & (Policy.PSK | Policy.XAUTHPSK) else "pubkey",
            "aggressive": bool(one.policy & Policy.AGGRESSIVE),
            "compress": bool(one.policy & Policy.COMPRESS),
            "lifetime_s": one.ipsec_lifetime_s,
            "rekey": not one.policy & Policy.DONTREKEY,
        }
    )


def _fragmentation(message: AddConnection) -> Fragmentation:
    try:
        return Fragmentation(message.fragmentation)
    except ValueError:
        words = ", ".join(Fragmentation)
        text = f"fragmentation={message.fragmentation} is none of {words}"
        raise UnsupportedError(f'connection "{message.name}": {text}') from None


def _group(message: AddConnection) -> Transform | None:
    """That of ``--pfsgroup``."""
    word = message.pfsgroup
    if not word:
        return None
    try:
        found = parse_proposals(f"aes128-sha1-{word}!", Protocol.ESP)[0].of_type(TransformType.KE)
    except ValueError:
        found = ()
    if len(found) != 1 or "-" in word or "," in word:
        raise UnsupportedError(f"pfsgroup={word} is no group, such as modp2048 or ecp256")
    return found[0]


def _with_group(child: ChildConfig, group: Transform) -> ChildConfig:
    """Its proposals with this group, unless any names one itself (``esp=``)."""
    if any(one.of_type(TransformType.KE) for one in child.proposals):
        return child
    named = tuple(replace(one, transforms=(*one.transforms, group)) for one in child.proposals)
    return replace(child, proposals=named)


def _without_3des(proposal: Proposal) -> Proposal:
    """A default proposal without 3DES, which strongSwan's default has; those that are written out stay."""
    if proposal.transforms not in _DEFAULTS:
        return proposal
    return replace(proposal, transforms=tuple(one for one in proposal.transforms if one != _3DES))


_3DES = parse_proposals("3des-sha1-modp2048!", Protocol.IKE)[0].of_type(TransformType.ENCR)[0]
_DEFAULTS = frozenset(one.transforms for one in default_proposals(Protocol.IKE))


def _mode(policy: int) -> str:
    return "tunnel" if policy & Policy.TUNNEL else "transport"


def _end(end: whack.End) -> stroke.End:
    return stroke.End(
        **same_fields(end, stroke.End)
        | {"address": end.host, "subnets": end.client, "sourceip": end.srcip}
    )


def _peer(connection: Connection, peer: records.PeerConfig, wanted: XauthTerms) -> PeerConfig:
    message, local, remote = connection.message, peer.local[0], peer.remote[0]
    method = METHODS.get((local.auth, remote.auth, wanted.xauth is not None))
    if method is None:
        text = f"{local.auth} here and {remote.auth} there do not go together in IKEv1"
        raise UnsupportedError(f'connection "{peer.name}": {text}')
    group = _group(message)
    return PeerConfig(
        name=peer.name,
        ike=replace(peer.ike, proposals=tuple(map(_without_3des, peer.ike.proposals))),
        local=local,
        remote=remote,
        children=tuple(_with_group(child, group) for child in peer.children) if group else peer.children,
        method=method,
        xauth=wanted.xauth,
        aggressive=bool(message.policy & Policy.AGGRESSIVE),
        unique=peer.unique,
        ike_lifetime_s=peer.ike_lifetime_s,
        margin_s=peer.margin_s,
        fuzz_percent=peer.fuzz_percent,
        rekey=peer.rekey,
        keying_tries=peer.keying_tries,
        dpd_delay_s=peer.dpd_delay_s,
        dpd_timeout_s=message.dpd_timeout_s,
        virtual_ips=peer.virtual_ips,
        pools=peer.pools,
        dns_wanted=peer.dns_wanted,
        dns=peer.dns,
        push=bool(message.policy & Policy.MODECFGPUSH),
        fragmentation=_fragmentation(message),
        pfs=message.pfs_as_phase_1,
        instance=connection.instance,
    )
