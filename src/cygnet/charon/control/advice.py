"""Why ``up`` failed, in the operator's words: what the peer meant, and which setting to look at.

The reasons are those of the protocol core, which are strongSwan's words; this adds what only the
connection knows.
"""

from collections.abc import Callable, Iterable
from ipaddress import ip_address

from cygnet.base.addresses import Address
from cygnet.keying.config.records import AuthClass, AuthConfig, ChildConfig, PeerConfig

Route = Callable[[Address], Address | None]
"""The address this host would use towards another, ``None`` without a route."""

SHOWN, LONG = 3, 90
"""How many proposals or selectors are quoted, and how many characters of each."""


def explain(reason: str, peer: PeerConfig, child: ChildConfig | None, route: Route) -> str:
    """``reason``, and what to change if that is known; the first row that fits decides."""
    for words, advise in ADVICE:
        if all(word in reason for word in words.split(" & ")):
            return f"{reason}: {advise(peer, child, route)}"
    return reason


def _refused_us(peer: PeerConfig, child: ChildConfig | None, route: Route) -> str:
    if peer.ppk_id is None:
        return _refused_proof(peer)
    return f"{_refused_proof(peer)}; and ppk_required= and the PPK of '{peer.ppk_id}' on both sides"


def _refused_proof(peer: PeerConfig) -> str:
    ours, theirs = _identity(peer.local), _identity(peer.remote)
    text = f"the peer's log says which check failed; compare leftid={ours} and rightid={theirs} with its "
    if any(auth.auth is AuthClass.EAP for auth in peer.local):
        return f"{text}connection, and eap_identity= and the method of leftauth= with its rightauth="
    if any(auth.auth is AuthClass.PSK for auth in peer.local):
        return f"{text}connection, and the PSK for the two in ipsec.secrets on both sides"
    return f"{text}connection, and see whether it trusts our certificate (its ipsec.d/cacerts, the validity)"


def _other_secret(peer: PeerConfig, child: ChildConfig | None, route: Route) -> str:
    return "the PSK in ipsec.secrets differs from the peer's; after changing it: ipsec rereadsecrets"


def _no_secret(peer: PeerConfig, child: ChildConfig | None, route: Route) -> str:
    line = f'{_identity(peer.local)} {_identity(peer.remote)} : PSK "..."'
    return f"add a line such as '{line}' to ipsec.secrets, then: ipsec rereadsecrets"


def _no_user(peer: PeerConfig, child: ChildConfig | None, route: Route) -> str:
    user = next((str(one.eap_identity or one.identity) for one in peer.local if one.eap_identity), "USER")
    return f"add a line such as '{user} : EAP \"...\"' to ipsec.secrets, then: ipsec rereadsecrets"


def _refused_user(peer: PeerConfig, child: ChildConfig | None, route: Route) -> str:
    return (
        "the peer's log says why; compare eap_identity= and the EAP secret in ipsec.secrets with what it "
        "knows of this user"
    )


def _other_eap(peer: PeerConfig, child: ChildConfig | None, route: Route) -> str:
    return "leftauth=eap-... here and rightauth=eap-... there have to name the same method"


def _no_ppk(peer: PeerConfig, child: ChildConfig | None, route: Route) -> str:
    return f"add a line such as '{peer.ppk_id} : PPK 0s...' to ipsec.secrets, then: ipsec rereadsecrets"


def _no_ppk_name(peer: PeerConfig, child: ChildConfig | None, route: Route) -> str:
    return "ppk_id= names the PPK that we use, without wildcards"


def _ppk_not_there(peer: PeerConfig, child: ChildConfig | None, route: Route) -> str:
    return f"the peer needs the PPK of '{peer.ppk_id}' too, or ppk_required=no here"


def _no_key(peer: PeerConfig, child: ChildConfig | None, route: Route) -> str:
    return (
        "leftcert= names our certificate, and ipsec.secrets its key (': RSA file' or ': ECDSA file'); "
        "after changing it: ipsec rereadsecrets"
    )


def _distrusted(peer: PeerConfig, child: ChildConfig | None, route: Route) -> str:
    return "the certificate of the peer's CA belongs in ipsec.d/cacerts; then: ipsec rereadcacerts"


def _somebody_else(peer: PeerConfig, child: ChildConfig | None, route: Route) -> str:
    return f"rightid={_identity(peer.remote)} and rightauth= here say whom we expect"


def _no_ike_proposal(peer: PeerConfig, child: ChildConfig | None, route: Route) -> str:
    ike = peer.ike
    return (
        f"the peer accepts none of our IKE proposals ({_some(ike.proposals)}), or it has no connection for "
        f"{ike.remote} and {ike.local}; compare ike= on both sides, and left= and right= there"
    )


def _no_child_proposal(peer: PeerConfig, child: ChildConfig | None, route: Route) -> str:
    proposals = _some(child.proposals) if child else ""
    return f"the peer accepts none of our proposals ({proposals}); compare esp= or ah= on both sides"


def _no_selectors(peer: PeerConfig, child: ChildConfig | None, route: Route) -> str:
    return "compare leftsubnet= and rightsubnet= on both sides"


def _other_method(peer: PeerConfig, child: ChildConfig | None, route: Route) -> str:
    return f"compare the key exchange methods of ike= on both sides (ours: {_some(peer.ike.proposals)})"


def _silent(peer: PeerConfig, child: ChildConfig | None, route: Route) -> str:
    remote = peer.ike.remote
    host = remote.hosts[0] if remote.hosts else "the peer"
    address = _address(host)
    if address is not None and route(address) is None:
        return f"there is no route to {host}, so nothing left this host"
    return (
        f"nobody answers at {host}[{remote.port}]; is right= correct, does an IKEv2 daemon run there, do "
        "firewalls pass UDP 500 and 4500 both ways?"
    )


def _no_name(peer: PeerConfig, child: ChildConfig | None, route: Route) -> str:
    return "correct the name, or see whether this host's DNS works (/etc/resolv.conf)"


def _enough(peer: PeerConfig, child: ChildConfig | None, route: Route) -> str:
    return "the peer allows no further CHILD_SA on this IKE_SA; close one of those that are up"


Advise = Callable[[PeerConfig, ChildConfig | None, Route], str]
ADVICE: tuple[tuple[str, Advise], ...] = (
    ("received AUTHENTICATION_FAILED", _refused_us),
    ("no PPK_ID configured", _no_ppk_name),
    ("no PPK found", _no_ppk),
    ("PPK required but peer", _ppk_not_there),
    ("needs an EAP secret", _no_user),
    ("the server wants & allowed here", _other_eap),
    ("the server refused", _refused_user),
    ("MAC mismatched", _other_secret),
    ("no shared key found", _no_secret),
    ("no private key found", _no_key),
    ("public key found & no issuer certificate", _distrusted),
    ("constraint check failed", _somebody_else),
    ("NO_PROPOSAL_CHOSEN & CHILD_SA", _no_child_proposal),
    ("received NO_PROPOSAL_CHOSEN", _no_ike_proposal),
    ("INVALID_KE_PAYLOAD", _other_method),
    ("TS_UNACCEPTABLE", _no_selectors),
    ("not responding", _silent),
    ("unable to resolve", _no_name),
    ("NO_ADDITIONAL_SAS", _enough),
)
"""Words of a reason (all of them, joined by ``&``) and what is said of it."""


def _identity(rounds: tuple[AuthConfig, ...]) -> str:
    identity = rounds[0].identity if rounds else None
    return str(identity) if identity is not None and not identity.is_any else "%any"


def _some(values: Iterable[object]) -> str:
    texts = [text if len(text) <= LONG else f"{text[:LONG]}..." for text in map(str, values)]
    more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return ", ".join(texts[:SHOWN]) + more


def _address(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
