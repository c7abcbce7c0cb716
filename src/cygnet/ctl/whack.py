"""What ``whack``, starter and ``ipsec`` ask of pluto: the requests of a whack message.

They keep what strongSwan 4's whack can say, under our names: ``*_s`` is seconds, text is as written on the
command line or in ``ipsec.conf`` where pluto does the parsing. They travel as
:mod:`cygnet.ctl.whack_framing` says.
"""

from dataclasses import dataclass, field
from enum import IntFlag


class Policy(IntFlag):
    """What a connection does; the names are those that ``whack --status`` prints, in its order."""

    PSK = 1 << 0
    PUBKEY = 1 << 1
    ENCRYPT = 1 << 2
    AUTHENTICATE = 1 << 3
    COMPRESS = 1 << 4
    TUNNEL = 1 << 5
    PFS = 1 << 6
    DISABLEARRIVALCHECK = 1 << 7
    DONTREKEY = 1 << 8
    OPPORTUNISTIC = 1 << 9
    GROUP = 1 << 10
    GROUTED = 1 << 11
    UP = 1 << 12
    MODECFGPUSH = 1 << 13
    XAUTHPSK = 1 << 14
    XAUTHRSASIG = 1 << 15
    XAUTHSERVER = 1 << 16
    DONTREAUTH = 1 << 17
    BEET = 1 << 18
    MOBIKE = 1 << 19
    PROXY = 1 << 20
    AGGRESSIVE = 1 << 21  # strongSwan's pluto had no aggressive mode


SHUNTS = ("trap", "pass", "drop", "reject")
_GROUPS = ("modp", "ecp", "curve", "x25519", "x448")
FAILURES = ("none", "pass", "drop", "reject")


def names_group(proposals: str) -> bool:
    """Whether ``esp=`` or ``ah=`` names a group, which is what PFS means in strongSwan 6."""
    words = proposals.rstrip("!").replace(",", "-").split("-")
    return any(word.strip().startswith(_GROUPS) for word in words)


@dataclass(frozen=True, slots=True)
class End:
    """One end of a connection; which of them is this host is decided by pluto.

    ``host`` is an address, a range, a name or a word such as ``%any``; ``client`` a comma list of subnets,
    empty for the host itself, with ``client_within`` any part of it. ``from_port`` to ``to_port`` are
    ``--clientprotoport``'s. ``auth`` empty means as the policy says. ``sigkey`` is ``leftsigkey``.
    """

    host: str = "%any"
    ikeport: int = 500
    nexthop: str = ""
    id: str = ""
    cert: str = ""
    ca: str = ""
    sendcert: str = "ifasked"
    groups: str = ""
    client: str = ""
    client_within: bool = False
    protocol: int = 0
    from_port: int = 0
    to_port: int = 65535
    srcip: str = ""
    dns: str = ""
    updown: str = ""
    hostaccess: bool = False
    dns_key_on_demand: bool = False
    allow_any: bool = False
    auth: str = ""
    auth2: str = ""
    sigkey: str = ""
    id2: str = ""


@dataclass(frozen=True, slots=True)
class AddConnection:
    """Load one connection. ``policy`` is a :class:`Policy`; families 0 mean as the addresses are.

    ``either_version``: charon has it too and initiates; here it is for peers that begin with IKEv1.
    """

    name: str
    left: End = field(default_factory=End)
    right: End = field(default_factory=End)
    policy: int = 0
    shunt: str = "trap"
    failure: str = "none"
    host_family: int = 0
    client_family: int = 0
    either_version: bool = False
    ike: str = ""
    esp: str = ""
    ah: str = ""
    pfsgroup: str = ""
    ike_lifetime_s: float = 10800
    ipsec_lifetime_s: float = 3600
    margin_s: float = 540
    fuzz_percent: int = 100
    keying_tries: int = 3
    dpd_action: str = "none"
    dpd_delay_s: float = 30
    dpd_timeout_s: float = 150
    close_action: str = "none"
    xauth_identity: str = ""
    force_encaps: bool = False
    fragmentation: str = "yes"
    life_bytes: int = 0
    margin_bytes: int = 0
    life_packets: int = 0
    margin_packets: int = 0
    inactivity_s: float = 0
    reqid: int = 0
    replay_window: int = -1
    ikedscp: int = 0
    sha256_96: bool = False
    mark_in: str = ""
    mark_out: str = ""
    install_policy: bool = True
    unique: str = "yes"
    crl_policy: str = "no"

    @property
    def pfs_as_phase_1(self) -> bool:
        """Whether PFS is wanted and no group said for it: then it is that of phase 1."""
        named = self.pfsgroup or names_group(self.esp) or names_group(self.ah)
        return bool(self.policy & Policy.PFS) and not named


@dataclass(frozen=True, slots=True)
class Status:
    """``--status`` and, with ``all``, ``--statusall``, of everything or of one connection.

    With ``suite`` the format is that of ``ipsec status``, for one view of both daemons.
    """

    name: str = ""
    all: bool = False
    suite: bool = False


@dataclass(frozen=True, slots=True)
class Shutdown:
    """``--shutdown``: delete the SAs and end."""


@dataclass(frozen=True, slots=True)
class Options:
    """``--debug-X`` and ``--impair-X``."""

    debug: tuple[str, ...] = ()
    impair: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MyId:
    """``--myid``: what ``%myid`` stands for."""

    id: str


@dataclass(frozen=True, slots=True)
class DeleteConnection:
    """``--delete``: forget a connection and end its SAs; ``missing_ok``: it may be unknown."""

    name: str
    missing_ok: bool = False


@dataclass(frozen=True, slots=True)
class DeleteState:
    """``--deletestate``: end one SA by its number."""

    number: int


@dataclass(frozen=True, slots=True)
class Crash:
    """``--crash``: the peer at this address has lost its SAs; end ours and begin anew."""

    host: str


@dataclass(frozen=True, slots=True)
class DeleteAuthority:
    """``--caname`` with ``--delete``."""

    name: str


@dataclass(frozen=True, slots=True)
class AddAuthority:
    """``--caname``: load one ``ca`` section."""

    name: str
    cacert: str = ""
    ldaphost: str = ""
    ldapbase: str = ""
    crluri: str = ""
    crluri2: str = ""
    ocspuri: str = ""
    strict_crl_policy: bool = False


@dataclass(frozen=True, slots=True)
class Listen:
    """``--listen``: secrets are read, and from now on peers are heard."""


@dataclass(frozen=True, slots=True)
class Unlisten:
    """``--unlisten``: peers are not heard any more."""


@dataclass(frozen=True, slots=True)
class Reread:
    """``--rereadsecrets`` and its kin; ``kinds`` are words such as ``secrets``, ``cacerts``, ``all``."""

    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Purge:
    """``--purgeocsp``."""

    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AddKey:
    """``--keyid``: a peer's raw RSA key; without ``add`` those known are forgotten first."""

    id: str
    add: bool = False
    rsa: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """``--route``: catch packets of a connection that is not up."""

    name: str


@dataclass(frozen=True, slots=True)
class Unroute:
    """``--unroute``: catch them no more."""

    name: str


@dataclass(frozen=True, slots=True)
class Initiate:
    """``--initiate``: negotiate; the answer follows unless ``asynchronous``.

    ``lasting``: it is to be up for good (``auto=start``), whatever happens to it.
    """

    name: str
    asynchronous: bool = False
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class UserCredentials:
    """``--xauthname``, ``--xauthpass``: who we are to a server that asks for a user of XAUTH.

    Without a password pluto asks for it.
    """

    name: str
    username: str
    password: str = ""


@dataclass(frozen=True, slots=True)
class Opportunistic:
    """``--oppohere``, ``--oppothere``: opportunistic encryption between two addresses."""

    here: str
    there: str
    asynchronous: bool = False


@dataclass(frozen=True, slots=True)
class Terminate:
    """``--terminate``: end the SAs of ``NAME``, ``NAME[n]`` (an instance), ``NAME[*]``, or ``#n`` alone.

    With ``suite`` numbers are those of ``ipsec status``: ``NAME[n]`` an ISAKMP SA, ``NAME{n}`` an IPsec SA.
    """

    name: str
    asynchronous: bool = False
    suite: bool = False


@dataclass(frozen=True, slots=True)
class Rekey:
    """``ipsec rekey``: new keys for what ``Terminate`` with ``suite`` would end; no option of whack."""

    name: str


@dataclass(frozen=True, slots=True)
class List:
    """``--listcerts`` and its kin; ``kinds`` are words such as ``certs``, ``algs``, ``all``."""

    kinds: tuple[str, ...]
    utc: bool = False


@dataclass(frozen=True, slots=True)
class Leases:
    """``--leases`` of all pools, of one, of one address or of one identity."""

    pool: str = ""
    address: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class SmartCard:
    """``--scencrypt``, ``--scdecrypt``: have a smart card encrypt or decrypt ``value``."""

    decrypt: bool
    value: str
    in_base: str = "hex"
    out_base: str = "hex"
    key_id: str = ""


Request = (
    Options | MyId | DeleteConnection | DeleteState | Crash | AddConnection | DeleteAuthority | AddAuthority
    | Listen | Unlisten | Reread | Purge | AddKey | Route | Unroute | UserCredentials | Initiate
    | Opportunistic | Terminate | Rekey | List | Leases | SmartCard | Status | Shutdown
)  # fmt: skip
