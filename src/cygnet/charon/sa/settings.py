"""The daemon-wide settings of the IKEv2 core; the defaults are strongSwan's (``strongswan.conf``)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """What ``charon { … }`` in ``strongswan.conf`` sets for IKE_SAs. Times are seconds, sizes octets.

    Names are those of ``strongswan.conf`` with dots and dashes as underscores and the unit at the end;
    0 is "off" or "no limit" except where a name says otherwise.
    """

    port: int = 500
    port_nat_t: int = 4500
    retransmit_timeout_s: float = 4.0
    retransmit_base: float = 1.8
    retransmit_tries: int = 5
    retransmit_jitter_percent: int = 0
    retransmit_limit_s: float = 0
    half_open_timeout_s: float = 30
    keep_alive_s: float = 20
    delete_rekeyed_delay_s: float = 5
    fragment_size: int = 1280
    max_packet: int = 10000
    signature_authentication: bool = True
    rsa_pss: bool = False
    prefer_configured_proposals: bool = True
    close_ike_on_child_failure: bool = False
    retry_initiate_interval_s: float = 0
    make_before_break: bool = True
    # Endpoint
    dos_protection: bool = True
    cookie_threshold: int = 30
    cookie_threshold_ip: int = 3
    block_threshold: int = 5
    init_limit_half_open: int = 0
    initiator_only: bool = False
    invalid_ike_spi_per_s: float = 0
    # Limits without a name in strongSwan
    max_children: int = 1000
    max_queued_tasks: int = 100
    max_init_retries: int = 5
    max_certificates: int = 10
    max_fragments: int = 255


DEFAULTS = Settings()
