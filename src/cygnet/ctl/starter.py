"""The messages on ``starter.ctl``: what ``ipsec`` asks of a running starter, and what comes back.

One request goes over one connection; the answer is lines of text (the problems found, with file and
line) and one last frame with the exit code and, after a failure, why. The octets are those of
:mod:`cygnet.ctl.frames`, so that a client is::

    exit_code, reason = frames.converse(connected_socket, starter.UPDATE, {}, on_text=print)

SIGHUP and SIGUSR1 do the same as ``UPDATE`` and ``RELOAD``, without an answer.
"""

SOCKET_NAME = "starter.ctl"
"""File name below the run-time directory."""

UPDATE = "update"
"""Read ``ipsec.conf`` again and apply what changed. Exit code 1 if the old configuration was kept."""

RELOAD = "reload"
"""Read ``ipsec.conf`` again, delete and load every connection. Exit code 1 if the old one was kept."""

STATUS = "status"
"""A line of text per daemon: ``NAME PID`` or ``NAME stopped``; exit code 0."""

KINDS = (UPDATE, RELOAD, STATUS)

EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2

ANSWER_LIMIT_S = 30.0
"""A client that has heard nothing for this long may give up."""
