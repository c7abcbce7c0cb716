"""``ipsec.conf``: text to records (being filled in)."""

from cygnet.conf.problems import Reader
from cygnet.conf.records import Config


def parse_config(path: str, reader: Reader) -> Config:
    """Parse ``path`` with all it includes. Never raises for anything written in the files."""
    raise NotImplementedError
