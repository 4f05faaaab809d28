"""A server process: settings, ports, then everything else. Loads little before the ports are open."""

from __future__ import annotations

import sys
from contextlib import closing

from veldnet.assembly.data_directory.lock import DirectoryLock
from veldnet.assembly.data_directory.takeover import holding
from veldnet.assembly.listening import Addresses, Ports
from veldnet.settings import Settings

from .output import print_json
from .serve_arguments import ServeArguments
from .starting import readable_errors, run, settings_or_fail


def serve_with(arguments: ServeArguments) -> None:
    """Run until SIGTERM or Ctrl-C."""
    old_names: list[tuple[str, str]] = []
    settings = settings_or_fail(
        {
            "data": None if arguments.data is None else str(arguments.data),
            "api.http": arguments.http,
            "gateways.udp": arguments.udp,
            "gateways.basics_station": arguments.basics_station,
        },
        arguments.config,
        lambda old, new: old_names.append((old, new)),
    )
    if arguments.virtual_clock:
        from .virtual_serving import virtual_settings

        settings = virtual_settings(settings)
    with (
        readable_errors(),
        holding(settings, take_over=arguments.take_over) as lock,
        closing(Ports.open(settings)) as ports,
    ):
        _serve(settings, lock, ports, arguments, old_names)


def _serve(
    settings: Settings,
    lock: DirectoryLock,
    ports: Ports,
    arguments: ServeArguments,
    old_names: list[tuple[str, str]],
) -> None:
    # All this takes long to load, and the ports are open already.
    from veldnet.logs import configure_logs

    configure_logs(settings.log)
    import structlog

    from veldnet.cli.serving import Moments, serve

    for old, new in old_names:
        structlog.get_logger().warning("setting_renamed", old=old, new=new)
    _tune_threads()

    def started(addresses: Addresses) -> None:
        if arguments.as_json:
            print_json(addresses)
            return
        # Without Rich, which a server would hold in memory as long as it runs.
        print(f"Veldnet on {settings.data}")
        for where in ports.reached_at(settings):
            print(f"  {where}")
        for broker in settings.gateways.mqtt:
            print(f"  {broker} (ChirpStack MQTT, a broker)")
        sys.stdout.flush()

    if arguments.virtual_clock:
        from .virtual_serving import serve_virtually

        serve_virtually(settings, lock, ports, Moments(started), take_over=arguments.take_over)
        return
    run(serve(settings, lock, ports, Moments(started), take_over=arguments.take_over))


def _tune_threads() -> None:
    """The thread that commits wants the interpreter lock back after each statement. By default it waits 5 ms
    for it while the event loop is busy, so that a commit takes longest when there is most to do."""
    sys.setswitchinterval(0.0005)
