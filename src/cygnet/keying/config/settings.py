"""The daemon's own settings: one row per option of ``strongswan.conf``, typed, with its default.

The defaults are strongSwan 6's; rows that it lacks say so. Times are seconds.
"""

from dataclasses import dataclass, field, fields
from typing import Protocol, TypeVar

T = TypeVar("T")
MOST_PATIENCE_S = 600.0
OCSP = ("never", "reply", "request", "both")
"""Values of ``ocsp``: who sends OCSP responses inside IKEv2 (RFC 4806), the asked, the asking or both."""


class Source(Protocol):
    """Where values come from (``conf.settings.Settings``); a value that cannot be read is the default."""

    def get(self, path: str, default: str = "") -> str:
        """A value as text."""

    def get_int(self, path: str, default: int) -> int:
        """A value as an integer."""

    def get_float(self, path: str, default: float) -> float:
        """A value as a number."""

    def get_bool(self, path: str, default: bool) -> bool:
        """A value as yes or no."""

    def get_time(self, path: str, default: float) -> float:
        """A value in seconds."""


@dataclass(frozen=True, slots=True)
class Row:
    """How an option is read: its path, the limits it is held to, whether it is a time."""

    path: str
    low: float
    high: float
    time: bool


def option(path: str, default: T, low: float = 0, high: float = 2**32) -> T:
    """One option: its path below ``charon.``, its default and its limits."""
    return field(default=default, metadata={"row": Row(f"charon.{path}", low, high, False)})


def duration(path: str, default: float, low: float = 0, high: float = 31536000) -> float:
    """One option that is a time in seconds."""
    return field(default=default, metadata={"row": Row(f"charon.{path}", low, high, True)})


@dataclass(frozen=True, slots=True)
class DaemonSettings:
    """Every option that this version knows; all limits of the daemon are among them."""

    threads: int = option("threads", 16, 4, 1024)
    critical_threads: int = option("processor.priority_threads.critical", 0, 0, 512)
    high_threads: int = option("processor.priority_threads.high", 2, 0, 512)  # 0 in strongSwan: see below
    medium_threads: int = option("processor.priority_threads.medium", 0, 0, 512)
    low_threads: int = option("processor.priority_threads.low", 0, 0, 512)
    # Two threads are kept for INFORMATIONAL, so that slow authentications never hold up a DPD answer.
    load: str = option("load", "")
    user: str = option("user", "")
    group: str = option("group", "")

    # Sockets and packets. `socket` and `kernel` are ours: which kind to use, `auto` for the best.
    socket: str = option("socket", "auto")
    kernel: str = option("kernel", "auto")
    port: int = option("port", 500, 0, 65535)
    port_nat_t: int = option("port_nat_t", 4500, 0, 65535)
    max_packet: int = option("max_packet", 10000, 1280, 65535)
    fragment_size: int = option("fragment_size", 1280, 0, 65535)
    receive_queue: int = option("receive_queue", 4096, 1)  # ours: datagrams waiting for a worker
    send_queue: int = option("send_queue", 4096, 1)  # ours: datagrams waiting for the sender
    event_queue: int = option("event_queue", 1_000_000, 1)  # ours: timers waiting for their time
    mailbox: int = option("mailbox", 64, 1)  # ours: jobs waiting for one IKE_SA

    # Retransmission, liveness, lifetimes of half-open SAs.
    retransmit_tries: int = option("retransmit_tries", 5, 0, 1000)
    retransmit_timeout_s: float = duration("retransmit_timeout", 4.0, 0.001)
    retransmit_base: float = option("retransmit_base", 1.8, 1, 100)
    retransmit_jitter_percent: int = option("retransmit_jitter", 0, 0, 20)
    retransmit_limit_s: float = duration("retransmit_limit", 0.0)
    nat_traversal: bool = option("nat_traversal", True)  # ours: look for NATs, use UDP where there are any
    keep_alive_s: float = duration("keep_alive", 20.0)
    keep_alive_dpd_margin_s: float = duration("keep_alive_dpd_margin", 0.0)
    half_open_timeout_s: float = duration("half_open_timeout", 30.0)
    retry_initiate_interval_s: float = duration("retry_initiate_interval", 0.0)
    followup_timeout_s: float = duration("followup_timeout", 20.0, 1)  # ours: RFC 9370, 2.2.4
    delete_rekeyed: bool = option("delete_rekeyed", False)  # IKEv1 only, as in strongSwan
    delete_rekeyed_delay_s: float = duration("delete_rekeyed_delay", 5.0)

    # Flood protection.
    dos_protection: bool = option("dos_protection", True)
    cookie_threshold: int = option("cookie_threshold", 30, 0)
    cookie_threshold_ip: int = option("cookie_threshold_ip", 3, 0)
    block_threshold: int = option("block_threshold", 5, 0)
    init_limit_half_open: int = option("init_limit_half_open", 0, 0)
    init_limit_job_load: int = option("init_limit_job_load", 0, 0)
    ikesa_limit: int = option("ikesa_limit", 0, 0)

    # Behaviour of IKE.
    prefer_best_path: bool = option("prefer_best_path", False)
    check_current_path: bool = option("check_current_path", False)
    roam_events: bool = option("plugins.kernel-netlink.roam_events", True)
    process_route: bool = option("process_route", True)
    interfaces_use: str = option("interfaces_use", "")
    interfaces_ignore: str = option("interfaces_ignore", "")
    reuse_ikesa: bool = option("reuse_ikesa", True)
    make_before_break: bool = option("make_before_break", True)
    close_ike_on_child_failure: bool = option("close_ike_on_child_failure", False)
    inactivity_close_ike: bool = option("inactivity_close_ike", False)
    initiator_only: bool = option("initiator_only", False)
    prefer_configured_proposals: bool = option("prefer_configured_proposals", True)
    accept_private_algs: bool = option("accept_private_algs", False)
    send_vendor_id: bool = option("send_vendor_id", False)
    multiple_authentication: bool = option("multiple_authentication", True)
    signature_authentication: bool = option("signature_authentication", True)
    signature_authentication_constraints: bool = option("signature_authentication_constraints", True)
    rsa_pss: bool = option("rsa_pss", False)
    reject_trusted_end_entity: bool = option("reject_trusted_end_entity", False)
    cert_cache: bool = option("cert_cache", True)
    certificate_chain_limit: int = option("certificate_chain_limit", 7, 1, 32)  # ours: path length

    # Certificates. `max_fetches` and `failure_timeout` are ours: fetches at a time, and how long a dead
    # server is left alone.
    cache_crls: bool = option("cache_crls", False)
    ocsp_nonce_octets: int = option("ocsp_nonce_len", 32, 0, 32)
    revocation_crl: bool = option("plugins.revocation.enable_crl", True)
    revocation_ocsp: bool = option("plugins.revocation.enable_ocsp", True)
    revocation_timeout_s: float = duration("plugins.revocation.timeout", 10.0, 0.1, 600)
    revocation_max_fetches: int = option("plugins.revocation.max_fetches", 8, 1, 64)
    revocation_failure_s: float = duration("plugins.revocation.failure_timeout", 30.0)
    curl_redirects: int = option("plugins.curl.redir", 5, 0, 20)  # -1, without limit, in strongSwan
    addrblock_strict: bool = option("plugins.addrblock.strict", True)
    hash_and_url: bool = option("hash_and_url", False)
    ocsp: str = option("ocsp", "reply")  # of OCSP; strongSwan has it in swanctl.conf

    tls_version_min: str = option("tls.version_min", "1.2")
    tls_version_max: str = option("tls.version_max", "1.3")

    # EAP over TLS, as either side; the rest as server. An empty `phase2_method` lets peers choose: strongSwan
    # has md5 for TTLS and mschapv2 for PEAP. 0 messages are as many as an EAP conversation may have.
    eap_tls_fragment_size: int = option("plugins.eap-tls.fragment_size", 1024, 100, 65535)
    eap_tls_max_messages: int = option("plugins.eap-tls.max_message_count", 32)
    eap_tls_include_length: bool = option("plugins.eap-tls.include_length", True)
    eap_ttls_fragment_size: int = option("plugins.eap-ttls.fragment_size", 1024, 100, 65535)
    eap_ttls_max_messages: int = option("plugins.eap-ttls.max_message_count", 32)
    eap_ttls_include_length: bool = option("plugins.eap-ttls.include_length", True)
    eap_ttls_method: str = option("plugins.eap-ttls.phase2_method", "")
    eap_ttls_peer_auth: bool = option("plugins.eap-ttls.request_peer_auth", False)
    eap_ttls_tnc: bool = option("plugins.eap-ttls.phase2_tnc", False)
    eap_peap_fragment_size: int = option("plugins.eap-peap.fragment_size", 1024, 100, 65535)
    eap_peap_max_messages: int = option("plugins.eap-peap.max_message_count", 32)
    eap_peap_include_length: bool = option("plugins.eap-peap.include_length", False)
    eap_peap_method: str = option("plugins.eap-peap.phase2_method", "")
    eap_peap_piggyback: bool = option("plugins.eap-peap.phase2_piggyback", False)
    eap_peap_peer_auth: bool = option("plugins.eap-peap.request_peer_auth", False)
    eap_peap_tnc: bool = option("plugins.eap-peap.phase2_tnc", False)

    # Limits of one IKE_SA, and unprotected INVALID_IKE_SPI notifies per second; all ours.
    invalid_ike_spi_rate: float = option("invalid_ike_spi_rate", 0.0, 0, 1000)
    max_children: int = option("max_children", 1000, 1, 1_000_000)
    max_followups: int = option("max_followups", 8, 1, 1000)
    max_queued_tasks: int = option("max_queued_tasks", 1000, 1, 1_000_000)
    max_init_retries: int = option("max_init_retries", 5, 1, 100)
    max_certificates: int = option("max_certificates", 10, 1, 100)

    # Addresses and name servers: what peers are told, and what becomes of what peers tell us.
    dns1: str = option("dns1", "")
    dns2: str = option("dns2", "")
    nbns1: str = option("nbns1", "")
    nbns2: str = option("nbns2", "")
    max_virtual_ips: int = option("max_virtual_ips", 8, 1, 64)  # ours: of one IKE_SA
    install_virtual_ip: bool = option("install_virtual_ip", True)
    install_virtual_ip_on: str = option("install_virtual_ip_on", "")  # empty: the device of the tunnels
    resolve_load: bool = option("plugins.resolve.load", True)
    resolve_file: str = option("plugins.resolve.file", "/etc/resolv.conf")
    resolve_command: str = option("plugins.resolve.resolvconf.path", "/sbin/resolvconf")
    resolve_resolvectl: str = option("plugins.resolve.resolvectl", "")  # ours: systemd-resolved's program
    resolve_interface: str = option("plugins.resolve.resolvconf.iface", "lo.ipsec")

    # Kernel.
    install_routes: bool = option("install_routes", True)
    routing_table: int = option("routing_table", 220, 0, 4294967295)
    routing_table_priority: int = option("routing_table_prio", 220, 0, 4294967295)
    replay_window: int = option("replay_window", 32, 0, 4096)
    reqid_base: int = option("reqid_base", 1, 1, 16383)
    xfrm_acq_expires: int = option("plugins.kernel-netlink.xfrm_acq_expires", 0, 0, 86400)  # 0: computed
    spi_min: int = option("spi_min", 0xC0000000, 0x100, 0xFFFFFFFF)
    spi_max: int = option("spi_max", 0xCFFFFFFF, 0x100, 0xFFFFFFFF)

    # Keys for Wireshark: off unless loaded, told where, and which.
    save_keys_load: bool = option("plugins.save-keys.load", False)
    save_keys_ike: bool = option("plugins.save-keys.ike", False)
    save_keys_esp: bool = option("plugins.save-keys.esp", False)
    save_keys_folder: str = option("plugins.save-keys.wireshark_keys", "")

    # The stroke socket and backend. `max_clients` is ours: of any command, `max_concurrent` of `up`.
    stroke_allow_swap: bool = option("plugins.stroke.allow_swap", True)
    stroke_max_concurrent: int = option("plugins.stroke.max_concurrent", 4, 1, 1024)
    stroke_max_clients: int = option("plugins.stroke.max_clients", 64, 1, 1024)
    stroke_max_connections: int = option("plugins.stroke.max_connections", 100_000, 1)  # ours
    stroke_timeout_s: float = duration("plugins.stroke.timeout", 0.0)
    stroke_prevent_loglevel_changes: bool = option("plugins.stroke.prevent_loglevel_changes", False)
    stroke_secrets_file: str = option("plugins.stroke.secrets_file", "")
    stroke_socket: str = option("plugins.stroke.socket", "")
    backends: str = option("backends", "stroke")  # ours: the stores that are asked, in this order

    @property
    def split_dns(self) -> bool:
        """Whether this host can ask some servers about some domains only (RFC 8598)."""
        return bool(self.resolve_resolvectl)

    @property
    def sends_ocsp(self) -> bool:
        """Whether a peer that asks for an OCSP response gets one."""
        return self.ocsp in ("reply", "both")

    @property
    def asks_ocsp(self) -> bool:
        """Whether peers are asked for one."""
        return self.ocsp in ("request", "both")

    @property
    def answer_patience_s(self) -> float:
        """How long a peer that retransmits as we do waits for an answer; ten minutes at most."""
        total, delay = 0.0, self.retransmit_timeout_s
        for _ in range(self.retransmit_tries + 1):
            total += min(delay, self.retransmit_limit_s) if self.retransmit_limit_s else delay
            delay *= self.retransmit_base
            if total >= MOST_PATIENCE_S:
                return MOST_PATIENCE_S
        return total


def load(source: Source) -> DaemonSettings:
    """The settings of a ``strongswan.conf``; numbers beyond an option's limits are brought to the limit."""
    rows = fields(DaemonSettings)
    values = {entry.name: _value(source, entry.metadata["row"], entry.default) for entry in rows}
    return DaemonSettings(**values)  # type: ignore[arg-type]


def beyond_limits(source: Source) -> list[str]:
    """A sentence for each number that :func:`load` brings to a limit."""
    found = []
    for entry in fields(DaemonSettings):
        row, number = entry.metadata["row"], _number(source, entry.metadata["row"], entry.default)
        if number is not None and number != (used := _limited(row, number)):
            limits = f"{row.low:.12g} to {row.high:.12g}"
            found.append(f"{row.path} = {number:.12g} is beyond its limits, {limits}; using {used:.12g}")
    return found


def _value(source: Source, row: Row, default: object) -> object:
    if isinstance(default, bool):
        return source.get_bool(row.path, default)
    number = _number(source, row, default)
    if number is None:
        return source.get(row.path, str(default))
    limited = _limited(row, number)
    return int(limited) if isinstance(default, int) else limited


def _number(source: Source, row: Row, default: object) -> float | None:
    """What stands there for an option that is a number."""
    if isinstance(default, bool):
        return None
    if isinstance(default, int):
        return source.get_int(row.path, default)
    if isinstance(default, float):
        return (source.get_time if row.time else source.get_float)(row.path, default)
    return None


def _limited(row: Row, number: float) -> float:
    return float(min(max(number, row.low), row.high))
