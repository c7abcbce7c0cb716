"""``ipsec.conf`` as typed records: what :func:`cygnet.conf.ipsec_conf.parse_config` returns.

Records compare by value; ``origin`` and ``origins`` (where each keyword was written) take no part in the
comparison, so that a section which only moved is an equal one. Field names are those of the ``field``
column of :mod:`cygnet.conf.keywords`. Times are seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cygnet.conf.problems import Origin, Problem, Severity

NOWHERE = Origin("", 0)


@dataclass(frozen=True, slots=True)
class Setup:
    """``config setup``. ``charondebug`` holds pairs of a log group and a level.

    ``plutostart`` is ``None`` where nothing is said: pluto is started if it is of use.
    """

    charonstart: bool = True
    plutostart: bool | None = None
    plutodebug: tuple[str, ...] = ()
    charondebug: tuple[tuple[str, int], ...] = ()
    uniqueids: str = "yes"
    cachecrls: bool = False
    strictcrlpolicy: str = "no"
    origins: Mapping[str, Origin] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class End:
    """``left…`` or ``right…`` of a connection, as written.

    ``hosts`` are addresses, prefixes, ranges, names, or one of ``%any %any4 %any6``; ``subnets``
    ``ADDRESS/BITS`` or ``%dynamic``, each perhaps with ``[PROTOCOL/PORT]`` behind. ``from_port`` to
    ``to_port`` and ``protocol`` (0: any) are ``leftprotoport``. ``auth`` is never empty:
    ``authby`` stands in where ``leftauth`` is not set; it is ``""`` for ``authby=never``.
    """

    hosts: tuple[str, ...] = ("%any",)
    allow_any: bool = False
    ike_port: int = 500
    subnets: tuple[str, ...] = ()
    protocol: int = 0
    from_port: int = 0
    to_port: int = 65535
    source_ips: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    encdns: tuple[str, ...] = ()
    id: str | None = None
    id2: str | None = None
    auth: str = "pubkey"
    auth2: str | None = None
    certs: tuple[str, ...] = ()
    certs2: tuple[str, ...] = ()
    cert_policies: tuple[str, ...] = ()
    send_cert: str = "ifasked"
    ca: str | None = None
    ca2: str | None = None
    groups: tuple[str, ...] = ()
    groups2: tuple[str, ...] = ()
    sigkey: str | None = None
    firewall: bool = False
    host_access: bool = False
    updown: str | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """One ``conn``, inherited settings included.

    ``unsupported`` names the keywords set here without which the connection would protect something else
    or let somebody else in, and which this version has not; such a connection is not loaded.
    ``keying_tries`` 0 is ``%forever``; ``reqid`` 0 is automatic; ``replay_window`` -1 is the daemon's own;
    ``mark_in`` and ``mark_out`` are ``VALUE/MASK`` as written. ``type`` ``passthrough`` reads ``pass``.
    """

    name: str
    left: End = field(default_factory=End)
    right: End = field(default_factory=End)
    auto: str = "ignore"
    keyexchange: str = "ike"
    type: str = "tunnel"
    compress: bool = False
    install_policy: bool = True
    aggressive: bool = False
    authby: str = "pubkey"
    eap_identity: str | None = None
    aaa_identity: str | None = None
    xauth: str = "client"
    xauth_identity: str | None = None
    mobike: bool = True
    force_encaps: bool = False
    fragmentation: str = "yes"
    ikedscp: int = 0
    ike: str | None = None
    esp: str | None = None
    ah: str | None = None
    ike_lifetime_s: float = 10800
    lifetime_s: float = 3600
    life_bytes: int = 0
    life_packets: int = 0
    margin_s: float = 540
    margin_bytes: int = 0
    margin_packets: int = 0
    rekey_fuzz_percent: int = 100
    rekey: bool = True
    reauth: bool = True
    ppk_id: str | None = None
    ppk_required: bool = False
    childless: str = "allow"
    keying_tries: int = 3
    dpd_delay_s: float = 30
    dpd_timeout_s: float = 150
    dpd_action: str = "none"
    close_action: str = "none"
    inactivity_s: float = 0
    modeconfig: str = "pull"
    mark_in: str | None = None
    mark_out: str | None = None
    set_mark_in: str | None = None
    set_mark_out: str | None = None
    if_id_in: int = 0
    if_id_out: int = 0
    hw_offload: str = "no"
    interface: str = "no"
    reqid: int = 0
    replay_window: int = -1
    sha256_96: bool = False
    tfc: int = 0
    mediation: bool = False
    mediated_by: str | None = None
    me_peerid: str | None = None
    unsupported: tuple[str, ...] = ()
    origin: Origin = field(default=NOWHERE, compare=False, repr=False)
    origins: Mapping[str, Origin] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Authority:
    """One ``ca`` section. ``auto`` is ``ignore`` or ``add``."""

    name: str
    auto: str = "ignore"
    cacert: str | None = None
    crluri: str | None = None
    crluri2: str | None = None
    ocspuri: str | None = None
    ocspuri2: str | None = None
    certuribase: str | None = None
    origin: Origin = field(default=NOWHERE, compare=False, repr=False)
    origins: Mapping[str, Origin] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Config:
    """All of ``ipsec.conf`` with its includes, and everything wrong with it."""

    setup: Setup = field(default_factory=Setup)
    connections: tuple[Connection, ...] = ()
    authorities: tuple[Authority, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether a start may use it: nothing worse than a mistake."""
        return all(problem.severity is not Severity.ERROR for problem in self.problems)

    @property
    def correct(self) -> bool:
        """Whether an update may use it: nothing worse than a warning."""
        return all(problem.severity is Severity.WARNING for problem in self.problems)
