"""The configuration store over a real ``strongswan.conf``."""

from pathlib import Path

from cygnet.keying.backends.configuration import StrongswanConf
from cygnet.keying.config.settings import DaemonSettings
from cygnet.runtime.files import FileReader


def test_file_sets_options_and_leaves_the_others(tmp_path: Path) -> None:
    plugins = "plugins { stroke { timeout = 10 } }"
    conf = read(tmp_path, f"charon {{\n  threads = 8\n  half_open_timeout = 2m\n  {plugins}\n}}\n")
    assert conf.settings == DaemonSettings(threads=8, half_open_timeout_s=120, stroke_timeout_s=10)
    assert conf.problems() == []


def test_no_file_is_all_defaults(tmp_path: Path) -> None:
    assert StrongswanConf(tmp_path / "strongswan.conf", FileReader()).settings == DaemonSettings()


def test_value_that_is_none_keeps_the_default_and_is_named(tmp_path: Path) -> None:
    conf = read(tmp_path, "charon {\n  threads = many\n}\n")
    assert conf.settings == DaemonSettings()
    assert sum("many" in problem for problem in conf.problems()) == 1


def test_number_beyond_its_limits_is_brought_there_and_named(tmp_path: Path) -> None:
    conf = read(tmp_path, "charon { threads = 2\n cookie_threshold = 20\n retransmit_base = 0.5 }")
    settings = conf.settings
    assert (settings.threads, settings.cookie_threshold, settings.retransmit_base) == (4, 20, 1.0)
    assert conf.problems() == [
        "charon.threads = 2 is beyond its limits, 4 to 1024; using 4",
        "charon.retransmit_base = 0.5 is beyond its limits, 1 to 100; using 1",
    ]


def test_plugins_that_there_are_not_are_named(tmp_path: Path) -> None:
    conf = read(tmp_path, "charon {\n  load = random nonce openssl! stroke eap-radius ha! eap-radius\n}\n")
    assert conf.missing_plugins() == ["eap-radius", "ha"]


def test_eap_settings_are_read_under_strongswans_names(tmp_path: Path) -> None:
    conf = read(tmp_path, """charon { load = eap-mschapv2 eap-peap
      plugins {
        eap-tls { fragment_size = 500
          max_message_count = 0
          include_length = no }
        eap-ttls { phase2_method = md5
          request_peer_auth = yes
          phase2_tnc = no }
        eap-peap { phase2_piggyback = yes
          fragment_size = 20 }
        eap-aka { load = yes }
      }
    }""")
    settings = conf.settings
    assert (settings.eap_tls_fragment_size, settings.eap_tls_max_messages) == (500, 0)
    assert not settings.eap_tls_include_length
    assert (settings.eap_ttls_method, settings.eap_ttls_peer_auth) == ("md5", True)
    assert not settings.eap_ttls_tnc
    assert (settings.eap_peap_piggyback, settings.eap_peap_fragment_size) == (True, 100)
    assert conf.problems() == [
        "charon.plugins.eap-peap.fragment_size = 20 is beyond its limits, 100 to 65535; using 100"
    ]
    assert conf.missing_plugins() == []


def read(folder: Path, text: str) -> StrongswanConf:
    path = folder / "strongswan.conf"
    path.write_text(text)
    return StrongswanConf(path, FileReader())


def test_nobody_guesses_what_an_unknown_value_of_ocsp_means(tmp_path: Path) -> None:
    file = tmp_path / "strongswan.conf"
    file.write_text("charon {\n  ocsp = always\n}\n")
    conf = StrongswanConf(file, FileReader())
    assert conf.problems() == ["charon.ocsp = always is none of never, reply, request, both; using never"]
    assert not conf.settings.asks_ocsp
    assert not conf.settings.sends_ocsp
