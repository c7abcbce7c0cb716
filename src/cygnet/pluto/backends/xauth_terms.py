"""XAUTH in a connection: who has to prove himself as a user, by what words of ``leftauth`` and ``authby``.

``leftauth2=xauth`` is XAUTH behind a pre-shared key or signatures, ``leftauth=xauth`` alone is hybrid
authentication: that side proves nothing else (draft-beaulieu-ike-xauth-02, 7.2).
"""

from dataclasses import dataclass, replace

from cygnet.base.errors import LocalError
from cygnet.ctl.whack import AddConnection, End, Policy
from cygnet.pluto.config.records import XauthConfig

BACKENDS = ("xauth", "xauth-generic")
"""Where passwords are looked up: in ``ipsec.secrets``."""


class XauthError(LocalError):
    """XAUTH is asked for in a way that does not make sense; the text says what would."""


@dataclass(frozen=True, slots=True)
class XauthTerms:
    """What is left of the ends without XAUTH, and what there is of it; ``hybrid``: the user signs nothing."""

    local: End
    remote: End
    xauth: XauthConfig | None = None
    hybrid: bool = False


def terms(message: AddConnection, local: End, remote: End) -> XauthTerms:
    """What ``local`` and ``remote`` say; raises :class:`XauthError`."""
    ours, theirs = _wants(message, local), _wants(message, remote)
    if ours and theirs:
        raise XauthError(f'connection "{message.name}": only one side can be the user of XAUTH')
    if ours or theirs:
        user = local if ours else remote
        hybrid = _is_xauth(user.auth)
        name = message.xauth_identity or user.id2
        rest = replace(user, auth="any" if hybrid else user.auth, auth2="", id2="")
        ends = (rest, remote) if ours else (local, rest)
        return XauthTerms(*ends, XauthConfig(server=theirs, user=name), hybrid)
    if message.policy & (Policy.XAUTHPSK | Policy.XAUTHRSASIG):
        server = bool(message.policy & Policy.XAUTHSERVER)
        return XauthTerms(local, remote, XauthConfig(server, message.xauth_identity))
    return XauthTerms(local, remote)


def _wants(message: AddConnection, end: End) -> bool:
    """Whether this end is to be a user; raises for backends that there are not."""
    words = [word for word in (end.auth, end.auth2) if _is_xauth(word)]
    if not words:
        return False
    backend = words[0].partition(":")[0]
    if backend not in BACKENDS:
        raise XauthError(f'connection "{message.name}": there is no {backend}, but {" and ".join(BACKENDS)}')
    if _is_xauth(end.auth) and end.auth2:
        raise XauthError(f'connection "{message.name}": XAUTH stands last, as in auth=psk and auth2=xauth')
    return True


def _is_xauth(word: str) -> bool:
    return word.startswith("xauth")
