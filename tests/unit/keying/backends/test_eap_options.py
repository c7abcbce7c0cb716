"""Options of EAP plugins that do not do what they say."""

from cygnet.conf.settings import Settings, parse_settings
from cygnet.keying.backends.eap_options import problems


class Text:
    """One file."""

    def __init__(self, text: str) -> None:
        self._text = text

    def read(self, path: str) -> str:
        return self._text

    def glob(self, pattern: str, origin: str) -> list[str]:
        return []


def settings(text: str) -> Settings:
    return parse_settings("strongswan.conf", Text(text))


def test_eap_settings_without_effect_are_named() -> None:
    conf = settings("""charon { plugins {
        eap-tls { fragmentsize = 500 }
        eap-ttls { phase2_tnc = yes
          phase2_piggyback = yes
          phase2_method = tls }
        eap-gtc { backend = pam }
        eap-aka { request_identity = no }
    } }""")
    found = [problem.removeprefix("charon.plugins.") for problem in problems(conf)]
    assert found == [
        "eap-tls.fragmentsize = 500: unknown option, it has no effect (did you mean 'fragment_size'?)",
        "eap-ttls.phase2_tnc = yes: TNC is not part of this version, so that the method is not offered to"
        " peers",
        "eap-ttls.phase2_piggyback = yes: no effect, the peer begins inside EAP-TTLS",
        "eap-ttls.phase2_method = tls: it is none of md5, gtc, mschapv2; peers may use any of these",
        "eap-gtc.backend = pam: no effect, passwords are compared with those in ipsec.secrets",
        "eap-aka.request_identity = no: there is no eap-aka in this version, so that it has no effect",
    ]


def test_what_is_off_or_only_loads_a_plugin_is_no_problem() -> None:
    conf = settings("""charon { plugins {
        eap-ttls { phase2_tnc = no
          phase2_piggyback = no
          phase2_method = eap-md5 }
        eap-aka { load = yes }
        stroke { whatever = 1 }
    } }""")
    assert list(problems(conf)) == []


def test_versions_of_tls_that_there_are_not_and_other_options_are_named() -> None:
    conf = settings("charon { tls { version_min = 1.0\n version_max = 1.3\n suites = x } }")
    assert list(problems(conf)) == [
        "charon.tls.version_min = 1.0: none of 1.2, 1.3, so that it has no effect",
        "charon.tls.suites: no effect, suites without forward secrecy are never used",
    ]
