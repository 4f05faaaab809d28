"""`veldnet admin device`: explain devices and frames."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from veldnet.cli.admin.device_import import import_devices
from veldnet.cli.options import Data, Json
from veldnet.cli.output import console, fail, print_json
from veldnet.cli.running import read_data
from veldnet.diagnosis import Explanation, explain_device, explain_frame
from veldnet.lorawan import DevEui, InvalidIdentifier
from veldnet.texts import Language

device_app = typer.Typer(help="Devices.", no_args_is_help=True)

device_app.command("import")(import_devices)

_MARKS = {"ok": "[green]✓[/]", "note": "[dim]·[/]", "problem": "[red]✗[/]"}


@device_app.command("explain")
def explain(
    subject: Annotated[str, typer.Argument(metavar="EUI_OR_FRAME", help="DevEUI, or number of a frame.")],
    data: Data = None,
    language: Annotated[Language, typer.Option(help="Language of the explanation.")] = "en",
    as_json: Json = False,
) -> None:
    """Explain why a device does not join or is not received, or what happened to a frame.

    It reads the journal, so it works while a server runs, and on a backup.
    """
    explanation = _explain(data, subject.strip(), language)
    if as_json:
        print_json(explanation)
        return
    console.print(f"[bold]{explanation.subject}[/]")
    for finding in explanation.findings:
        console.print(f"  {_MARKS[finding.level]} {finding.text}", highlight=False, soft_wrap=True)
        if finding.next is not None:
            console.print(f"    [cyan]→ {finding.next}[/]", highlight=False, soft_wrap=True)


def _explain(data: Path | None, subject: str, language: Language) -> Explanation:
    # A frame's number has 18 or 19 digits; a DevEUI has 16, with separators or not.
    if subject.isascii() and subject.isdigit() and len(subject) > 16:
        if int(subject) >= 1 << 63:
            fail(f"{subject} is not the number of a frame")
        return _frame(data, int(subject), language)
    try:
        dev_eui = DevEui.parse(subject)
    except InvalidIdentifier as error:
        fail(f"{subject!r} is neither a DevEUI nor the number of a frame: {error}")
    now = time.time()
    return read_data(data, lambda c: explain_device(c, dev_eui, now, language))


def _frame(data: Path | None, frame_id: int, language: Language) -> Explanation:
    found = read_data(data, lambda c: explain_frame(c, frame_id, language))
    if found is None:
        fail(f"the journal holds no frame {frame_id}; record bodies are kept for journal.bodies")
    return found
