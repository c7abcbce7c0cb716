"""``cygnet-starter``: reads ``ipsec.conf``, starts and keeps the daemons (``ipsec start``)."""

import sys
from collections.abc import Callable

from cygnet import __version__
from cygnet.conf.problems import Problem, Severity
from cygnet.conf.settings import Settings
from cygnet.runtime import paths
from cygnet.runtime.pidfile import AlreadyRunningError, PidFile
from cygnet.starter.detaching import run_detached
from cygnet.starter.leftovers import clear_kernel, stop_leftovers
from cygnet.starter.log import Log
from cygnet.starter.loop import Loop
from cygnet.starter.options import EXIT_FAILED, EXIT_OK, EXIT_USAGE, USAGE, Options, UsageError, parse_options
from cygnet.starter.places import daemons_of, places_of, read_config, read_settings, summary, unserved
from cygnet.starter.sockets import open_sockets, wants_espd
from cygnet.starter.supervisor import Plan, Supervisor

ROUTING_TABLE = 220
FATAL = "unable to start Cygnet -- fatal errors in config"

Settled = Callable[[int], None]


def main(argv: list[str] | None = None) -> int:
    """Start, and return once charon answers or the start has failed; with ``--nofork`` run to the end.

    Exit codes are LSB's: 0 started or running already, 1 failed, 2 bad option or bad configuration.
    """
    try:
        options = parse_options(sys.argv[1:] if argv is None else argv)
    except UsageError as error:
        print(f"starter: {error}\n{USAGE}", file=sys.stderr)
        return EXIT_USAGE
    if options.action != "start":
        print(USAGE if options.action == "help" else f"Cygnet {__version__} starter")
        return EXIT_OK
    if options.fork:
        return run_detached(lambda report: _run(options, report))
    return _run(options, lambda _: None)


def _run(options: Options, settled: Settled) -> int:
    """Hold the PID file and work."""
    log = Log(options.level)
    try:
        paths.rundir().mkdir(parents=True, exist_ok=True)
        pid_file = PidFile(paths.starter_pid(), "starter")
        pid_file.take()
    except AlreadyRunningError as error:
        log(0, str(error))
        return EXIT_OK
    except OSError as error:
        log(0, f"unable to start Cygnet -- {error.filename or paths.rundir()}: {error.strerror}")
        return EXIT_FAILED
    try:
        return _work(options, log, settled)
    finally:
        pid_file.release()


def _work(options: Options, log: Log, settled: Settled) -> int:
    settings = read_settings()
    places = places_of(settings, options.conf)
    config = read_config(places)
    problems = (*settings.problems, *config.problems)
    for problem in problems:
        log(_level(problem), str(problem))
    if any(problem.severity is Severity.ERROR for problem in problems):
        log(0, summary(problems))
        log(0, FATAL)
        return EXIT_USAGE
    daemons = daemons_of(config.setup, config.connections)
    if not daemons:
        log(0, "unable to start Cygnet -- charonstart=no leaves no daemon to be started")
        return EXIT_USAGE
    for text in unserved(config, daemons):
        log(1, text)
    pluto = (paths.pluto_pid(),) if "pluto" in daemons else ()  # one that somebody else runs is left alone
    stop_leftovers((paths.charon_pid(), *pluto, paths.espd_pid()), log)
    with_espd, why = wants_espd(settings)
    log(2, f"ESP in {'user space' if with_espd else 'the kernel'}: {why}")
    try:
        sockets, reason = open_sockets(settings, with_espd=with_espd, daemons=daemons)
    except OSError as error:
        log(0, f"unable to start Cygnet -- UDP ports cannot be opened: {error.strerror}")
        return EXIT_FAILED
    if reason:
        names = " and ".join(daemons)
        its = "its sockets itself" if len(daemons) == 1 else "their sockets themselves"
        opens = f"{names} open{'s' if len(daemons) == 1 else ''}"
        log(1, f"{opens} {its}, and starts espd if it needs it: {reason}")
        with_espd = False

    def settle(success: bool) -> None:
        if success and options.fork:
            settled(EXIT_OK)
            log.to_stderr = False

    loop = Loop()
    plan = Plan(
        places, config, sockets, with_espd, settle, daemons, options.auto_update_s,
        show_output=not options.fork,
    )  # fmt: skip
    exit_code = _supervise(loop, log, plan)
    if not with_espd:
        stop_leftovers((paths.espd_pid(),), log, "started by charon")
    _clear_kernel(settings, log)
    return exit_code


def _clear_kernel(settings: Settings, log: Log) -> None:
    table = settings.get_int("charon.routing_table", ROUTING_TABLE)
    priority = settings.get_int("charon.routing_table_prio", ROUTING_TABLE)
    for daemon, state_file in (("charon", paths.charon_xfrm()), ("pluto", paths.pluto_xfrm())):
        clear_kernel(daemon, state_file, table, priority, log)


def _supervise(loop: Loop, log: Log, plan: Plan) -> int:
    try:
        supervisor = Supervisor(loop, log, plan)
        supervisor.start()
        loop.run()
    except OSError as error:
        log(0, f"unable to start Cygnet -- {error}")
        return EXIT_FAILED
    finally:
        plan.sockets.close()
        loop.close()
    return supervisor.exit_code


def _level(problem: Problem) -> int:
    return 1 if problem.severity is Severity.WARNING else 0


if __name__ == "__main__":
    sys.exit(main())
