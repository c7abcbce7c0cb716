"""pluto with real sockets and threads over a core that pretends: what an operator and a peer see."""

import threading
import time
from base64 import b64encode
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from cygnet.base.errors import LocalError
from cygnet.ctl import whack
from cygnet.ctl.whack import AddConnection, End

from .conftest import ESP_POLICY, FakeCore, Pluto, Start, message


def connection_to_peer(pluto: Pluto) -> AddConnection:
    """A connection to the peer's socket, wherever the pretending core finds it."""
    left = End("%defaultroute", client="10.1.0.0/16")
    return AddConnection("net", left, End("192.0.2.77", pluto.peer_port), ESP_POLICY)


def counted(pluto: Pluto, name: str) -> int:
    """A counter of dropped datagrams, as ``--statusall`` shows it; waits a little for what is on its way."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        for line in pluto.whack_lines("dropped datagrams"):
            for item in line.partition(": ")[2].split(", "):
                if item.rpartition(" ")[0] == name:
                    return int(item.rpartition(" ")[2])
    return 0


def test_connection_comes_up_and_its_states_are_followed(pluto: Pluto) -> None:
    assert pluto.whack(connection_to_peer(pluto))[0] == 0

    def answer() -> None:
        data, source = pluto.peer.recvfrom(100)
        pluto.peer.sendto(data[:8] + b"peer-ck!" + data[16:], source)

    peer = threading.Thread(target=answer, daemon=True)
    peer.start()
    code, lines = pluto.whack(whack.Initiate("net"))
    peer.join(5)
    assert code == 0
    assert lines == [
        '102 "net" #1: STATE_MAIN_I1: initiate',
        '004 "net" #1: STATE_QUICK_I2: sent QI2, IPsec SA established',
        "004 IPsec SA established",
    ]
    status = pluto.whack(whack.Status())[1]
    assert '000 "net":   newest ISAKMP SA: #1; newest IPsec SA: #101;' in status
    assert '000 #1: "net" STATE_MAIN_I4 (ISAKMP SA established); newest ISAKMP' in status
    assert '000 #101: "net" esp.c2@127.0.0.1 (0 bytes) esp.c1@127.0.0.1 (0 bytes); tunnel' in status


def test_peer_that_does_not_answer_is_code_31(pluto: Pluto) -> None:
    pluto.core.give_up_s = 0.05
    pluto.whack(connection_to_peer(pluto))
    code, lines = pluto.whack(whack.Initiate("net"))
    assert code == 31
    assert lines[-1] == "031 max number of retransmissions (0) reached"


def test_asynchronous_initiation_does_not_wait(pluto: Pluto) -> None:
    pluto.whack(connection_to_peer(pluto))
    assert pluto.whack(whack.Initiate("net", asynchronous=True)) == (0, [])
    assert pluto.peer.recv(100) == message((1).to_bytes(8, "big"), bytes(8))


def test_second_initiation_uses_the_isakmp_sa_that_is_there(pluto: Pluto) -> None:
    pluto.whack(connection_to_peer(pluto))
    for _ in range(2):
        pluto.whack(whack.Initiate("net", asynchronous=True))
    assert [pluto.peer.recv(100)[:8] for _ in range(2)] == [(1).to_bytes(8, "big")] * 2


@pytest.mark.parametrize("name", ["net", "#1"])
def test_terminate_ends_what_is_named(pluto: Pluto, name: str) -> None:
    pluto.whack(connection_to_peer(pluto))
    pluto.whack(whack.Initiate("net", asynchronous=True))
    code, lines = pluto.whack(whack.Terminate(name))
    said = [line for line in lines if not line.startswith("102 ")]  # of the initiation, which may be late
    assert (code, said) == (0, ["002 terminating #1", "004 deleted"])
    assert not pluto.whack_lines("#1: ")


def test_crash_of_a_peer_begins_anew(pluto: Pluto) -> None:
    pluto.whack(connection_to_peer(pluto))
    pluto.whack(whack.Initiate("net", asynchronous=True))
    pluto.peer.recv(100)
    code, lines = pluto.whack(whack.Crash("127.0.0.1"))
    assert (code, lines) == (0, ['002 "net" is initiated anew'])
    assert pluto.peer.recv(100)[:8] == (2).to_bytes(8, "big")


def test_message_of_a_new_peer_makes_an_sa_that_answers(pluto: Pluto) -> None:
    first = message(b"initiate", bytes(8))
    pluto.send(first)
    assert pluto.peer.recv(100) == first
    assert pluto.core.heard == [first]


def test_answer_without_state_goes_back_to_where_it_came_from(pluto: Pluto) -> None:
    pluto.send(message(b"no-state", bytes(8)))
    assert pluto.peer.recv(100) == b"answered"
    assert counted(pluto, "stateless") == 1


def test_ikev2_is_dropped_in_silence_and_counted(pluto: Pluto) -> None:
    for version in (0x20, 0x21, 0x30):
        pluto.send(message(b"initiate", bytes(8), version))
    pluto.send(b"short")
    pluto.send(message(b"sentinel", bytes(8)))
    assert pluto.peer.recv(100) == message(b"sentinel", bytes(8))
    assert counted(pluto, "other_version") == 3
    assert counted(pluto, "too_short") == 1
    assert len(pluto.core.heard) == 1


def test_nothing_is_heard_before_listen_and_after_unlisten(start: Start) -> None:
    pluto = start(FakeCore())
    pluto.send(message(b"initiate", bytes(8)))
    assert counted(pluto, "deaf") == 1
    pluto.whack(connection_to_peer(pluto))
    assert pluto.whack(whack.Initiate("net")) == (24, ["024 need --listen before --initiate"])
    assert pluto.whack(whack.Listen()) == (0, ["002 listening for IKE messages"])
    pluto.send(message(b"initiate", bytes(8)))
    assert pluto.peer.recv(100)
    pluto.whack(whack.Unlisten())
    pluto.send(message(b"initiate", bytes(8)))
    pluto.send(message(b"initiate", bytes(8)))
    while counted(pluto, "deaf") < 3:
        pass
    assert len(pluto.core.heard) == 1


def test_shutdown_asks_the_process_to_end(pluto: Pluto) -> None:
    assert pluto.whack(whack.Shutdown()) == (0, ["002 shutting down"])
    assert pluto.ended.wait(5)


@pytest.mark.parametrize(
    ("request_", "code", "words"),
    [
        (whack.Initiate("nope"), 21, 'no connection named "nope"'),
        (whack.Initiate("net[3]"), 21, 'no connection named "net"[3]'),
        (whack.Terminate("nope"), 21, 'no connection named "nope"'),
        (whack.Terminate("#9"), 21, "no SA #9"),
        (whack.Terminate("a[b]"), 3, "NAME, NAME[n], NAME[*] or #n"),
        (whack.DeleteConnection("nope"), 21, 'no connection named "nope"'),
        (whack.Route("nope"), 21, 'no connection named "nope"'),
        (whack.Status("nope"), 21, 'no connection named "nope"'),
        (whack.Status("nope", suite=True), 21, "no config named 'nope'"),
        (whack.DeleteAuthority("nope"), 21, 'no ca record named "nope"'),
        (whack.Initiate("rw"), 29, "without knowing the peer's address"),
        (whack.Initiate("far"), 22, "cannot identify ourselves"),
        (whack.Route("far"), 22, "cannot identify ourselves"),
        (whack.AddConnection("net"), 20, 'attempt to redefine connection "net"'),
        (whack.Purge(("dust",)), 3, "there is nothing called 'dust' to purge"),
        (whack.List(("dust",)), 3, "there is no list of 'dust'"),
        (whack.Leases("dust"), 3, "pool 'dust' not found"),
        (whack.UserCredentials("net", "carol", "x"), 3, "unsuitable for user credentials"),
        (whack.AddKey("@x", rsa="own.pem"), 3, "public key"),
        (whack.SmartCard(False, "12"), 3, "has no RSA key on a token"),
        (whack.SmartCard(False, "x"), 3, "not written as --inbase hex says"),
        (whack.SmartCard(False, "10", "2"), 3, "base 2 is none of hex, 16"),
        (whack.Opportunistic("a", "b"), 33, "can't opportunistically initiate for a to b"),
        (whack.Options(("nonsense",)), 1, "there is no --debug-nonsense"),
    ],
)
def test_what_cannot_be_done_has_its_code_and_its_reason(
    pluto: Pluto, request_: whack.Request, code: int, words: str
) -> None:
    pluto.whack(
        connection_to_peer(pluto),
        AddConnection("rw", End("127.0.0.1"), End("%any"), ESP_POLICY),
        AddConnection("far", End("198.51.100.1"), End("198.51.100.2"), ESP_POLICY),
    )
    status, lines = pluto.whack(request_)
    assert status == code
    assert words in lines[-1]


def test_route_that_cannot_be_had_has_a_code_of_its_own(
    pluto: Pluto, monkeypatch: pytest.MonkeyPatch
) -> None:
    def route(connection: object) -> None:
        raise LocalError("the kernel has no room")

    pluto.whack(connection_to_peer(pluto))
    monkeypatch.setattr(pluto.core, "route", route)
    assert pluto.whack(whack.Route("net")) == (25, ["025 the kernel has no room"])


def test_impairment_without_effect_is_said_to_have_none(pluto: Pluto) -> None:
    assert pluto.whack(whack.Options((), ("bust-mi2",))) == (0, [])
    code, lines = pluto.whack(whack.Options((), ("delay-adns-key-answer",)))
    assert code == 0 and "has no effect: no keys are looked up in DNS" in lines[0]


def test_several_requests_of_one_message_are_answered_in_their_order(pluto: Pluto) -> None:
    code, lines = pluto.whack(connection_to_peer(pluto), whack.Route("net"), whack.Unroute("net"))
    assert (code, lines) == (
        0, ['002 added connection description "net"', '000 "net" routed', '000 "net" unrouted'],
    )  # fmt: skip
    assert pluto.core.caught == []


def test_route_shows_in_the_status_and_deleting_takes_it_back(pluto: Pluto) -> None:
    pluto.whack(connection_to_peer(pluto), whack.Route("net"))
    assert pluto.core.caught == ['"net"']
    assert pluto.whack_lines("; prospective erouted; eroute owner: #0")
    assert pluto.whack(whack.DeleteConnection("net")) == (0, ['002 deleting connection "net"'])
    assert pluto.core.caught == []
    assert pluto.whack(whack.DeleteConnection("net", missing_ok=True)) == (0, [])


def test_deleting_a_connection_ends_its_sas(pluto: Pluto) -> None:
    pluto.whack(connection_to_peer(pluto))
    pluto.whack(whack.Initiate("net", asynchronous=True))
    pluto.whack(whack.DeleteConnection("net"))
    assert pluto.whack(whack.Terminate("#1"))[0] == 21  # also if the order finds it on its way out


def test_keys_that_were_told_are_listed(pluto: Pluto) -> None:
    numbers = rsa.generate_private_key(65537, 1024).public_key().public_numbers()
    text = "0s" + b64encode(b"\x03\x01\x00\x01" + numbers.n.to_bytes(128)).decode()
    assert pluto.whack(whack.AddKey("@sun", rsa=text))[0] == 0
    assert '000   subject:  "sun"' in pluto.whack(whack.List(("pubkeys",)))[1]
    pluto.whack(whack.AddKey("@sun"))
    assert pluto.whack(whack.List(("pubkeys",))) == (0, [])


def test_authorities_are_kept_and_listed(pluto: Pluto) -> None:
    authority = whack.AddAuthority("ca", crluri="http://crl", ocspuri="http://ocsp")
    assert pluto.whack(authority)[0] == 0
    assert pluto.whack(authority)[0] == 20
    lines = pluto.whack(whack.List(("cainfos",)))[1]
    assert "000   crluris:     'http://crl'" in lines
    assert "000   ocspuris:    'http://ocsp'" in lines
    assert pluto.whack(whack.DeleteAuthority("ca"))[0] == 0
    assert pluto.whack(whack.List(("cainfos",))) == (0, [])


def test_debugging_and_my_id_show_in_the_status(pluto: Pluto) -> None:
    pluto.whack(whack.Options(("control", "natt")), whack.MyId("@me"))
    assert pluto.whack_lines("debug options: control+natt") and pluto.whack_lines("%myid = '@me'")
    pluto.whack(whack.Options(("none",)))
    assert pluto.whack_lines("debug options: none")


def test_connection_that_the_core_cannot_use_is_refused_and_not_kept(pluto: Pluto) -> None:
    wrong = replace(connection_to_peer(pluto), ike="nonsense")
    code, lines = pluto.whack(wrong)
    assert code != 0 and "ike=nonsense is no proposal" in lines[-1]
    assert not pluto.whack_lines('"net"')
    assert pluto.whack(connection_to_peer(pluto))[0] == 0
    assert pluto.core.loaded == ["net"]
    pluto.whack(whack.DeleteConnection("net"))
    assert pluto.core.loaded == []


def test_failure_of_the_core_ends_one_sa_and_not_the_daemon(pluto: Pluto) -> None:
    pluto.whack(connection_to_peer(pluto))
    pluto.whack(whack.Initiate("net", asynchronous=True))
    pluto.peer.recv(100)
    pluto.send(message((1).to_bytes(8, "big"), b"explode!"))
    pluto.send(message(b"initiate", bytes(8)))
    assert pluto.peer.recv(100)
    assert not pluto.whack_lines("#1: ")


def test_initiation_that_is_to_last_is_left_to_the_core(pluto: Pluto) -> None:
    pluto.whack(connection_to_peer(pluto))
    assert pluto.whack(whack.Initiate("net", asynchronous=True, lasting=True)) == (0, [])
    assert pluto.core.kept == ['"net"']


def test_shunt_is_routed_and_not_initiated(pluto: Pluto) -> None:
    shunt = AddConnection("local", End("%defaultroute"), End("%any", client="10.9.0.0/16"), shunt="pass")
    pluto.whack(shunt)
    code, lines = pluto.whack(whack.Initiate("local"))
    assert code and "--route installs it" in lines[-1]
    assert pluto.whack(whack.Route("local")) == (0, ['000 "local" routed'])
