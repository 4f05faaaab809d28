"""`veldnet admin campaign`: firmware and configuration over the air for devices of customers."""

from __future__ import annotations

import csv
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer
from msgspec import UNSET
from msgspec.structs import replace

from veldnet import campaigns
from veldnet.assembly.campaigning import prepare_group
from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.network_settings import network_parameters
from veldnet.campaigns import (
    Campaign,
    CampaignDeviceView,
    CampaignState,
    GroupOptions,
    NewCampaign,
    Options,
    campaign_device_view,
    campaign_view,
)
from veldnet.cli.options import CustomerOption, Data, Json
from veldnet.cli.output import fail, print_json, print_members, print_rows, report
from veldnet.cli.running import administrator, change_data, read_data, settings_of, with_data
from veldnet.domain.resources import timestamp
from veldnet.domain.spreadsheets import csv_text
from veldnet.inventory import accounts
from veldnet.inventory.devices import Wanted
from veldnet.inventory.groups import MulticastGroup
from veldnet.settings import Settings
from veldnet.store import Connection

campaign_app = typer.Typer(help="Campaigns.", no_args_is_help=True)

Reference = Annotated[str, typer.Argument(help="Ref of the campaign, as list shows it.")]
_PAGE = 500
_LARGEST_LIST = 4 << 20


class Choice(msgspec.Struct, frozen=True):
    """Which devices, and how."""

    devices: Annotated[
        Path | None, typer.Option(help="CSV file with DevEUIs in a column EUI, or in the first one.")
    ] = None
    tag: Annotated[str | None, typer.Option(help="Only devices with this tag.")] = None
    device_profile: Annotated[str | None, typer.Option(help="Only devices of this profile.")] = None
    kind: Annotated[Literal["firmware", "configuration"], typer.Option(help="What the file is.")] = "firmware"
    fragment_size: Annotated[int, typer.Option(min=8, max=219, help="Octets of a fragment.")] = 48
    redundancy: Annotated[
        int, typer.Option(min=0, max=200, help="Percent of the fragments that are sent besides.")
    ] = 20
    start: Annotated[
        str | None, typer.Option(help="When it begins, such as 2026-01-31T12:00:00Z; at once if absent.")
    ] = None
    days: Annotated[int, typer.Option(min=1, max=399, help="Days from its beginning until it ends.")] = 14
    package_version: Annotated[
        int, typer.Option(min=1, max=2, help="Version of the package for fragments (TS004) of the devices.")
    ] = 1


class ToAll(msgspec.Struct, frozen=True):
    """A multicast group for the devices."""

    multicast: Annotated[
        Literal["B", "C"] | None,
        typer.Option(help="Send to all at once, by a group of this class (TS005)."),
    ] = None
    plan: Annotated[
        str | None, typer.Option(help="Id of a plan of communicationType MULTICAST for the group.")
    ] = None
    frequency: Annotated[
        float | None, typer.Option(help="MHz for the group; that of the region if absent.")
    ] = None
    data_rate: Annotated[
        int | None, typer.Option(help="Index for the group; that of the region if absent.")
    ] = None
    ping_period: Annotated[int | None, typer.Option(help="Seconds between ping slots, for class B.")] = None
    lead: Annotated[
        int, typer.Option(min=60, max=604_800, help="Seconds that devices are told of a session before.")
    ] = 7200
    gathering: Annotated[
        int, typer.Option(min=60, max=2_592_000, help="Seconds that devices have to join at most.")
    ] = 86_400
    sessions: Annotated[int, typer.Option(min=1, max=20, help="Sessions at most.")] = 2
    group_number: Annotated[
        int, typer.Option(min=0, max=3, help="Number that devices know the group by.")
    ] = 0
    group_port: Annotated[
        int, typer.Option(min=1, max=223, help="Port on which devices take fragments of the group.")
    ] = 201

    def options(self) -> GroupOptions | None:
        if self.multicast is None:
            if any(given is not None for given in (self.plan, self.frequency, self.data_rate)):
                fail("--plan, --frequency and --data-rate are for groups; give --multicast C or B too")
            return None
        return GroupOptions(
            self.multicast, self.group_number, self.lead, self.gathering, self.sessions, self.group_port
        )

    def group(self) -> MulticastGroup:
        return MulticastGroup(
            deviceClass=self.multicast or "C",
            connectivityPlanId=UNSET if self.plan is None else self.plan,
            pingSlotPeriod=self.ping_period,
            downlinkFrequency=self.frequency,
            downlinkDataRate=self.data_rate,
        )


class CampaignRow(msgspec.Struct, frozen=True, rename="camel"):
    """A campaign in a list."""

    ref: str
    name: str
    kind: str
    state: str
    starts_at: str
    ends_at: str
    size: int
    failure: str


@campaign_app.command("create")
def create_campaign(
    name: Annotated[str, typer.Argument(help="Name of the campaign.")],
    file: Annotated[Path, typer.Argument(help="The file that devices are to get.")],
    customer_id: CustomerOption,
    choice: Choice,
    to_all: ToAll,
    data: Data = None,
) -> None:
    """Create a campaign, which begins at once or at --start: a file for the devices of a list, or those with
    a tag or of a device profile; to each by itself, or with --multicast to all at once."""
    if choice.devices is None and choice.tag is None and choice.device_profile is None:
        fail("say which devices: --devices FILE, --tag or --device-profile")
    now = round(time.time() * 1000)
    starts_at = None if choice.start is None else _moment(choice.start)
    settings = settings_of(data)
    new = NewCampaign(
        name,
        choice.kind,
        _content(file),
        Options(
            fragment_size=choice.fragment_size,
            redundancy=choice.redundancy,
            package_version=2 if choice.package_version == 2 else 1,
            group=to_all.options(),
        ),
        None if choice.devices is None else _dev_euis(choice.devices),
        Wanted(tag=choice.tag, profile_id=choice.device_profile),
        starts_at,
        max(now, starts_at or 0) + choice.days * 86_400_000,
    )

    new = replace(new, channel_plans=network_parameters(settings.network).channel_plans)
    if new.options.group is not None:
        new = _with_group(settings, new, to_all.group())

    def write(connection: Connection) -> Campaign:
        scope = accounts.customer_scope(connection, customer_id, administrator())
        return campaigns.create_campaign(connection, scope, new, now)

    made = change_data(settings, "campaign.created", f"{customer_id}: {name}", write)
    text = f"campaign {made.ref} created{_estimated(made)}"
    report(text, ref=str(made.ref), name=made.name, estimate=campaign_view(made).estimate)


def _estimated(made: Campaign) -> str:
    """What to expect of a new campaign, in words."""
    needs = made.options.needs
    if needs is None:
        return ""
    if needs.time is None:
        return "; how long it takes is not known, as none of its devices was heard yet"
    unheard = (
        f" ({needs.unheard} of them were never heard, and count like the others)" if needs.unheard else ""
    )
    return (
        f"; devices of class A need about {needs.uplinks} uplinks for it, and the base station with most to"
        f" do about {-(-needs.time // 60)} minutes{unheard}"
    )


def _with_group(settings: Settings, new: NewCampaign, asked: MulticastGroup) -> NewCampaign:
    parameters = network_parameters(settings.network)

    async def prepare(data: DataDirectory) -> NewCampaign:
        group, options = await prepare_group(data.store, data.vault, parameters, new.name, new.options, asked)
        return replace(new, group=group, options=options)

    return with_data(settings, prepare, vaults=True)


@campaign_app.command("list")
def list_campaigns(customer_id: CustomerOption, data: Data = None, as_json: Json = False) -> None:
    """List the campaigns of a customer, newest first."""
    listed = read_data(
        data,
        lambda c: campaigns.list_campaigns(c, accounts.customer_scope(c, customer_id, administrator())),
    )
    if as_json:
        print_json([campaign_view(each) for each in listed])
    else:
        print_rows("Campaigns", CampaignRow, [_row(each) for each in listed], as_json=False)


@campaign_app.command("show")
def show_campaign(
    ref: Reference, customer_id: CustomerOption, data: Data = None, as_json: Json = False
) -> None:
    """Show a campaign with the number of devices in each state."""
    found = read_data(
        data,
        lambda c: campaigns.get_campaign(c, accounts.customer_scope(c, customer_id, administrator()), ref),
    )
    print_members(campaign_view(found), as_json=as_json)


@campaign_app.command("report")
def report_campaign(ref: Reference, customer_id: CustomerOption, data: Data = None) -> None:
    """Print how far each device is, as CSV."""
    names = CampaignDeviceView.__struct_fields__
    sys.stdout.write(csv_text([names]))
    after: int | None = 0
    while after is not None:

        def read(connection: Connection, after: int = after) -> campaigns.DevicePage:
            scope = accounts.customer_scope(connection, customer_id, administrator())
            return campaigns.list_devices(connection, scope, ref, state=None, after=after, limit=_PAGE)

        page = read_data(data, read)
        views = (campaign_device_view(each) for each in page.devices)
        sys.stdout.write(csv_text(msgspec.structs.astuple(view) for view in views))
        after = page.after


@campaign_app.command("pause")
def pause_campaign(ref: Reference, customer_id: CustomerOption, data: Data = None) -> None:
    """Send nothing more until it is resumed."""
    _change(ref, customer_id, data, "paused")


@campaign_app.command("resume")
def resume_campaign(ref: Reference, customer_id: CustomerOption, data: Data = None) -> None:
    """Go on with a paused campaign."""
    _change(ref, customer_id, data, "running")


@campaign_app.command("abort")
def abort_campaign(ref: Reference, customer_id: CustomerOption, data: Data = None) -> None:
    """End a campaign for all devices that are not done."""
    _change(ref, customer_id, data, "aborted")


@campaign_app.command("delete")
def delete_campaign(ref: Reference, customer_id: CustomerOption, data: Data = None) -> None:
    """Delete a campaign that has ended."""
    change_data(
        settings_of(data),
        "campaign.deleted",
        f"{customer_id}: {ref}",
        lambda c: campaigns.remove_campaign(c, accounts.customer_scope(c, customer_id, administrator()), ref),
    )
    report(f"campaign {ref} deleted", ref=ref)


def _change(ref: str, customer_id: str, data: Path | None, state: CampaignState) -> None:
    now = round(time.time() * 1000)

    def write(connection: Connection) -> Campaign:
        scope = accounts.customer_scope(connection, customer_id, administrator())
        return campaigns.change_state(connection, scope, ref, state, now)

    found = change_data(settings_of(data), f"campaign.{state}", f"{customer_id}: {ref}", write)
    report(f"campaign {ref} is {found.state}", ref=ref, state=found.state)


def _row(found: Campaign) -> CampaignRow:
    starts_at, ends_at = timestamp(found.starts_at), timestamp(found.ends_at)
    failure = campaign_view(found).failure
    return CampaignRow(
        str(found.ref),
        found.name,
        found.kind,
        found.state,
        starts_at,
        ends_at,
        found.size,
        "" if failure is None else failure.reasonText,
    )


def _moment(text: str) -> int:
    """Unix milliseconds; without an offset it is UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        fail(f"--start {text} must look like 2026-01-31T12:00:00Z")
    return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > campaigns.MAX_SIZE:
            fail(f"{path} is larger than {campaigns.MAX_SIZE} octets")
        return path.read_bytes()
    except OSError as error:
        fail(f"{path} cannot be read: {error}")


def _dev_euis(path: Path) -> list[str]:
    try:
        if path.stat().st_size > _LARGEST_LIST:
            fail(f"--devices {path} is larger than {_LARGEST_LIST} octets")
        rows = [row for row in csv.reader(path.read_text().splitlines()) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        fail(f"--devices {path} cannot be read: {error}")
    column = 0
    if rows and "EUI" in rows[0]:
        column = rows[0].index("EUI")
        rows = rows[1:]
    return [row[column] for row in rows if len(row) > column]
