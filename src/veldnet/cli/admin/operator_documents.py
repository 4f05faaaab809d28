"""Commands for what operators keep by an id, with settings: connectivity plans and profiles are created,
listed, shown, changed and deleted alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import msgspec
import typer

from veldnet.cli.options import Data, Json, Operator, Setting
from veldnet.cli.output import fail, print_members, print_rows, report
from veldnet.cli.running import change_data, read_data, settings_of
from veldnet.domain.documents import PlanSettings, ProfileSettings, StationProfileSettings
from veldnet.inventory import accounts, offers
from veldnet.inventory.base_stations import StationProfile
from veldnet.settings import Settings
from veldnet.store import Connection

from .documents import change_settings, read_settings

S = TypeVar("S", PlanSettings, ProfileSettings, StationProfileSettings)
Row = TypeVar("Row", offers.Plan, offers.Profile, StationProfile)

Id = Annotated[str, typer.Argument(help="Its id.")]


def _anything(_settings: Settings, _document: Any) -> None:
    """Nothing in the settings of the server speaks against it."""


class Documents(msgspec.Struct, Generic[S, Row], frozen=True, kw_only=True):
    """What there is to know of one kind. Functions take an operator's ref."""

    # In a sentence, as the heading of a list, and in the audit log.
    noun: str
    plural: str
    action: str
    example: str
    settings: type[S]
    row: type[Row]
    listed: Callable[[Connection, int], list[Row]]
    create: Callable[[Connection, int, str, str, S], object]
    change: Callable[[Connection, int, Row, str, S], object]
    remove: Callable[[Connection, int, str], object] | None = None
    # Moves what uses one, by its ref, to another one, by its id.
    move: Callable[[Connection, int, int, str], object] | None = None
    check: Callable[[Settings, S], None] = _anything

    def find(self, connection: Connection, operator_ref: int, wanted: str) -> Row:
        found = [row for row in self.listed(connection, operator_ref) if row.id == wanted]
        if not found:
            fail(f"there is no {self.noun} {wanted}")
        return found[0]

    def commands(self) -> typer.Typer:
        app = typer.Typer(help=f"{self.plural}.", no_args_is_help=True)
        app.command("create", help=f"Create a {self.noun}; its id looks like {self.example}.")(self._create)
        app.command("list", help=f"List the {self.plural.lower()} of an operator.")(self._list)
        app.command("show", help=f"Show a {self.noun} with its settings.")(self._show)
        app.command(
            "change",
            help=f"Change name or settings of a {self.noun}; the others are kept, unless --replace is given.",
        )(self._change)
        if self.remove is not None:
            app.command("delete", help=f"Delete a {self.noun} that is not in use.")(self._delete)
        return app

    def _create(
        self,
        id: Id,
        name: Annotated[str, typer.Argument(help="Its name.")],
        operator: Operator,
        settings: Setting = None,
        data: Data = None,
    ) -> None:
        document = read_settings(self.settings, settings)

        def write(connection: Connection) -> None:
            self.check(settings_of(data), document)
            self.create(connection, accounts.find_operator(connection, operator), id, name, document)

        change_data(settings_of(data), f"{self.action}.created", id, write)
        report(f"{self.noun} {id} created", id=id, name=name)

    def _list(self, operator: Operator, data: Data = None, as_json: Json = False) -> None:
        listed = read_data(data, lambda c: self.listed(c, accounts.find_operator(c, operator)))
        print_rows(self.plural, self.row, listed, as_json=as_json, without=("settings", "ref"))

    def _show(self, id: Id, operator: Operator, data: Data = None, as_json: Json = False) -> None:
        found = read_data(data, lambda c: self.find(c, accounts.find_operator(c, operator), id))
        print_members(found, as_json=as_json)

    def _change(
        self,
        id: Id,
        operator: Operator,
        name: Annotated[str | None, typer.Option(help="New name.")] = None,
        settings: Setting = None,
        replace: Annotated[
            bool, typer.Option("--replace", help="Settings that are not given return to their defaults.")
        ] = False,
        data: Data = None,
    ) -> None:
        if name is None and not settings and not replace:
            fail("name what changes: --name, --set or --replace")

        def write(connection: Connection) -> None:
            ref = accounts.find_operator(connection, operator)
            before = self.find(connection, ref, id)
            if before.problem is not None and not replace:
                fail(
                    f"the settings of {self.noun} {id} cannot be read ({before.problem}); give all of them "
                    "with --replace"
                )
            document = change_settings(self.settings, {} if replace else before.settings, settings)
            self.check(settings_of(data), document)
            self.change(connection, ref, before, name or before.name, document)

        change_data(settings_of(data), f"{self.action}.changed", id, write)
        report(f"{self.noun} {id} changed", id=id)

    def _delete(
        self,
        id: Id,
        operator: Operator,
        move_to: Annotated[
            str | None, typer.Option(help="Id of the one that takes what uses it: devices, and flows.")
        ] = None,
        data: Data = None,
    ) -> None:
        def remove(connection: Connection, operator_ref: int, ref: str) -> None:
            assert self.remove is not None and self.move is not None
            if move_to is not None:
                self.move(connection, operator_ref, int(ref), move_to)
            self.remove(connection, operator_ref, ref)

        self.delete(id, operator, data, remove)

    def delete(
        self, id: str, operator: str, data: Path | None, remove: Callable[[Connection, int, str], object]
    ) -> None:
        def write(connection: Connection) -> None:
            ref = accounts.find_operator(connection, operator)
            remove(connection, ref, self.find(connection, ref, id).ref)

        change_data(settings_of(data), f"{self.action}.removed", id, write)
        report(f"{self.noun} {id} deleted", id=id)
