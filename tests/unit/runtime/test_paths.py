from pathlib import Path

import pytest

from cygnet.runtime import paths


def test_defaults_are_strongswans_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(paths.CONFDIR_VARIABLE, raising=False)
    monkeypatch.delenv(paths.RUNDIR_VARIABLE, raising=False)
    assert paths.ipsec_conf() == Path("/etc/ipsec.conf")
    assert paths.strongswan_conf() == Path("/etc/strongswan.conf")
    assert paths.charon_ctl() == Path("/run/charon.ctl")
    assert paths.starter_pid() == Path("/run/starter.pid")


def test_environment_moves_both_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(paths.CONFDIR_VARIABLE, "/a")
    monkeypatch.setenv(paths.RUNDIR_VARIABLE, "/b")
    assert (paths.ipsec_secrets(), paths.ipsec_d()) == (Path("/a/ipsec.secrets"), Path("/a/ipsec.d"))
    assert (paths.charon_pid(), paths.espd_pid(), paths.espd_socket()) == (
        Path("/b/charon.pid"), Path("/b/espd.pid"), Path("/b/espd.sock"))
