"""Captures of other projects' test suites, read where they lie; skipped where they are absent.

They are looked for beside the repository, or in ``CYGNET_REFERENCE``, and are no part of the project.
"""

import os
import runpy
from pathlib import Path

import pytest

READER = runpy.run_path(str(Path(__file__).with_name("capture_files.py")))
ROOT = Path(__file__).parents[2]


@pytest.fixture
def capture():
    """Path of a capture by its name."""
    reference = Path(os.environ.get("CYGNET_REFERENCE", ROOT.parent / "shared" / "reference"))

    def path(name):
        file = reference / "captures" / name
        if not file.is_file():
            pytest.skip(f"no capture {name} below {reference}; CYGNET_REFERENCE names the directory")
        return file

    return path


@pytest.fixture
def ike_messages(capture):
    """The octets of every IKE message in a capture."""
    return lambda name: [one.data for one in READER["ike_messages"](capture(name))]


@pytest.fixture
def reader():
    """The capture reader's names."""
    return READER


@pytest.fixture
def esp_packets(capture):
    """Every ESP packet in a capture."""
    return lambda name: READER["esp_packets"](capture(name))
