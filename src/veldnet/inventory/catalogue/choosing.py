"""A device of a model: the device profile and the payload decoder that the catalogue has for it."""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection, select

from veldnet.domain.errors import NotFound
from veldnet.domain.scope import Scope
from veldnet.inventory import decoders
from veldnet.inventory.decoders import PayloadDecoder
from veldnet.inventory.offers import create_device_profile
from veldnet.store.schema import decoder_bindings, device_profiles

from .reading import ModelCodec
from .stored import CatalogueModel, find_model


class ModelChoice(msgspec.Struct):
    """A model with its version (of the firmware) and region. Without `decoder` its payload decoder is
    left alone."""

    makerId: str
    modelId: str
    version: str
    region: str
    decoder: bool = True


class ChosenModel(msgspec.Struct):
    """The device profile of a model. `decoder` says whether its payload decoder was created, an earlier one
    of the subscriber was kept, or there is none."""

    deviceProfileId: str
    deviceProfileCreated: bool
    decoder: Literal["CREATED", "KEPT", "NONE"]
    decoderRef: str | None = None


def choose_model(
    connection: Connection, scope: Scope, wanted: ModelChoice, *, most_source: int
) -> ChosenModel:
    """The device profile of a model, created for the operator when the first device of it comes, and its
    decoder for the subscriber. What exists already is used as it is, for people may have changed it. Raises
    `NotFound`."""
    whole = find_model(connection, scope.operator_ref, wanted.makerId, wanted.modelId)
    variant = next(
        (each for each in whole.variants if (each.firmware, each.region) == (wanted.version, wanted.region)),
        None,
    )
    if variant is None:
        raise NotFound(
            "CatalogueModel", f"{wanted.makerId}/{wanted.modelId} {wanted.version} {wanted.region}"[:200]
        )
    profile_id = _profile_id(wanted)
    profile_ref = connection.execute(
        select(device_profiles.c.ref).where(
            device_profiles.c.operator_ref == scope.operator_ref, device_profiles.c.id == profile_id
        )
    ).scalar()
    created = profile_ref is None
    if profile_ref is None:
        name = f"{whole.model.makerName} {whole.model.name} {variant.firmware} {variant.region}"
        profile_ref = create_device_profile(
            connection, scope.operator_ref, profile_id, name[:100], variant.settings
        )
    chosen = ChosenModel(profile_id, created, "NONE")
    codec = None if variant.codec is None else whole.codecs.get(variant.codec)
    if not wanted.decoder or codec is None:
        return chosen
    bound = connection.execute(
        select(decoder_bindings.c.decoder_ref).where(
            decoder_bindings.c.subscriber_ref == scope.subscriber_ref,
            decoder_bindings.c.profile_ref == profile_ref,
        )
    ).scalar()
    if bound is not None:
        return msgspec.structs.replace(chosen, decoder="KEPT", decoderRef=str(bound))
    ref = _decoder(connection, scope, whole.model, codec, profile_id, most_source)
    return msgspec.structs.replace(chosen, decoder="CREATED", decoderRef=ref)


def _decoder(
    connection: Connection,
    scope: Scope,
    model: CatalogueModel,
    codec: ModelCodec,
    profile_id: str,
    most_source: int,
) -> str:
    """A decoder for the profile: the subscriber's own of the same name and source, or a new one."""
    name = f"{model.makerName} {model.name}"[:100]
    for listed in decoders.list_decoders(connection, scope):
        if listed.name != name or listed.kind != codec.kind:
            continue
        found = decoders.get_decoder(connection, scope, str(listed.ref))
        if found.source == codec.source and found.deviceProfileIds is not UNSET:
            body = PayloadDecoder(deviceProfileIds=[*found.deviceProfileIds, profile_id])
            decoders.update_decoder(connection, scope, str(found.ref), body, most_source=most_source)
            return str(found.ref)
    body = PayloadDecoder(
        name=name,
        kind="CAYENNE_LPP" if codec.kind == "CAYENNE_LPP" else "JAVASCRIPT",
        source=codec.source,
        deviceProfileIds=[profile_id],
    )
    return str(decoders.create_decoder(connection, scope, body, most_source=most_source).ref)


def _profile_id(wanted: ModelChoice) -> str:
    """At most 100 characters, the limit of a profile's id. A long version is cut, with a digest so that it
    stays another than its neighbours."""
    version = wanted.version
    most = 100 - len(f"{wanted.makerId}/{wanted.modelId}//{wanted.region}")
    if len(version) > most:
        version = f"{version[: most - 9]}-{hashlib.sha256(version.encode()).hexdigest()[:8]}"
    return f"{wanted.makerId}/{wanted.modelId}/{version}/{wanted.region}"
