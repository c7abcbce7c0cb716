"""The daemon's own settings, named after options of ``strongswan.conf``; times are seconds.

Defaults are strongSwan's; rows that it lacks say so.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DaemonSettings:
    """What the protocol core reads; all its limits are among them."""

    port: int = 500
    port_nat_t: int = 4500
    max_packet: int = 10000
    fragment_size: int = 1280

    # Retransmission, liveness, lifetimes of half-open SAs.
    retransmit_tries: int = 5
    retransmit_timeout_s: float = 4.0
    retransmit_base: float = 1.8
    retransmit_jitter_percent: int = 0
    retransmit_limit_s: float = 0.0
    keep_alive_s: float = 20.0
    half_open_timeout_s: float = 30.0
    xauth_timeout_s: float = 120.0  # ours: from the end of phase 1 until the user has proved himself
    delete_rekeyed: bool = False
    delete_rekeyed_delay_s: float = 5.0
    make_before_break_s: float = 10.0  # ours: how long an ISAKMP SA outlives the one that replaces it

    # Flood protection. IKEv1 has no cookies that cost nothing, so the number of half-open SAs is limited.
    dos_protection: bool = True
    block_threshold: int = 5
    init_limit_half_open: int = 1000  # 0 in strongSwan

    # Behaviour.
    initiator_only: bool = False
    prefer_configured_proposals: bool = True
    cisco_unity: bool = False
    install_virtual_ip: bool = True
    install_virtual_ip_on: str = ""
    aggressive_psk: bool = False  # i_dont_care_about_security_and_use_aggressive_mode_psk

    # Limits of one ISAKMP SA; all ours but the first, which is larger here.
    max_exchanges: int = 64  # max_ikev1_exchanges: phase 2 exchanges of the peer that are under way
    max_children: int = 1000
    max_queued: int = 1000
    max_early: int = 8
    max_certificates: int = 10
