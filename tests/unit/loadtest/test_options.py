"""The command line of the load test."""

import pytest

from cygnet.crypto.proposals import Protocol, parse_proposals
from cygnet.loadtest.options import FOREVER, parse

Capture = pytest.CaptureFixture[str]
PSK = ["192.0.2.2", "--psk", "secret"]


def test_defaults_are_a_modest_load_on_port_500() -> None:
    options = parse(PSK)
    assert (options.port, options.nat_t_port, options.count, options.concurrency) == (500, 4500, 100, 10)
    assert (options.rate, options.processes, options.hold, options.delete_after) == (0, 1, 0, None)
    assert not options.reuse_keys
    assert not options.keep


def test_proposals_are_strict_with_and_without_exclamation_mark() -> None:
    wanted = parse_proposals("aes256gcm16-prfsha384-modp2048!", Protocol.IKE)
    assert parse([*PSK, "--ike", "aes256gcm16-prfsha384-modp2048"]).ike == wanted
    assert parse([*PSK, "--ike", "aes256gcm16-prfsha384-modp2048!"]).ike == wanted


def test_hold_without_a_time_is_until_interrupted() -> None:
    assert parse([*PSK, "--hold"]).hold == FOREVER
    assert parse([*PSK, "--hold", "2.5"]).hold == 2.5


def test_help_names_every_group_and_the_exit_statuses(capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for words in ("credentials", "negotiation", "examples:", "exit status: 0", "denial of service"):
        assert words in text


MISTAKES = [
    (["192.0.2.2"], "give one kind of credentials"),
    ([*PSK, "--ca", "ca.pem", "--ca-key", "ca.key"], "give one kind of credentials"),
    (["192.0.2.2", "--ca", "ca.pem"], "--ca with --ca-key"),
    (["192.0.2.2", "--key", "own.key"], "--cert with --key"),
    ([*PSK, "--psk-file", "file"], "give one"),
    (["moon.example", "--psk", "x"], "'moon.example' is no IP address"),
    (["224.0.0.1", "--psk", "x"], "not the address of one host"),
    (["0.0.0.0", "--psk", "x"], "not the address of one host"),
    ([*PSK, "--source", "2001:db8::1"], "address family"),
    ([*PSK, "--source-port", "500", "--processes", "2"], "its own port"),
    ([*PSK, "--count", "0"], "'0' is no number from 1 to"),
    ([*PSK, "--rate", "-1"], "is no number from 0 to"),
    ([*PSK, "--rate", "fast"], "is no number from 0 to"),
    ([*PSK, "--ike", "aes128-nosuch"], "nosuch"),
    ([*PSK, "--local-ts", "10.0.0.0/33"], "10.0.0.0/33"),
]


@pytest.mark.parametrize(("argv", "text"), MISTAKES)
def test_mistake_is_told_and_ends_with_2(argv: list[str], text: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(argv)
    assert ended.value.code == 2
    assert text in capsys.readouterr().err
