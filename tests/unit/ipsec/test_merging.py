"""Both daemons' status as one view."""

from cygnet.ipsec.merging import merged, together

CHARON = """Status of IKE charon daemon (Cygnet 1, Linux, x86_64):
  uptime: 2 seconds, since Nov 23 17:57:08 2026
Listening IP addresses:
  192.0.2.1
Connections:
          v2:  192.0.2.1...192.0.2.2  IKEv2
          v2:   child:  10.1.0.0/16 === 10.2.0.0/16 TUNNEL
        both:  192.0.2.1...%any  IKEv1/2
Shunted Connections:
        pass:  10.1.0.0/16 === 10.1.0.0/16 PASS
Security Associations (1 up, 0 connecting):
          v2[1]: ESTABLISHED 1 second ago, 192.0.2.1[a]...192.0.2.2[b]""".splitlines()
PLUTO = """Status of IKEv1 pluto daemon (Cygnet 1):
  uptime: 1 second, since Nov 23 17:57:09 2026
Connections:
          v1:  192.0.2.1...192.0.2.3  IKEv1
        both:  192.0.2.1...%any  IKEv1/2
Routed Connections:
          v1:  ROUTED
Security Associations (1 up, 2 connecting):
          v1[1]: CONNECTING, 192.0.2.1[a]...192.0.2.3[%any]""".splitlines()


def test_sections_are_put_together_by_caption() -> None:
    assert merged(CHARON, PLUTO) == [
        *CHARON[:2],
        *PLUTO[:2],
        *CHARON[2:4],
        "Connections:",
        *CHARON[5:8],
        PLUTO[3],
        *CHARON[8:10],
        *PLUTO[5:7],
        "Security Associations (2 up, 2 connecting):",
        CHARON[-1],
        PLUTO[-1],
    ]


def test_none_is_shown_only_if_there_is_none() -> None:
    nothing = ["Security Associations (0 up, 0 connecting):", "  none"]
    assert merged(nothing, nothing) == nothing
    assert merged(nothing, PLUTO[-2:]) == PLUTO[-2:]
    assert merged(PLUTO[-2:], nothing) == PLUTO[-2:]


def test_no_match_of_one_gives_way_to_a_match_of_the_other() -> None:
    nothing = ["Security Associations (1 up, 0 connecting):", "  no match"]
    assert merged(nothing, PLUTO[-2:]) == ["Security Associations (2 up, 2 connecting):", PLUTO[-1]]


def test_what_both_list_is_shown_once() -> None:
    caption = ["", "List of X.509 CA Certificates"]
    one, other = ["", "  subject: one", "  issuer: one"], ["", "  subject: other", "  issuer: one"]
    crls = ["", "List of X.509 CRLs", "", "  issuer: one"]
    assert together([*caption, *one], [*caption, *one, *other, *crls]) == [*caption, *one, *other, *crls]
    assert together([], [*caption, *one]) == [*caption, *one]
    assert together([*caption, *one], []) == [*caption, *one]


def test_leases_of_both_stand_together() -> None:
    charon = ["Leases in pool 'a', usage: 1/254, 1 online", "  10.3.0.1   online   'carol'"]
    pluto = ["Leases in pool 'b', usage: 0/254, 0 online", "  no matching leases found"]
    assert together(charon, pluto) == [*charon, *pluto]
    assert together(["no pools found"], pluto) == pluto
    assert together(["no pools found"], ["no pools found"]) == ["no pools found"]


def test_plugins_of_both() -> None:
    caption = ["", "List of loaded Plugins:", ""]
    shared = ["openssl:", "    PRF"]
    found = together([*caption, "charon:", *shared], [*caption, "pluto:", *shared])
    assert found == [*caption, "charon:", *shared, "pluto:"]
