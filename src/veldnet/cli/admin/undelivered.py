"""`veldnet admin undelivered`: messages that no application server accepted."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from veldnet.assembly.redelivery import redeliver as redeliver_messages
from veldnet.cli.options import Data, Json, Limit
from veldnet.cli.output import print_json, print_table, report
from veldnet.cli.running import read_data, settings_of, with_data
from veldnet.domain.resources import timestamp
from veldnet.routing import UndeliveredQuery, list_undelivered

undelivered_app = typer.Typer(help="Undelivered messages.", no_args_is_help=True)


@undelivered_app.command("list")
def undelivered(
    hours: Annotated[float, typer.Option(help="How far to look back.")] = 24,
    limit: Limit = 100,
    pending: Annotated[bool, typer.Option("--pending", help="Include messages being retried.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List undelivered messages."""
    now = int(time.time() * 1000)
    wanted = UndeliveredQuery(now - int(hours * 3_600_000), now + 1, limit, pending)
    found = read_data(data, lambda c: list_undelivered(c, wanted))
    if as_json:
        print_json(found)
        return
    print_table(
        "Undelivered messages",
        ("Created", "DevEUI", "AS id", "Message", "State", "Last error"),
        [(timestamp(m.created_at), m.dev_eui, m.as_id, m.message, m.state, m.last_error) for m in found],
    )


@undelivered_app.command("redeliver")
def redeliver(
    hours: Annotated[float, typer.Option(help="How far to look back.")] = 24,
    retention: Annotated[float, typer.Option(help="Hours to retry.")] = 24,
    data: Data = None,
) -> None:
    """Queue undelivered messages again; a running server delivers them within a second or two."""
    now = int(time.time() * 1000)
    queues = with_data(
        settings_of(data),
        lambda d: d.store.write(
            lambda c: redeliver_messages(
                c, None, now - int(hours * 3_600_000), now + 1, now + int(retention * 3_600_000)
            )
        ),
    )
    report(f"{queues} device queues have messages to deliver again", devices=queues)
