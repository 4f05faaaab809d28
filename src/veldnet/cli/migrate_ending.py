"""`veldnet migrate cut-over` and `roll-back`: how the shadow of devices ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
import typer

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.domain.errors import Refusal
from veldnet.inventory import accounts, audit
from veldnet.lorawan import DevEui, InvalidIdentifier
from veldnet.migration import Removed, Target, cut_over, roll_back
from veldnet.settings import Settings
from veldnet.store import Connection

from .options import CustomerOption, Data, Json
from .output import console, counted, fail, print_json, print_table
from .running import administrator, settings_of, with_data

DeviceOption = Annotated[list[str] | None, typer.Option(help="DevEUI of a device; may be repeated.")]


class CutOver(msgspec.Struct):
    """Devices that are served from now on, and those that were named and are not in shadow."""

    customerId: str
    devices: int
    notInShadow: list[str]


class RolledBack(msgspec.Struct):
    """What was taken away, or with `dryRun` would be, by its kind; and what stays, with the reason."""

    customerId: str
    dryRun: bool
    removed: dict[str, int]
    kept: list[Removed]


def dev_euis_of(given: list[str] | None) -> frozenset[str] | None:
    """The DevEUIs of an option; None where none are given."""
    if not given:
        return None
    found = set()
    for text in given:
        try:
            found.add(str(DevEui.parse(text.replace("-", ""))))
        except InvalidIdentifier:
            fail(f"--device {text[:40]!r} is no DevEUI of 16 hexadecimal digits")
    return frozenset(found)


def cut_over_command(
    customer_id: CustomerOption,
    device: DeviceOption = None,
    every: Annotated[bool, typer.Option("--all", help="All devices in shadow of the customer.")] = False,
    routing_profile: Annotated[
        str | None, typer.Option(help="Id of a routing profile for them; flows serve them if absent.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Serve devices that were in shadow, with the counters that were heard of them.

    First stop their downlinks in the network that they come from. Where that can still be read, move them
    again without --shadow instead: then joins and radio parameters since are known, too.
    """
    wanted = dev_euis_of(device)
    if (wanted is None) != every:
        fail("give either --device or --all")

    async def work(target: Target) -> CutOver:
        done: set[str] = set()
        async for euis in cut_over(target, None if wanted is None else sorted(wanted), routing_profile):
            done.update(euis)
        missing = sorted((wanted or frozenset()) - done)
        await _note(target, "devices.cutOver", customer_id, {"done": len(done)})
        return CutOver(customer_id, len(done), missing)

    done = _worked(settings_of(data), customer_id, work, dry_run=False)
    if as_json:
        print_json(done)
    else:
        console.print(f"{counted(done.devices, 'device')} cut over.")
        if done.notInShadow:
            console.print(f"Not in shadow: {' '.join(done.notInShadow[:20])}")
    if done.notInShadow:
        raise SystemExit(1)


def roll_back_command(
    customer_id: CustomerOption,
    dry_run: Annotated[
        bool, typer.Option("--dry-run/--apply", help="Only show what would be removed; the default.")
    ] = True,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Take away the devices in shadow, and all that moving them made and nobody else uses.

    Their network has gone on with them and does not notice. Devices that were cut over stay.
    """

    async def work(target: Target) -> RolledBack:
        removed: Counter[str] = Counter()
        kept: list[Removed] = []
        async for batch in roll_back(target):
            removed.update(each.kind for each in batch if each.kept is None)
            kept += [each for each in batch if each.kept is not None]
        if not dry_run:
            await _note(target, "devices.shadowRemoved", customer_id, {"done": removed["device"]})
        return RolledBack(customer_id, dry_run, dict(removed), kept)

    done = _worked(settings_of(data), customer_id, work, dry_run=dry_run)
    if as_json:
        print_json(done)
        return
    title = "Would be removed: nothing was written" if dry_run else "Removed"
    print_table(title, ("Kind", "Count"), list(done.removed.items()))
    if done.kept:
        print_table("Kept", ("Kind", "Id", "Why"), [(each.kind, each.id, each.kept) for each in done.kept])
    if dry_run:
        console.print("Give --apply to carry it out.")


def _worked(settings: Settings, customer_id: str, work: Callable[[Target], Any], *, dry_run: bool) -> Any:
    async def opened(directory: DataDirectory) -> Any:
        scope = await directory.store.read(lambda c: accounts.customer_scope(c, customer_id, administrator()))
        target = Target(
            store=directory.store,
            vaults=None,
            scope=scope,
            import_ref=None,
            most_source=0,
            allow_private=False,
            dry_run=dry_run,
        )
        try:
            return await work(target)
        except Refusal as error:
            fail(str(error.text))

    return with_data(settings, opened)


async def _note(target: Target, action: str, what: str, details: dict[str, Any]) -> None:
    scope = target.scope
    author = audit.Author(scope.display_name, scope.subscriber_ref, scope.operator_ref)

    def write(connection: Connection) -> None:
        audit.note(connection, author, action, what, details)

    await target.write(write)
