"""Debian's FreeRADIUS as an EAP server on the loopback address, with a configuration that is all its own."""

import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from lab.radius import SECRET

PROGRAM = shutil.which("freeradius", path="/usr/sbin:/usr/bin")

CONFIGURATION = """
prefix = /usr
exec_prefix = /usr
sysconfdir = /etc
localstatedir = {folder}
libdir = /usr/lib/freeradius
logdir = {folder}
run_dir = {folder}
raddbdir = {folder}
max_request_time = 5
cleanup_delay = 0
max_requests = 256
log {{ destination = stdout }}
security {{ max_attributes = 200
  reject_delay = 0
  allow_vulnerable_openssl = yes
}}
thread pool {{ start_servers = 1
  max_servers = 2
  min_spare_servers = 1
  max_spare_servers = 2
}}
client localhost {{ ipaddr = 127.0.0.1
  secret = {secret}
}}
modules {{
  pap {{ }}
  chap {{ }}
  mschap {{ }}
  always ok {{ rcode = ok }}
  files {{ filename = {folder}/users }}
  eap {{
    default_eap_type = {default}
    timer_expire = 60
    max_sessions = 256
    md5 {{ }}
    gtc {{ auth_type = PAP
    }}
    mschapv2 {{ }}
    tls-config common {{
      private_key_file = {folder}/server-key.pem
      certificate_file = {folder}/server.pem
      ca_file = {folder}/ca.pem
      tls_min_version = "{tls}"
      tls_max_version = "{tls}"
      fragment_size = 700
      cache {{ enable = no }}
    }}
    tls {{ tls = common }}
    ttls {{ tls = common
      default_eap_type = {inner}
      virtual_server = inner
    }}
    peap {{ tls = common
      default_eap_type = {inner}
      virtual_server = inner
    }}
  }}
}}
server default {{
  listen {{ type = auth
    ipaddr = 127.0.0.1
    port = {port}
  }}
  authorize {{
    eap {{ ok = return }}
    files
    pap
  }}
  authenticate {{
    Auth-Type PAP {{ pap }}
    Auth-Type MS-CHAP {{ mschap }}
    eap
  }}
}}
server inner {{
  authorize {{
    mschap
    eap {{ ok = return }}
    files
    pap
  }}
  authenticate {{
    Auth-Type PAP {{ pap }}
    Auth-Type MS-CHAP {{ mschap }}
    eap
  }}
}}
"""


class FreeRadius:
    """The server with its files in ``folder``, where certificates must lie already."""

    def __init__(self, folder: Path, port: int, user: str, password: str) -> None:
        self.folder, self.port = folder, port
        self._user, self._password = user, password

    def run(self, default: str, inner: str, tls: str) -> "FreeRadius":
        text = CONFIGURATION.format(
            folder=self.folder, port=self.port, default=default, inner=inner, tls=tls, secret=SECRET.decode()
        )
        # Its grammar wants every brace at the end of a line.
        spread = re.sub(r"\{ *([^{}\n]*?) *\}$", r"{\n\1\n}", text, flags=re.MULTILINE)
        (self.folder / "radiusd.conf").write_text(spread)
        (self.folder / "dictionary").write_text("")
        (self.folder / "users").write_text(f'{self._user} Cleartext-Password := "{self._password}"\n')
        assert PROGRAM
        self.log = (self.folder / "log").open("w+")
        command = [PROGRAM, "-X", "-d", str(self.folder), "-n", "radiusd"]
        self._process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT)
        return self

    def __enter__(self) -> "FreeRadius":
        deadline = time.monotonic() + 10
        while "Ready to process requests" not in self.text():
            assert time.monotonic() < deadline and self._process.poll() is None, self.text()[-2000:]
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(10)
        self.log.close()

    def text(self) -> str:
        return (self.folder / "log").read_text(errors="replace")
