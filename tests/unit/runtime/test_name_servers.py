"""``resolv.conf``, ``resolvconf`` and systemd-resolved."""

from ipaddress import ip_address

import pytest

from cygnet.runtime.name_servers import ResolvConf, Resolvconf, Resolved, Server
from cygnet.runtime.scripts import Ended, run_script

ONE, OTHER = Server(ip_address("10.2.0.53")), Server(ip_address("fd02::53"))
TLS = Server(ip_address("fd02::53"), True, 853, "dns.corp.example")


def test_our_lines_stand_first_and_go_without_a_trace(tmp_path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("search lab\nnameserver 192.0.2.53\n")
    keeper = ResolvConf(path)
    keeper.set((ONE, OTHER), (), "")
    lines = path.read_text().splitlines()
    assert [line.split("#")[0].rstrip() for line in lines] == [
        "nameserver 10.2.0.53", "nameserver fd02::53", "search lab", "nameserver 192.0.2.53",
    ]  # fmt: skip
    keeper.set((), (), "")
    assert path.read_text() == "search lab\nnameserver 192.0.2.53\n"
    assert [one.name for one in tmp_path.iterdir()] == ["resolv.conf"]


def test_link_stays_a_link(tmp_path) -> None:
    real, link = tmp_path / "real", tmp_path / "resolv.conf"
    real.write_text("nameserver 192.0.2.53\n")
    link.symlink_to(real)
    ResolvConf(link).set((ONE,), (), "")
    assert link.is_symlink() and "10.2.0.53" in real.read_text()


def test_without_servers_a_file_that_is_not_there_is_not_made(tmp_path) -> None:
    ResolvConf(tmp_path / "resolv.conf").set((), (), "")
    assert not list(tmp_path.iterdir())


def test_huge_file_is_left_alone(tmp_path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("#" * 100_000)
    with pytest.raises(OSError, match="longer than"):
        ResolvConf(path).set((ONE,), (), "")


def test_resolvconf_gets_the_servers_on_its_input(tmp_path) -> None:
    command = tmp_path / "resolvconf"
    command.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n[ "$1" = -d ] || cat > {tmp_path}/input\n')
    command.chmod(0o755)
    keeper = Resolvconf(str(command), "lo.ipsec", run_script)
    keeper.set((), (), "")
    keeper.set((ONE, OTHER), (), "")
    keeper.set((), (), "")
    assert (tmp_path / "calls").read_text() == "-a lo.ipsec\n-d lo.ipsec\n"
    assert (tmp_path / "input").read_text() == "nameserver 10.2.0.53\nnameserver fd02::53\n"


def test_failing_program_is_an_error_with_its_words() -> None:
    keeper = Resolvconf("/sbin/resolvconf", "lo.ipsec", lambda *_: Ended(1, ("no such interface",)))
    with pytest.raises(OSError, match="no such interface"):
        keeper.set((ONE,), (), "")


def test_resolved_routes_all_names_or_some_domains() -> None:
    calls: list[str] = []

    def run(command, environment, deadline):
        calls.append(command)
        return Ended(0, ())

    keeper = Resolved("resolvectl", run)
    keeper.set((ONE,), (), "ipsec0")
    keeper.set((ONE,), ("corp.example", "lab.example"), "ipsec0")
    keeper.set((), (), "")
    assert calls == [
        "resolvectl dns ipsec0 10.2.0.53", "resolvectl domain ipsec0 '~.'",
        "resolvectl dns ipsec0 10.2.0.53", "resolvectl domain ipsec0 '~corp.example' '~lab.example'",
        "resolvectl revert ipsec0",
    ]  # fmt: skip


def test_resolved_speaks_tls_to_those_who_do() -> None:
    calls: list[str] = []

    def run(command, environment, deadline):
        calls.append(command)
        return Ended(0, ())

    keeper = Resolved("resolvectl", run)
    for servers in ((TLS,), (TLS, ONE), (ONE,), ()):
        keeper.set(servers, (), "ipsec0")
    secure = "'[fd02::53]:853#dns.corp.example'"
    assert [call.removeprefix("resolvectl ") for call in calls if " domain " not in call] == [
        "dnsovertls ipsec0 yes", f"dns ipsec0 {secure}",
        "dnsovertls ipsec0 opportunistic", f"dns ipsec0 {secure} 10.2.0.53",
        "revert ipsec0", "dns ipsec0 10.2.0.53",
        "revert ipsec0",
    ]  # fmt: skip


def test_server_with_tls_is_written_as_resolved_reads_it() -> None:
    four = Server(ip_address("10.2.0.53"), True, 8853)
    assert (str(four), str(ONE)) == ("10.2.0.53:8853", "10.2.0.53")
    assert str(TLS) == "[fd02::53]:853#dns.corp.example"
