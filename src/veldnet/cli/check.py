"""`veldnet check`: whether an installation can work, and what to do where it cannot."""

from __future__ import annotations

import msgspec

from veldnet.assembly.inspection import Finding, Level, inspect
from veldnet.settings import Settings, SettingsError, load_settings

from .exits import Exit
from .given import AS_JSON, CONFIG
from .options import Data
from .output import console, print_json
from .starting import quiet, run

_MARKS: dict[Level, str] = {"ok": "[green]✓[/]", "note": "[yellow]·[/]", "problem": "[red]✗[/]"}


class Report(msgspec.Struct):
    """What `veldnet check --json` prints; `ok` where there is no problem."""

    ok: bool
    findings: list[Finding]


def check_command(data: Data = None) -> None:
    """Check configuration, database, keys, ports, clock, disk, certificate, mail server and the names of
    application servers.

    Each finding comes with the next step. Nothing is changed; a running server goes on. The exit code is 0
    without problems, 3 where the configuration is wrong, else 1.
    """
    old_names: list[Finding] = []

    def renamed(old: str, new: str) -> None:
        text = f"setting {old} is now called {new}"
        old_names.append(Finding("configuration", "note", text, f"rename it to {new}"))

    flags = {"data": None if data is None else str(data)}
    try:
        settings = load_settings(flags, file=CONFIG.get(), on_old_name=renamed)
    except SettingsError as error:
        advice = "correct it; docs/settings.md has all settings"
        _report([Finding("configuration", "problem", str(error), advice)])
        raise SystemExit(int(Exit.SETTINGS)) from None
    # The findings say what is wrong.
    found = [*old_names, _configuration(settings), *run(inspect(quiet(settings)))]
    report = _report(found)
    if not report.ok:
        raise SystemExit(int(Exit.FAILED))


def _configuration(settings: Settings) -> Finding:
    return Finding("configuration", "ok", f"the settings are valid; data directory {settings.data}")


def _report(findings: list[Finding]) -> Report:
    report = Report(all(each.level != "problem" for each in findings), findings)
    if AS_JSON.get():
        print_json(report)
        return report
    for each in findings:
        console.print(f"{_MARKS[each.level]} {each.check}: ", end="", highlight=False)
        console.print(each.text, markup=False, highlight=False, soft_wrap=True)
        if each.next is not None:
            console.print(f"    → {each.next}", markup=False, highlight=False, soft_wrap=True)
    return report
