"""whack's options, one row each: where its value goes (strongSwan 4's ``whack`` and what pluto has since).

A row names its argument as help shows it, converts it, and says what it is for: a field of the end or of
the connection being described, a bit of its policy, or an action.
"""

from collections.abc import Callable
from dataclasses import dataclass

from cygnet.ctl.whack import FAILURES, SHUNTS, Policy
from cygnet.whack.values import Convert, address, one_of, protocol_port, seconds, text, whole


@dataclass(frozen=True, slots=True)
class Option:
    """One option. ``argument`` empty: it takes none, and ``value`` is what it sets.

    ``place`` is ``end``, ``connection``, ``policy``, ``action``, ``authority``, ``general`` or ``modifier``
    (of an action); ``name`` is the field or the action there.
    """

    place: str
    name: str
    argument: str = ""
    convert: Convert = text
    value: object = True


def _field(place: str, name: str, argument: str, convert: Convert = text) -> Option:
    return Option(place, name, argument, convert)


def _set(place: str, name: str, value: object = True) -> Option:
    return Option(place, name, value=value)


def _policies(**names: Policy) -> dict[str, Option]:
    return {name: Option("policy", name, value=bit) for name, bit in names.items()}


def _actions(*names: str) -> dict[str, Option]:
    return {name: Option("action", name) for name in names}


LISTS = (
    "algs", "pubkeys", "certs", "cacerts", "acerts", "aacerts", "ocspcerts", "groups", "cainfos", "crls",
    "ocsp", "cards", "plugins", "all",
)  # fmt: skip
REREADS = ("secrets", "cacerts", "aacerts", "ocspcerts", "acerts", "crls", "all")
PURGES = ("ocsp", "certs", "crls", "ike")
DEBUGS = (
    "none", "all", "raw", "crypt", "parsing", "emitting", "control", "lifecycle", "kernel", "klips", "dns",
    "natt", "oppo", "controlmore", "private",
)  # fmt: skip
IMPAIRS = ("delay-adns-key-answer", "delay-adns-txt-answer", "bust-mi2", "bust-mr2")
BASES = one_of("hex", "base64", "ascii", "text", "256", "16", "64", **{"2": "2", "8": "8", "10": "10"})
_ACTION = one_of("none", "clear", "hold", "restart")
_HOSTS = ("%any", "%opportunistic", "%opportunisticgroup", "%group")

SECTIONS: tuple[tuple[str, dict[str, Option]], ...] = (
    ("General", {
        "help": _set("general", "help"),
        "version": _set("general", "version"),
        "optionsfrom": _field("general", "optionsfrom", "FILE"),
        "label": _field("general", "label", "STRING"),
        "ctlbase": _field("general", "ctlbase", "PATH"),
        "name": _field("general", "name", "NAME"),
    }),
    ("One end of a connection; --to begins the other", {
        "host": _field("end", "host", f"ADDRESS|{'|'.join(_HOSTS)}"),
        "id": _field("end", "id", "IDENTITY"),
        "cert": _field("end", "cert", "FILE"),
        "ca": _field("end", "ca", "DN"),
        "sendcert": _field("end", "sendcert", "always|ifasked|never",
                           one_of("always", "ifasked", "never", yes="always", no="never")),
        "groups": _field("end", "groups", "LIST"),
        "ikeport": _field("end", "ikeport", "PORT", whole(1, 65535)),
        "nexthop": _field("end", "nexthop", "ADDRESS"),
        "client": _field("end", "client", "SUBNET"),
        "clientwithin": _field("end", "clientwithin", "SUBNET"),
        "clientprotoport": _field("end", "clientprotoport", "PROTOCOL/PORT", protocol_port),
        "srcip": _field("end", "srcip", "ADDRESS"),
        "dnskeyondemand": _set("end", "dns_key_on_demand"),
        "hostaccess": _set("end", "hostaccess"),
        "updown": _field("end", "updown", "COMMAND"),
        "to": _set("general", "to"),
    }),
    ("A connection", {
        **_policies(
            psk=Policy.PSK, rsasig=Policy.PUBKEY, xauthpsk=Policy.XAUTHPSK, xauthrsasig=Policy.XAUTHRSASIG,
            xauthserver=Policy.XAUTHSERVER, aggressive=Policy.AGGRESSIVE, encrypt=Policy.ENCRYPT,
            authenticate=Policy.AUTHENTICATE, compress=Policy.COMPRESS, tunnel=Policy.TUNNEL, pfs=Policy.PFS,
            disablearrivalcheck=Policy.DISABLEARRIVALCHECK, dontrekey=Policy.DONTREKEY,
            dontreauth=Policy.DONTREAUTH, modecfgpush=Policy.MODECFGPUSH,
        ),
        "tunnelipv4": _set("connection", "client_family", 4),
        "tunnelipv6": _set("connection", "client_family", 6),
        "ipv4": _set("connection", "host_family", 4),
        "ipv6": _set("connection", "host_family", 6),
        "initiateontraffic": _set("connection", "shunt", SHUNTS[0]),
        **{word: _set("connection", "shunt", word) for word in SHUNTS[1:]},
        **{f"fail{word}": _set("connection", "failure", word) for word in FAILURES},
        "ikelifetime": _field("connection", "ike_lifetime_s", "SECONDS", seconds),
        "ipseclifetime": _field("connection", "ipsec_lifetime_s", "SECONDS", seconds),
        "rekeymargin": _field("connection", "margin_s", "SECONDS", seconds),
        "rekeyfuzz": _field("connection", "fuzz_percent", "PERCENT", whole(0, 10000)),
        "keyingtries": _field("connection", "keying_tries", "COUNT", whole(0, 2**31 - 1)),
        "ike": _field("connection", "ike", "PROPOSALS"),
        "esp": _field("connection", "esp", "PROPOSALS"),
        "pfsgroup": _field("connection", "pfsgroup", "GROUP"),
        "dpdaction": _field("connection", "dpd_action", "none|clear|hold|restart", _ACTION),
        "xauthidentity": _field("connection", "xauth_identity", "USER"),
        "dpddelay": _field("connection", "dpd_delay_s", "SECONDS", seconds),
        "dpdtimeout": _field("connection", "dpd_timeout_s", "SECONDS", seconds),
    }),
    ("Actions on the connection --name", _actions("route", "unroute", "initiate", "terminate", "delete")),
    ("Who we are to a server that asks for a user of XAUTH, by the connection --name", {
        "xauthname": _field("modifier", "xauth_name", "USER"),
        "xauthpass": _field("modifier", "xauth_pass", "PASSWORD"),
    }),
    ("Do not follow what was begun", {"asynchronous": _set("modifier", "asynchronous")}),
    ("Actions on SAs", {
        "deletestate": _field("action", "deletestate", "NUMBER", whole(1, 2**31 - 1)),
        "crash": _field("action", "crash", "ADDRESS", address),
    }),
    ("The daemon", {
        **_actions("listen", "unlisten", "shutdown", "status", "statusall"),
        "myid": _field("action", "myid", "IDENTITY"),
    }),
    ("Opportunistic encryption", {
        "oppohere": _field("modifier", "oppohere", "ADDRESS", address),
        "oppothere": _field("modifier", "oppothere", "ADDRESS", address),
    }),
    ("A raw public key", {
        "keyid": _field("modifier", "keyid", "IDENTITY"),
        "addkey": _set("modifier", "addkey"),
        "pubkeyrsa": _field("modifier", "pubkeyrsa", "KEY"),
    }),
    ("Leases of the pool --name", {
        **_actions("leases"),
        "lease-addr": _field("modifier", "lease_addr", "ADDRESS", address),
        "lease-id": _field("modifier", "lease_id", "IDENTITY"),
    }),
    ("Lists", {
        "utc": _set("modifier", "utc"),
        **{f"list{word}": Option("list", word) for word in LISTS},
    }),
    ("Files to be read again, answers to be forgotten", {
        **{f"reread{word}": Option("reread", word) for word in REREADS},
        **{f"purge{word}": Option("purge", word) for word in PURGES},
    }),
    ("A certification authority", {
        "caname": _field("authority", "name", "NAME"),
        "cacert": _field("authority", "cacert", "FILE"),
        "ldaphost": _field("authority", "ldaphost", "HOST"),
        "ldapbase": _field("authority", "ldapbase", "BASE"),
        "crluri": _field("authority", "crluri", "URI"),
        "crluri2": _field("authority", "crluri2", "URI"),
        "ocspuri": _field("authority", "ocspuri", "URI"),
        "strictcrlpolicy": _set("authority", "strict_crl_policy"),
    }),
    ("A smart card", {
        "scencrypt": _field("action", "scencrypt", "VALUE"),
        "scdecrypt": _field("action", "scdecrypt", "VALUE"),
        "inbase": _field("modifier", "in_base", "BASE", BASES),
        "outbase": _field("modifier", "out_base", "BASE", BASES),
    }),
    ("Debugging", {
        **{f"debug-{word}": Option("debug", word) for word in DEBUGS},
        **{f"impair-{word}": Option("impair", word) for word in IMPAIRS},
    }),
)  # fmt: skip

OPTIONS: dict[str, Option] = {name: option for _, rows in SECTIONS for name, option in rows.items()}

SHORT = {"h": "help", "v": "version", "t": "to"}
"""Short forms."""

Read = Callable[[str], str]
"""Reads the file of ``--optionsfrom``."""
