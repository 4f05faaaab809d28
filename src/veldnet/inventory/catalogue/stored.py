"""Makers and models in the store, an operator's own beside those that come with the package."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from veldnet.domain.errors import NotFound
from veldnet.domain.resources import timestamp
from veldnet.inventory.rows import inserted_ref
from veldnet.store import moment
from veldnet.store.schema import catalogue_codecs, catalogue_makers, catalogue_models

from .builtin import builtin_makers
from .reading import Maker, Model, ModelCodec, ScannedProfile, Variant

_MOST_OF_MAKER = 5_000
_variants = msgspec.json.Decoder(list[Variant])
_profile_numbers = msgspec.json.Decoder(dict[str, ScannedProfile])


class CatalogueMaker(msgspec.Struct):
    """A maker; those that come with the package have no `importTime`."""

    id: str
    name: str
    website: str
    models: int
    importTime: str | None = None


class CatalogueModel(msgspec.Struct):
    """A model of device in the catalogue."""

    makerId: str
    makerName: str
    modelId: str
    name: str
    description: str


class Whole(msgspec.Struct, frozen=True):
    """A model with how it starts, and the maker's codecs that it uses by their ids."""

    model: CatalogueModel
    variants: list[Variant]
    codecs: dict[str, ModelCodec]


def replace_maker(connection: Connection, operator_ref: int, maker: Maker) -> None:
    """Write a maker with its models and codecs, in place of the one that the operator had under the id."""
    remove_maker(connection, operator_ref, maker.id, must_exist=False)
    ref = inserted_ref(
        connection.execute(
            insert(catalogue_makers).values(
                operator_ref=operator_ref,
                id=maker.id,
                name=maker.name,
                website=maker.website,
                number=maker.number,
                profile_numbers=msgspec.json.encode(maker.profile_numbers).decode(),
                imported_at=moment(connection),
            )
        )
    )
    if maker.codecs:
        connection.execute(
            insert(catalogue_codecs),
            [
                {"maker_ref": ref, "id": each.id, "kind": each.kind, "source": each.source}
                for each in maker.codecs
            ],
        )
    connection.execute(
        insert(catalogue_models),
        [
            {
                "maker_ref": ref,
                "id": model.id,
                "name": model.name,
                "description": model.description,
                "search": _search_text(maker, model),
                "variants": msgspec.json.encode(model.variants).decode(),
            }
            for model in maker.models
        ],
    )


def remove_maker(
    connection: Connection, operator_ref: int, maker_id: str, *, must_exist: bool = True
) -> None:
    """Remove a maker that the operator imported. Device profiles and decoders made of its models stay.
    Raises `NotFound`."""
    mine = (catalogue_makers.c.operator_ref == operator_ref) & (catalogue_makers.c.id == maker_id)
    ref = connection.execute(select(catalogue_makers.c.ref).where(mine)).scalar()
    if ref is None:
        if must_exist:
            raise NotFound("Maker", maker_id)
        return
    for table in (catalogue_models, catalogue_codecs):
        connection.execute(delete(table).where(table.c.maker_ref == ref))
    connection.execute(delete(catalogue_makers).where(catalogue_makers.c.ref == ref))


def remove_all_makers(connection: Connection, operator_ref: int) -> int:
    """Remove all that the operator imported; returns how many makers there were."""
    ids = connection.execute(
        select(catalogue_makers.c.id).where(catalogue_makers.c.operator_ref == operator_ref)
    ).scalars()
    found = list(ids)
    for maker_id in found:
        remove_maker(connection, operator_ref, maker_id)
    return len(found)


def list_makers(connection: Connection, operator_ref: int) -> list[CatalogueMaker]:
    """All makers by name, those of the package first."""
    count = (
        select(func.count())
        .where(catalogue_models.c.maker_ref == catalogue_makers.c.ref)
        .scalar_subquery()
        .label("models")
    )
    rows = connection.execute(
        select(catalogue_makers, count)
        .where(catalogue_makers.c.operator_ref == operator_ref)
        .order_by(func.lower(catalogue_makers.c.name), catalogue_makers.c.id)
    )
    imported = [
        CatalogueMaker(row.id, row.name, row.website, row.models, timestamp(row.imported_at)) for row in rows
    ]
    hidden = {each.id for each in imported}
    return [
        CatalogueMaker(each.id, each.name, each.website, len(each.models))
        for each in builtin_makers()
        if each.id not in hidden
    ] + imported


def search_models(
    connection: Connection, operator_ref: int, search: str, maker_id: str | None = None, limit: int = 50
) -> list[CatalogueModel]:
    """Models whose maker, name or description has all words, those of the package first."""
    words = search.lower().split()[:10]
    query = (
        select(
            catalogue_makers.c.id.label("maker_id"),
            catalogue_makers.c.name.label("maker_name"),
            catalogue_models.c.id,
            catalogue_models.c.name,
            catalogue_models.c.description,
        )
        .join(catalogue_makers, catalogue_makers.c.ref == catalogue_models.c.maker_ref)
        .where(catalogue_makers.c.operator_ref == operator_ref)
        .order_by(func.lower(catalogue_makers.c.name), func.lower(catalogue_models.c.name))
        .limit(limit)
    )
    for word in words:
        query = query.where(catalogue_models.c.search.contains(word, autoescape=True))
    if maker_id is not None:
        query = query.where(catalogue_makers.c.id == maker_id)
    imported = [
        CatalogueModel(row.maker_id, row.maker_name, row.id, row.name, row.description)
        for row in connection.execute(query)
    ]
    hidden = _imported_ids(connection, operator_ref)
    ours = [
        CatalogueModel(maker.id, maker.name, model.id, model.name, model.description)
        for maker in builtin_makers()
        if maker_id in (None, maker.id) and maker.id not in hidden
        for model in maker.models
        if all(word in _search_text(maker, model) for word in words)
    ]
    return (ours + imported)[:limit]


def list_models(connection: Connection, operator_ref: int, maker_id: str) -> list[CatalogueModel]:
    """All models of a maker, by name."""
    return search_models(connection, operator_ref, "", maker_id, _MOST_OF_MAKER)


def find_model(connection: Connection, operator_ref: int, maker_id: str, model_id: str) -> Whole:
    """A model with its variants and codecs. Raises `NotFound`."""
    row = connection.execute(
        select(
            catalogue_models,
            catalogue_makers.c.id.label("maker_id"),
            catalogue_makers.c.name.label("maker_name"),
        )
        .join(catalogue_makers, catalogue_makers.c.ref == catalogue_models.c.maker_ref)
        .where(
            catalogue_makers.c.operator_ref == operator_ref,
            catalogue_makers.c.id == maker_id,
            catalogue_models.c.id == model_id,
        )
    ).first()
    if row is not None:
        found = CatalogueModel(row.maker_id, row.maker_name, row.id, row.name, row.description)
        variants = _variants.decode(row.variants)
        used = {each.codec for each in variants if each.codec is not None}
        codecs = connection.execute(
            select(catalogue_codecs).where(
                catalogue_codecs.c.maker_ref == row.maker_ref, catalogue_codecs.c.id.in_(used)
            )
        )
        return Whole(
            found, variants, {each.id: ModelCodec(each.id, each.kind, each.source) for each in codecs}
        )
    if maker_id not in _imported_ids(connection, operator_ref):
        for maker in builtin_makers():
            for model in maker.models:
                if (maker.id, model.id) == (maker_id, model_id):
                    found = CatalogueModel(maker.id, maker.name, model.id, model.name, model.description)
                    return Whole(found, model.variants, {each.id: each for each in maker.codecs})
    raise NotFound("CatalogueModel", f"{maker_id}/{model_id}"[:100])


def find_scanned(
    connection: Connection, operator_ref: int, maker: int, profile: int
) -> tuple[CatalogueModel, ScannedProfile] | None:
    """The model that a QR code names by the numbers of its maker and of the maker's profile."""
    rows = connection.execute(
        select(catalogue_makers.c.id, catalogue_makers.c.profile_numbers).where(
            catalogue_makers.c.operator_ref == operator_ref, catalogue_makers.c.number == maker
        )
    )
    for row in rows:
        scanned = _profile_numbers.decode(row.profile_numbers).get(f"{profile:04X}")
        if scanned is not None:
            return find_model(connection, operator_ref, row.id, scanned.model).model, scanned
    return None


def _imported_ids(connection: Connection, operator_ref: int) -> set[str]:
    """Which makers of the package the operator has replaced by its own."""
    ids = [maker.id for maker in builtin_makers()]
    query = select(catalogue_makers.c.id).where(
        catalogue_makers.c.operator_ref == operator_ref, catalogue_makers.c.id.in_(ids)
    )
    return set(connection.execute(query).scalars())


def _search_text(maker: Maker, model: Model) -> str:
    return f"{maker.name} {model.name} {maker.id} {model.id} {model.description}".lower()
