"""The daemon's settings: defaults, typed reading, limits."""

from dataclasses import fields, replace

from cygnet.keying.config.settings import DaemonSettings, load


def test_empty_file_gives_every_default() -> None:
    assert load(TableSource({})) == DaemonSettings()


def test_values_of_every_type_are_read_from_their_path() -> None:
    settings = load(TableSource({
        "charon.threads": 8, "charon.retransmit_base": 1.5, "charon.dos_protection": False,
        "charon.half_open_timeout": 12.0, "charon.socket": "raw", "charon.plugins.stroke.max_concurrent": 2,
    }))  # fmt: skip
    assert (settings.threads, settings.retransmit_base, settings.dos_protection) == (8, 1.5, False)
    assert (settings.half_open_timeout_s, settings.socket, settings.stroke_max_concurrent) == (12.0, "raw", 2)


def test_numbers_beyond_the_limits_are_brought_to_the_limit() -> None:
    settings = load(TableSource({"charon.threads": -3, "charon.port": 99999, "charon.retransmit_base": 0.1}))
    assert (settings.threads, settings.port, settings.retransmit_base) == (4, 65535, 1.0)


def test_every_option_has_its_own_path() -> None:
    paths = [entry.metadata["row"].path for entry in fields(DaemonSettings)]
    assert len(set(paths)) == len(paths)


def test_every_default_is_within_its_limits() -> None:
    for entry in fields(DaemonSettings):
        if type(entry.default) in (int, float):
            assert entry.metadata["row"].low <= entry.default <= entry.metadata["row"].high, entry.name


def test_patience_is_as_long_as_a_peer_like_us_sends_a_request() -> None:
    thrice = DaemonSettings(retransmit_timeout_s=1, retransmit_base=2, retransmit_tries=2)
    assert thrice.answer_patience_s == 7
    assert replace(thrice, retransmit_limit_s=1.5).answer_patience_s == 4
    assert round(DaemonSettings().answer_patience_s) == 165
    assert DaemonSettings(retransmit_tries=1000).answer_patience_s == 600


class TableSource:
    """Settings from a dictionary."""

    def __init__(self, values: dict[str, object]) -> None:
        self.values = values

    def get(self, path: str, default: str = "") -> str:
        return str(self.values.get(path, default))

    def get_int(self, path: str, default: int) -> int:
        value = self.values.get(path, default)
        assert isinstance(value, int)
        return value

    def get_float(self, path: str, default: float) -> float:
        value = self.values.get(path, default)
        assert isinstance(value, float)
        return value

    def get_bool(self, path: str, default: bool) -> bool:
        return bool(self.values.get(path, default))

    def get_time(self, path: str, default: float) -> float:
        return self.get_float(path, default)
