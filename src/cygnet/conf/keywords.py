"""Every keyword of ``ipsec.conf``, one row each.

``status`` says what this version does with it: flip a row when a later version implements more. Where
only some values of a keyword have their effect, ``works`` tells which.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from cygnet.conf import values
from cygnet.conf.values import Kind, one_of, seconds, text, whole, yes_no


class Section(StrEnum):
    """Kinds of sections."""

    SETUP = "config"
    CONN = "conn"
    CA = "ca"


class Status(StrEnum):
    """What a keyword does: its work, nothing yet (warned about), nothing ever again (warned about)."""

    IMPLEMENTED = "implemented"
    RECOGNISED = "recognised"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Keyword:
    """A keyword. ``field`` is its place in the records of :mod:`cygnet.conf.records`.

    ``name`` is what stands behind ``left`` and ``right`` for keywords of an ``end``. ``works`` tells for a
    value as written whether it has its effect, ``None`` that ``status`` holds for all. A connection that
    sets a ``needed`` keyword to a value without effect is not loaded: without it, it would protect
    something else, or let somebody else in. ``note`` is added to the warning.
    """

    name: str
    section: Section
    kind: Kind
    default: str
    status: Status
    field: str = ""
    aliases: tuple[str, ...] = ()
    end: bool = False
    works: Callable[[str], bool] | None = None
    needed: bool = False
    note: str = ""

    def has_effect(self, value: str) -> bool:
        """Whether ``value`` (as written) does what it says."""
        return self.works(value) if self.works else self.status is Status.IMPLEMENTED


@dataclass(frozen=True, slots=True)
class Slot:
    """A keyword as it can be written: ``side`` is ``left``, ``right`` or empty."""

    keyword: Keyword
    side: str = ""

    @property
    def name(self) -> str:
        """The full name, aliases resolved."""
        return self.side + self.keyword.name


def only(*values: str) -> Callable[[str], bool]:
    """That only these values have their effect."""
    return lambda value: value in values


def _without(*prefixes: str) -> Callable[[str], bool]:
    def check(value: str) -> bool:
        return not any(one.strip().startswith(prefixes) for one in value.replace("|", ",").split(","))

    return check


SETUP, CONN, CA = Section.SETUP, Section.CONN, Section.CA
DONE, LATER, DEAD = Status.IMPLEMENTED, Status.RECOGNISED, Status.DEAD
_U32, _U64 = whole(0, 2**32 - 1), whole(0, 2**64 - 1)
_ACTION = one_of("none", "clear", "hold", "restart")

_SETUP_KEYWORDS = (
    Keyword("charonstart", SETUP, yes_no, "yes", DONE, "charonstart"),
    Keyword("plutostart", SETUP, yes_no, "yes", DONE, "plutostart"),
    Keyword("plutodebug", SETUP, values.pluto_debug, "none", DONE, "plutodebug"),
    Keyword("charondebug", SETUP, values.log_levels, "", DONE, "charondebug"),
    Keyword("uniqueids", SETUP, one_of("yes", "no", "replace", "keep", "never"), "yes", DONE, "uniqueids"),
    Keyword("cachecrls", SETUP, yes_no, "no", DONE, "cachecrls"),
    Keyword("strictcrlpolicy", SETUP, one_of("yes", "no", "ifuri"), "no", DONE, "strictcrlpolicy"),
    *(
        Keyword(name, SETUP, text, default, DEAD)
        for name, default in (
            ("crlcheckinterval", "0"), ("nocrsend", "no"),
            ("nat_traversal", "no"), ("keep_alive", "20s"), ("force_keepalive", "no"),
            ("virtual_private", ""), ("pkcs11module", ""), ("pkcs11initargs", ""), ("pkcs11keepstate", "no"),
            ("pkcs11proxy", "no"), ("plutostderrlog", ""), ("prepluto", ""),
            ("postpluto", ""), ("interfaces", "%defaultroute"), ("klipsdebug", "none"), ("fragicmp", "yes"),
            ("packetdefault", "drop"), ("hidetos", "yes"), ("overridemtu", "0"), ("dumpdir", ""),
        )
    ),
)  # fmt: skip

_CONN_KEYWORDS = (
    Keyword("also", CONN, text, "", DONE),
    Keyword("auto", CONN, one_of("ignore", "add", "route", "start"), "ignore", DONE, "auto"),
    Keyword("keyexchange", CONN, one_of("ike", "ikev1", "ikev2"), "ike", DONE, "keyexchange"),
    Keyword("type", CONN, one_of("tunnel", "transport", "beet", "transport_proxy", "drop", "reject", "pass",
                                 passthrough="pass"),
            "tunnel", DONE, "type", needed=True,
            works=lambda value: value != "transport_proxy"),
    Keyword("compress", CONN, yes_no, "no", DONE, "compress"),
    Keyword("installpolicy", CONN, yes_no, "yes", DONE, "install_policy"),
    Keyword("aggressive", CONN, yes_no, "no", LATER, "aggressive", works=only("no")),
    Keyword("auth", CONN, one_of("esp", "ah"), "esp", DEAD, works=only("esp"), needed=True),
    Keyword("authby", CONN, values.authby, "pubkey", DONE, "authby", works=_without("xauth"),
            needed=True),
    Keyword("eap", CONN, text, "", DEAD),
    Keyword("eap_identity", CONN, text, "", DONE, "eap_identity"),
    Keyword("aaa_identity", CONN, text, "", DONE, "aaa_identity"),
    Keyword("xauth", CONN, one_of("client", "server"), "client", LATER, "xauth"),
    Keyword("xauth_identity", CONN, text, "", LATER, "xauth_identity"),
    Keyword("mobike", CONN, yes_no, "yes", DONE, "mobike"),
    Keyword("forceencaps", CONN, yes_no, "no", DONE, "force_encaps"),
    Keyword("fragmentation", CONN, one_of("yes", "no", "accept", "force"), "yes", DONE, "fragmentation"),
    Keyword("ikedscp", CONN, values.dscp, "000000", DONE, "ikedscp"),
    Keyword("ike", CONN, values.ike_proposals, "aes128-sha256-curve25519", DONE, "ike"),
    Keyword("esp", CONN, values.esp_proposals, "aes128-sha256", DONE, "esp"),
    Keyword("ah", CONN, values.ah_proposals, "", DONE, "ah"),
    Keyword("pfs", CONN, yes_no, "yes", DEAD),
    Keyword("pfsgroup", CONN, text, "", DEAD),
    Keyword("ikelifetime", CONN, seconds, "3h", DONE, "ike_lifetime_s"),
    Keyword("lifetime", CONN, seconds, "1h", DONE, "lifetime_s", ("keylife",)),
    Keyword("lifebytes", CONN, _U64, "0", DONE, "life_bytes"),
    Keyword("lifepackets", CONN, _U64, "0", DONE, "life_packets"),
    Keyword("margintime", CONN, seconds, "9m", DONE, "margin_s", ("rekeymargin",)),
    Keyword("marginbytes", CONN, _U64, "0", DONE, "margin_bytes"),
    Keyword("marginpackets", CONN, _U64, "0", DONE, "margin_packets"),
    Keyword("rekeyfuzz", CONN, values.percent, "100%", DONE, "rekey_fuzz_percent"),
    Keyword("rekey", CONN, yes_no, "yes", DONE, "rekey"),
    Keyword("reauth", CONN, yes_no, "yes", DONE, "reauth"),
    Keyword("ppk_id", CONN, text, "", DONE, "ppk_id"),  # these two are swanctl.conf's
    Keyword("ppk_required", CONN, yes_no, "no", DONE, "ppk_required"),
    Keyword("childless", CONN, one_of("allow", "prefer", "force", "never"), "allow", DONE, "childless"),
    Keyword("keyingtries", CONN, whole(0, 2**31 - 1, forever=0), "3", DONE, "keying_tries"),
    Keyword("dpddelay", CONN, seconds, "30s", DONE, "dpd_delay_s"),
    Keyword("dpdtimeout", CONN, seconds, "150s", DONE, "dpd_timeout_s"),  # as documented, of IKEv1 only
    Keyword("dpdaction", CONN, _ACTION, "none", DONE, "dpd_action"),
    Keyword("closeaction", CONN, _ACTION, "none", DONE, "close_action"),
    Keyword("inactivity", CONN, seconds, "0", DONE, "inactivity_s"),
    Keyword("modeconfig", CONN, one_of("push", "pull"), "pull", LATER, "modeconfig"),
    Keyword("mark", CONN, values.mark, "", DONE, "mark"),
    Keyword("mark_in", CONN, values.mark, "", DONE, "mark_in"),
    Keyword("mark_out", CONN, values.mark, "", DONE, "mark_out"),
    # The next five are swanctl.conf's, `interface` is ours.
    Keyword("set_mark_in", CONN, values.fixed_mark, "", DONE, "set_mark_in"),
    Keyword("set_mark_out", CONN, values.fixed_mark, "", DONE, "set_mark_out"),
    Keyword("if_id_in", CONN, _U32, "0", DONE, "if_id_in"),
    Keyword("if_id_out", CONN, _U32, "0", DONE, "if_id_out"),
    Keyword("hw_offload", CONN, one_of("no", "auto", "crypto", "packet", yes="crypto"), "no", DONE,
            "hw_offload"),
    Keyword("interface", CONN, values.interface, "no", DONE, "interface"),
    Keyword("reqid", CONN, _U32, "0", DONE, "reqid"),
    Keyword("replay_window", CONN, whole(-1, 4096), "-1", DONE, "replay_window"),
    Keyword("sha256_96", CONN, yes_no, "no", DONE, "sha256_96"),
    Keyword("tfc", CONN, whole(0, 65535, mtu=-1), "0", DONE, "tfc"),
    Keyword("mediation", CONN, yes_no, "no", LATER, "mediation", works=only("no"), needed=True),
    Keyword("mediated_by", CONN, text, "", LATER, "mediated_by", needed=True),
    Keyword("me_peerid", CONN, text, "", LATER, "me_peerid"),
)  # fmt: skip

_END_KEYWORDS = (
    Keyword("", CONN, values.hosts, "%any", DONE, "hosts", end=True),
    Keyword("allowany", CONN, yes_no, "no", DONE, "allow_any", end=True),
    Keyword("ikeport", CONN, whole(0, 65535), "500", DONE, "ike_port", end=True),
    Keyword("nexthop", CONN, text, "%direct", DEAD, end=True),
    Keyword("subnet", CONN, values.subnets, "", DONE, "subnets", ("subnetwithin",), end=True,
            works=_without("vhost:", "vnet:"), needed=True),
    Keyword("protoport", CONN, values.protocol_port, "%any", DONE, "protoport", end=True),
    Keyword("sourceip", CONN, values.listed, "", DONE, "source_ips", end=True),
    Keyword("dns", CONN, values.listed, "", DONE, "dns", end=True),
    Keyword("encdns", CONN, values.listed, "", DONE, "encdns", end=True),  # ours: RFC 9464
    Keyword("natip", CONN, text, "", DEAD, end=True),
    Keyword("id", CONN, text, "", DONE, "id", end=True),
    Keyword("id2", CONN, text, "", DONE, "id2", end=True),
    Keyword("auth", CONN, values.auth, "pubkey", DONE, "auth", end=True, works=_without("xauth"),
            needed=True),
    Keyword("auth2", CONN, values.auth, "", DONE, "auth2", end=True,
            works=_without("xauth"), needed=True),
    Keyword("cert", CONN, values.listed, "", DONE, "certs", end=True),
    Keyword("cert2", CONN, values.listed, "", DONE, "certs2", end=True),
    Keyword("certpolicy", CONN, values.listed, "", DONE, "cert_policies", end=True),
    Keyword("sendcert", CONN, one_of("always", "ifasked", "never", yes="always", no="never"), "ifasked", DONE,
            "send_cert", end=True),
    Keyword("ca", CONN, text, "", DONE, "ca", end=True),
    Keyword("ca2", CONN, text, "", DONE, "ca2", end=True),
    Keyword("groups", CONN, values.listed, "", DONE, "groups", end=True),
    Keyword("groups2", CONN, values.listed, "", DONE, "groups2", end=True),
    Keyword("sigkey", CONN, text, "", DONE, "sigkey", ("rsasigkey",), end=True, works=_without("%dns"),
            needed=True),
    Keyword("firewall", CONN, yes_no, "no", DONE, "firewall", end=True),
    Keyword("hostaccess", CONN, yes_no, "no", DONE, "host_access", end=True),
    Keyword("updown", CONN, text, "", DONE, "updown", end=True),
)  # fmt: skip

_CA_KEYWORDS = (
    Keyword("also", CA, text, "", DONE),
    Keyword("auto", CA, one_of("ignore", "add", route="add", start="add"), "ignore", DONE, "auto"),
    Keyword("cacert", CA, text, "", DONE, "cacert"),
    Keyword("crluri", CA, text, "", DONE, "crluri", ("crluri1",)),
    Keyword("crluri2", CA, text, "", DONE, "crluri2"),
    Keyword("ocspuri", CA, text, "", DONE, "ocspuri", ("ocspuri1",)),
    Keyword("ocspuri2", CA, text, "", DONE, "ocspuri2"),
    Keyword("certuribase", CA, text, "", DONE, "certuribase"),
    Keyword("ldaphost", CA, text, "", DEAD),
    Keyword("ldapbase", CA, text, "", DEAD),
)

KEYWORDS = (*_SETUP_KEYWORDS, *_CONN_KEYWORDS, *_END_KEYWORDS, *_CA_KEYWORDS)


def _slots(section: Section) -> dict[str, Slot]:
    found: dict[str, Slot] = {}
    for keyword in KEYWORDS:
        if keyword.section is section:
            for side in ("left", "right") if keyword.end else ("",):
                slot = Slot(keyword, side)
                found.update((side + name, slot) for name in (keyword.name, *keyword.aliases))
    return found


SLOTS: dict[Section, dict[str, Slot]] = {section: _slots(section) for section in Section}
"""For each kind of section, every name that may stand before ``=``."""


def nearest(word: str, known: tuple[str, ...]) -> str:
    """The known word that ``word`` was probably meant to be, or nothing."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(word[:40].lower(), known, 1, 0.6)), "")


def nearest_keyword(word: str, section: Section) -> str:
    """The keyword of a section that ``word`` was probably meant to be, or nothing."""
    return nearest(word, tuple(SLOTS[section]))


def nearest_section(word: str) -> str:
    """The kind of section that ``word`` was probably meant to be, or nothing."""
    return nearest(word, tuple(Section))
