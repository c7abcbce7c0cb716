"""The sections ``eap-…`` below ``charon.plugins``: what has its effect, and a sentence for what has none."""

from collections.abc import Iterator

from cygnet.conf.keywords import nearest
from cygnet.conf.settings import Settings
from cygnet.eap.tls.options import VERSIONS
from cygnet.keying.config.eap_names import INNER_KEYWORDS, inner_type

PLUGINS = "charon.plugins"
_FRAMING = ("fragment_size", "max_message_count", "include_length")
_PHASE2 = ("phase2_method", "phase2_piggyback", "phase2_tnc", "phase2_tnc_method", "request_peer_auth")
KNOWN: dict[str, tuple[str, ...]] = {
    "eap-identity": (), "eap-md5": (), "eap-mschapv2": (), "eap-gtc": ("backend",), "eap-tls": _FRAMING,
    "eap-ttls": (*_FRAMING, *_PHASE2), "eap-peap": (*_FRAMING, *_PHASE2),
}  # fmt: skip
"""Options of strongSwan's plugins whose methods there are."""
_TNC = "TNC is not part of this version, so that the method is not offered to peers"
_LACKING = {
    "phase2_tnc": {"eap-ttls": _TNC, "eap-peap": _TNC},
    "phase2_piggyback": {"eap-ttls": "no effect, the peer begins inside EAP-TTLS"},
}
"""What is not there if it is switched on."""


def problems(tree: Settings) -> Iterator[str]:
    """Everything in these sections, and in ``charon.tls``, that does not do what it says."""
    yield from _tls(tree)
    for section in tree.sections(PLUGINS):
        if not section.startswith("eap-"):
            continue
        for key, value in tree.items(f"{PLUGINS}.{section}"):
            reason = "" if key == "load" else _reason(tree, section, key, value)
            if reason:
                yield f"{PLUGINS}.{section}.{key} = {value:.60}: {reason}"


def _tls(tree: Settings) -> Iterator[str]:
    for key, value in tree.items("charon.tls"):
        if key not in ("version_min", "version_max"):
            yield f"charon.tls.{key}: no effect, suites without forward secrecy are never used"
        elif value not in VERSIONS:
            yield f"charon.tls.{key} = {value:.60}: none of {', '.join(VERSIONS)}, so that it has no effect"


def _reason(tree: Settings, section: str, key: str, value: str) -> str:
    known = KNOWN.get(section)
    if known is None:
        return f"there is no {section} in this version, so that it has no effect"
    if key not in known:
        near = nearest(key, known)
        return "unknown option, it has no effect" + (f" (did you mean '{near}'?)" if near else "")
    if key == "backend":
        return "no effect, passwords are compared with those in ipsec.secrets"
    if key == "phase2_method" and value and inner_type(value) is None:
        return f"it is none of {', '.join(INNER_KEYWORDS)}; peers may use any of these"
    if key not in _LACKING or not tree.get_bool(f"{PLUGINS}.{section}.{key}", False):
        return ""
    return _LACKING[key].get(section, "")
