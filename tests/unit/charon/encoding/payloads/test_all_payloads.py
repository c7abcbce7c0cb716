"""The list of payloads against its folder, and what all have in common."""

from importlib import import_module
from inspect import getmembers, isclass
from pathlib import Path

import cygnet.charon.encoding.payloads as package
from cygnet.charon.encoding.payloads import PAYLOADS, Payload, PayloadType, Unknown

NOTATIONS = [
    "SA", "KE", "IDi", "IDr", "CERT", "CERTREQ", "AUTH", "No", "N", "D", "V", "TSi", "TSr", "E", "CP", "EAP",
    "EF",
]  # fmt: skip


def payload_classes_in_folder():
    for file in Path(package.__file__).parent.glob("*.py"):
        module = import_module(f"{package.__name__}.{file.stem}")
        for _, member in getmembers(module, isclass):
            if issubclass(member, Payload) and "payload_type" in vars(member):
                yield member


def test_every_payload_of_the_folder_is_listed_once():
    assert set(payload_classes_in_folder()) == set(PAYLOADS)
    assert len(set(PAYLOADS)) == len(PAYLOADS)


def test_types_and_notations_are_unique():
    assert [kind.notation for kind in PAYLOADS] == NOTATIONS
    assert {kind.payload_type for kind in PAYLOADS} == set(PayloadType) - {PayloadType.NONE}


def test_unknown_payload_is_kept_as_it_came():
    payload = Unknown(200, False, b"abc")
    assert (payload.payload_type, payload.build(), payload.describe()) == (200, b"abc", "(200)")
