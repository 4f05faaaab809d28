"""`veldnet admin device list`, `show`, `change` and `delete`: the devices of customers."""

from __future__ import annotations

from typing import Annotated

import typer

from veldnet.cli.options import CustomerOption, Data, Json, Setting
from veldnet.cli.output import fail, print_members, print_rows, report
from veldnet.cli.running import administrator, change_data, read_data, settings_of
from veldnet.domain.resources import Device, VeldnetDevice
from veldnet.domain.scope import Scope
from veldnet.inventory import accounts, devices
from veldnet.lorawan import DevEui, InvalidIdentifier
from veldnet.store import Connection

from .devices import device_app
from .documents import read_resource

__all__ = ["device_app"]

Eui = Annotated[str, typer.Argument(metavar="DEVEUI", help="DevEUI, 16 hexadecimal digits.")]


def _owned(connection: Connection, dev_eui: str) -> tuple[Scope, str]:
    """The scope of the customer that has a device, and the device's ref."""
    customer_id, ref = devices.owner_of(connection, dev_eui)
    return accounts.customer_scope(connection, customer_id, administrator()), ref


def _parsed(text: str) -> str:
    try:
        return str(DevEui.parse(text))
    except InvalidIdentifier as error:
        fail(f"DEVEUI {text!r}: {error}")


@device_app.command("list")
def list_devices(
    customer_id: CustomerOption,
    page: Annotated[int, typer.Option(min=1, help="Page of 100 devices.")] = 1,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List the devices of a customer, 100 at a time."""
    wanted = devices.Filter(page_index=page)
    listed = read_data(
        data,
        lambda c: devices.list_devices(c, accounts.customer_scope(c, customer_id, administrator()), wanted),
    )
    shown = ("ref", "EUI", "name", "healthState", "deviceClass")
    others = tuple(name for name in Device.__struct_fields__ if name not in shown)
    print_rows("Devices", Device, listed, as_json=as_json, without=others)


@device_app.command("show")
def show_device(dev_eui: Eui, data: Data = None, as_json: Json = False) -> None:
    """Show a device with its configuration, without keys."""
    eui = _parsed(dev_eui)
    found = read_data(data, lambda c: devices.get_device(c, *_owned(c, eui), with_statistics=False))
    print_members(found, as_json=as_json)


@device_app.command("change")
def change_device(dev_eui: Eui, settings: Setting = None, data: Data = None) -> None:
    """Change members of a device, by the names of the API: --set name=Meter --set tags='["north"]'."""
    eui = _parsed(dev_eui)
    body = read_resource(VeldnetDevice, settings)
    if body == VeldnetDevice():
        fail("name what changes: --set NAME=VALUE")

    def write(connection: Connection) -> None:
        scope, ref = _owned(connection, eui)
        devices.update_device(connection, scope, ref, body, updatable=devices.OWN_UPDATABLE)

    change_data(settings_of(data), "device.changed", eui, write)
    report(f"device {eui} changed", EUI=eui)


@device_app.command("delete")
def delete_device(
    dev_eui: Eui,
    yes: Annotated[bool, typer.Option("--yes", help="Skip the confirmation.")] = False,
    data: Data = None,
) -> None:
    """Delete a device with its alarms and keys; its frames stay for their retention."""
    eui = _parsed(dev_eui)
    if not yes and not typer.confirm(f"Delete device {eui} for good?", err=True):
        raise typer.Exit(1)
    change_data(settings_of(data), "device.removed", eui, lambda c: devices.delete_device(c, *_owned(c, eui)))
    report(f"device {eui} deleted", EUI=eui)
