"""`veldnet admin catalogue`: makers and models of devices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.cli.options import Data, Json, Operator
from veldnet.cli.output import console, counted, fail, print_json, print_rows, print_table, report
from veldnet.cli.running import administrator, change_data, read_data, settings_of, with_data
from veldnet.domain.errors import BadRequest
from veldnet.inventory import accounts, audit, catalogue
from veldnet.store import Connection

catalogue_app = typer.Typer(help="Catalogue of devices.", no_args_is_help=True)

Maker = Annotated[str, typer.Argument(help="Id of the maker, as `list` shows it.")]
_SHOWN = 20


class Imported(msgspec.Struct):
    """What an import wrote, and what it passed over."""

    makers: int
    models: int
    variants: int
    codecs: int
    skipped: list[catalogue.Skipped]


@catalogue_app.command("import")
def import_catalogue(
    path: Annotated[Path, typer.Argument(exists=True, help="Folder, or zip or tar archive, with vendor/.")],
    operator: Operator,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Import makers, models, profiles and codecs in the format of the LoRaWAN device repository.

    Each maker replaces the one imported before under its id; makers that PATH does not have stay. Whoever
    supplies the files answers for the right to use them.
    """

    async def work(opened: DataDirectory) -> Imported:
        operator_ref = await opened.store.read(lambda c: accounts.find_operator(c, operator))
        reader = catalogue.Reader(catalogue.read_files(path))
        done = Imported(0, 0, 0, 0, reader.skipped)
        for maker in reader.makers():

            def write(connection: Connection, maker: catalogue.Maker = maker) -> None:
                catalogue.replace_maker(connection, operator_ref, maker)

            await opened.store.write(write)
            done.makers += 1
            done.models += len(maker.models)
            done.variants += sum(len(model.variants) for model in maker.models)
            done.codecs += len(maker.codecs)
        if not done.makers:
            raise BadRequest(
                "no maker of {name} could be read{skipped}", name=path.name, skipped=_first(reader.skipped)
            )
        await opened.store.write(lambda c: _note(c, operator_ref, done, path.name))
        return done

    done = with_data(settings_of(data), work)
    if as_json:
        print_json(done)
        return
    console.print(
        f"{counted(done.makers, 'maker')}, {counted(done.models, 'model')} in "
        f"{counted(done.variants, 'version or region', 'versions and regions')}, "
        f"{counted(done.codecs, 'codec')} imported"
    )
    if done.skipped:
        rows = [(each.file, each.reason) for each in done.skipped[:_SHOWN]]
        print_table(f"{len(done.skipped)} passed over", ("File", "Reason"), rows)
        if len(done.skipped) > _SHOWN:
            console.print(f"{len(done.skipped) - _SHOWN} more; --json lists all")


def _first(skipped: list[catalogue.Skipped]) -> str:
    return f": {skipped[0].file}: {skipped[0].reason}" if skipped else ""


def _note(connection: Connection, operator_ref: int, done: Imported, name: str) -> None:
    details = {"makers": done.makers, "models": done.models, "skipped": len(done.skipped)}
    author = audit.Author(administrator(), operator_ref=operator_ref)
    audit.note(connection, author, "catalogue.imported", name, details)


@catalogue_app.command("list")
def list_makers(operator: Operator, data: Data = None, as_json: Json = False) -> None:
    """List the makers; those without a time of import come with the package."""
    listed = read_data(data, lambda c: catalogue.list_makers(c, accounts.find_operator(c, operator)))
    print_rows("Makers", catalogue.CatalogueMaker, listed, as_json=as_json)


@catalogue_app.command("show")
def show(
    maker: Maker,
    operator: Operator,
    model: Annotated[str | None, typer.Argument(help="Id of a model, for its versions and regions.")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show the models of a maker, or a model with its versions, regions and codecs."""
    if model is not None:
        _show_model(maker, model, operator, data, as_json=as_json)
        return

    def read(connection: Connection) -> list[catalogue.CatalogueModel]:
        operator_ref = accounts.find_operator(connection, operator)
        return catalogue.list_models(connection, operator_ref, maker)

    listed = read_data(data, read)
    if not listed:
        fail(f"there is no maker {maker[:60]} in the catalogue")
    print_rows("Models", catalogue.CatalogueModel, listed, as_json=as_json)


def _show_model(maker: str, model: str, operator: str, data: Path | None, *, as_json: bool) -> None:
    whole = read_data(
        data, lambda c: catalogue.find_model(c, accounts.find_operator(c, operator), maker, model)
    )
    if as_json:
        print_json(whole)
        return
    rows = [
        (
            each.firmware,
            each.region,
            each.settings.loRaWANMacVersion,
            each.settings.loRaWANClass,
            "OTAA" if each.joins else "ABP",
            each.codec,
        )
        for each in whole.variants
    ]
    title = f"{whole.model.makerName} {whole.model.name}"
    print_table(title, ("Version", "Region", "LoRaWAN", "Class", "Activation", "Codec"), rows)


@catalogue_app.command("remove")
def remove(
    operator: Operator,
    maker: Annotated[str | None, typer.Argument(help="Id of the maker.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All makers that were imported.")] = False,
    data: Data = None,
) -> None:
    """Remove a maker, or all that were imported. Device profiles and decoders made of them stay."""
    if (maker is None) != everything:
        fail("give the id of a maker, or --all")

    def write(connection: Connection) -> int:
        operator_ref = accounts.find_operator(connection, operator)
        if maker is None:
            return catalogue.remove_all_makers(connection, operator_ref)
        catalogue.remove_maker(connection, operator_ref, maker)
        return 1

    count = change_data(settings_of(data), "catalogue.removed", maker or "all makers", write)
    report(f"{counted(count, 'maker')} removed", makers=count)
