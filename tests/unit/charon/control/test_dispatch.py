"""Every message has its handler."""

from dataclasses import fields
from types import SimpleNamespace

from cygnet.charon.control.dispatch import Handlers
from cygnet.ctl.stroke import REQUESTS


def test_every_request_is_answered_by_somebody() -> None:
    names = [entry.name for entry in fields(Handlers)]
    parts = {name: SimpleNamespace(by_source_ip=name) for name in names}
    parts["load"] = SimpleNamespace(
        add_connection=0, delete_connection=0, add_authority=0, delete_authority=0
    )
    assert set(Handlers(**parts).table()) == set(REQUESTS)
