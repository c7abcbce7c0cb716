"""The stroke messages: what starter, ``stroke`` and ``ipsec`` ask of charon, and what comes back.

One request goes over one connection to ``charon.ctl``; charon answers with lines of text and one
:class:`Done`. The octets are those of :mod:`cygnet.ctl.frames`, whose ``converse`` is the whole client
for anyone with a connected socket.

The messages keep the fields of strongSwan's stroke protocol under our names: ``*_s`` is seconds, text
is as written in ``ipsec.conf`` where charon does the parsing (addresses, subnets, identities, proposals).
"""

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, ClassVar

from cygnet.ctl import frames
from cygnet.ctl.frames import ControlError
from cygnet.ctl.records import record

if TYPE_CHECKING:
    from cygnet.ctl.frames import Stream

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_STOPPED, EXIT_UNKNOWN, EXIT_NOT_RUNNING = 0, 1, 2, 3, 4, 7


@dataclass(frozen=True, slots=True)
class Text:
    """A line of the answer, without its newline."""

    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """The end of an answer: the command's exit code and, after a failure, why."""

    exit_code: int = EXIT_OK
    reason: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """``left`` or ``right`` of a connection; which of them is this host is decided by charon.

    ``auth`` empty means as ``authby`` says. ``address`` is a comma list of addresses, ranges, prefixes,
    names or ``%any``. ``subnets`` is a comma list with ``[proto/port]`` and ``%dynamic``, empty for the
    host itself. Ports are those of ``leftprotoport``: 0 to 65535 is any, 65535 to 0 opaque.
    """

    address: str = "%any"
    ikeport: int = 500
    allow_any: bool = False
    auth: str = ""
    auth2: str = ""
    id: str = ""
    id2: str = ""
    eap_id: str = ""
    sigkey: str = ""
    cert: str = ""
    cert2: str = ""
    ca: str = ""
    ca2: str = ""
    groups: str = ""
    groups2: str = ""
    cert_policy: str = ""
    sendcert: str = "ifasked"
    subnets: str = ""
    protocol: int = 0
    from_port: int = 0
    to_port: int = 65535
    sourceip: str = ""
    dns: str = ""
    encdns: str = ""
    updown: str = ""
    hostaccess: bool = False


@dataclass(frozen=True, slots=True)
class AddConnection:
    """Load one ``conn``. ``version`` is 0 for ``keyexchange=ike``, else 1 or 2.

    ``mode`` is the value of ``type``; ``tfc`` -1 is ``%mtu``; ``replay_window`` -1 the daemon's default;
    ``keying_tries`` 0 is ``%forever``; actions are ``none``, ``clear``, ``hold`` or ``restart``.
    ``interface`` is ``no``, or ``auto``, ``xfrm`` or ``vti``, with ``:NAME`` behind it or not.
    """

    kind: ClassVar[str] = "add-connection"
    name: str
    left: End = field(default_factory=End)
    right: End = field(default_factory=End)
    version: int = 0
    mode: str = "tunnel"
    authby: str = ""
    eap_identity: str = ""
    aaa_identity: str = ""
    xauth_identity: str = ""
    aggressive: bool = False
    pushmode: bool = False
    mobike: bool = True
    force_encaps: bool = False
    fragmentation: str = "yes"
    compress: bool = False
    install_policy: bool = True
    ike: str = ""
    esp: str = ""
    ah: str = ""
    ike_lifetime_s: float = 10800
    lifetime_s: float = 3600
    margin_s: float = 540
    life_bytes: int = 0
    margin_bytes: int = 0
    life_packets: int = 0
    margin_packets: int = 0
    fuzz_percent: int = 100
    rekey: bool = True
    reauth: bool = True
    ppk_id: str = ""
    ppk_required: bool = False
    childless: str = "allow"
    keying_tries: int = 3
    unique: str = "yes"
    crl_policy: str = "no"
    cache_crls: bool = False
    dpd_delay_s: float = 30
    dpd_timeout_s: float = 150
    dpd_action: str = "none"
    close_action: str = "none"
    inactivity_s: float = 0
    reqid: int = 0
    replay_window: int = -1
    tfc: int = 0
    ikedscp: int = 0
    sha256_96: bool = False
    mark_in: str = ""
    mark_out: str = ""
    set_mark_in: str = ""
    set_mark_out: str = ""
    if_id_in: int = 0
    if_id_out: int = 0
    hw_offload: str = "no"
    interface: str = "no"
    mediation: bool = False
    mediated_by: str = ""
    me_peerid: str = ""


@dataclass(frozen=True, slots=True)
class DeleteConnection:
    """Forget one ``conn``; its SAs stay."""

    kind: ClassVar[str] = "delete-connection"
    name: str


@dataclass(frozen=True, slots=True)
class AddAuthority:
    """Load one ``ca`` section."""

    kind: ClassVar[str] = "add-authority"
    name: str
    cacert: str = ""
    crluri: str = ""
    crluri2: str = ""
    ocspuri: str = ""
    ocspuri2: str = ""
    certuribase: str = ""


@dataclass(frozen=True, slots=True)
class DeleteAuthority:
    """Forget one ``ca`` section."""

    kind: ClassVar[str] = "delete-authority"
    name: str


@dataclass(frozen=True, slots=True)
class Initiate:
    """``up``: with ``wait`` the answer follows the negotiation, its log lines up to ``level`` included.

    ``lasting``: it is to be up from now on (``auto=start``); nothing is waited for.
    """

    kind: ClassVar[str] = "initiate"
    name: str
    wait: bool = True
    level: int = 1
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class Terminate:
    """``down`` of ``NAME``, ``NAME{n}``, ``NAME{*}``, ``NAME[n]`` or ``NAME[*]``; ``wait`` as in ``up``."""

    kind: ClassVar[str] = "terminate"
    name: str
    wait: bool = True
    level: int = 1


@dataclass(frozen=True, slots=True)
class TerminateSourceIp:
    """``down-srcip``: the SAs whose peer has a virtual address from ``start`` to ``end``."""

    kind: ClassVar[str] = "terminate-srcip"
    start: str
    end: str = ""
    wait: bool = True
    level: int = 1


@dataclass(frozen=True, slots=True)
class Rekey:
    """``rekey`` of what ``down`` would close; ``wait`` as in ``up``."""

    kind: ClassVar[str] = "rekey"
    name: str
    wait: bool = True
    level: int = 1


@dataclass(frozen=True, slots=True)
class Route:
    """``route``: install the connection's trap or shunt policy."""

    kind: ClassVar[str] = "route"
    name: str


@dataclass(frozen=True, slots=True)
class Unroute:
    """``unroute``: take the connection's trap or shunt policy back."""

    kind: ClassVar[str] = "unroute"
    name: str


@dataclass(frozen=True, slots=True)
class Status:
    """``status`` and, with ``all``, ``statusall``; ``name`` empty for everything."""

    kind: ClassVar[str] = "status"
    name: str = ""
    all: bool = False


@dataclass(frozen=True, slots=True)
class List:
    """``listcerts`` and its kin; ``kinds`` are words such as ``certs``, ``cacerts``, ``algs``, ``all``."""

    kind: ClassVar[str] = "list"
    kinds: tuple[str, ...]
    utc: bool = False


@dataclass(frozen=True, slots=True)
class Reread:
    """``rereadsecrets`` and its kin; ``kinds`` are words such as ``secrets``, ``cacerts``, ``all``."""

    kind: ClassVar[str] = "reread"
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Purge:
    """``purgecerts`` and its kin: forget what was received or fetched (``certs``, ``crls``, ``ocsp``), or
    close the IKE_SAs without a CHILD_SA (``ike``)."""

    kind: ClassVar[str] = "purge"
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kernel:
    """``kernel``: what the data plane holds; with ``check`` where it differs, with ``repair`` mended too."""

    kind: ClassVar[str] = "kernel"
    check: bool = False
    repair: bool = False


@dataclass(frozen=True, slots=True)
class LogLevel:
    """``loglevel``: the level (-1 to 4) of one group, or of ``any``."""

    kind: ClassVar[str] = "loglevel"
    group: str
    level: int


@dataclass(frozen=True, slots=True)
class Leases:
    """``leases`` of all pools, of one, or of one address in it."""

    kind: ClassVar[str] = "leases"
    pool: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Counters:
    """``listcounters``, ``resetcounters``: of the daemon, of one connection, or with ``all`` of every one."""

    kind: ClassVar[str] = "counters"
    name: str = ""
    reset: bool = False


@dataclass(frozen=True, slots=True)
class Export:
    """``exportx509`` and its kin: certificates in PEM.

    ``what`` is ``x509`` (``of`` is a subject), or ``conncert`` or ``connchain`` (``of`` is a connection).
    """

    kind: ClassVar[str] = "export"
    what: str
    of: str


@dataclass(frozen=True, slots=True)
class MemUsage:
    """``memusage``: what the daemon holds."""

    kind: ClassVar[str] = "memusage"


@dataclass(frozen=True, slots=True)
class UserCredentials:
    """``user-creds``: the user name and password with which a connection authenticates us."""

    kind: ClassVar[str] = "user-credentials"
    name: str
    username: str
    password: str = field(repr=False)


Request = (
    AddConnection | DeleteConnection | AddAuthority | DeleteAuthority | Initiate | Terminate
    | TerminateSourceIp | Rekey | Route | Unroute | Status | List | Reread | Purge | LogLevel | Leases
    | Counters | Export | MemUsage | UserCredentials | Kernel
)  # fmt: skip
REQUESTS: tuple[type[Request], ...] = (
    AddConnection, DeleteConnection, AddAuthority, DeleteAuthority, Initiate, Terminate, TerminateSourceIp,
    Rekey, Route, Unroute, Status, List, Reread, Purge, LogLevel, Leases, Counters, Export, MemUsage,
    UserCredentials, Kernel,
)  # fmt: skip


def encode(request: Request) -> bytes:
    """A request's octets, length included."""
    return frames.request_octets(request.kind, asdict(request))


def receive(stream: "Stream") -> Request:
    """The next request on a connected socket; raises :class:`ControlError`."""
    return decode(frames.read_request(stream))


def decode(values: dict[str, object]) -> Request:
    """The message of a request's fields; raises :class:`ControlError` naming the field that is wrong."""
    for message in REQUESTS:
        if message.kind == values.get("kind"):
            return record(message, {key: value for key, value in values.items() if key != "kind"})
    raise ControlError(f"unknown request '{values.get('kind')}'")


def encode_reply(reply: Text | Done) -> bytes:
    """One reply frame's octets."""
    if isinstance(reply, Done):
        return frames.done_octets(reply.exit_code, reply.reason)
    return frames.frame_octets(frames.TEXT, reply.text.encode(errors="replace"))
