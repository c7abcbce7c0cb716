"""PAM for strongSwan's EAP-GTC, which has a password checked by it: one user, one password, one program."""

from lab.gateways import StrongSwan

SERVICE = "auth required pam_exec.so expose_authtok quiet /run/pam-check\naccount required pam_permit.so\n"


def check_passwords_by_pam(host: StrongSwan, user: str, password: str) -> None:
    """Before ``host`` starts: the service ``lab`` below a folder that stands in for /etc/pam.d."""
    host.write("/run/pam.d/lab", SERVICE)
    host.write("/run/pam-check", _program(user, password), 0o755)
    host.run("mount", "--bind", "/run/pam.d", "/etc/pam.d")
    host.load += " xauth-pam"
    host.settings("plugins {\n eap-gtc {\n backend = pam\n }\n xauth-pam {\n pam_service = lab\n }\n }")


def _program(user: str, password: str) -> str:
    return f"""#!/bin/sh
test "$PAM_USER" = '{user}' && test "$(tr -d '\\000')" = '{password}'
"""
