"""Catalogue of devices: makers, models, profiles and codecs, in the format of the LoRaWAN device
repository."""

from .choosing import ChosenModel, ModelChoice, choose_model
from .reading import Maker, Reader, Skipped, Variant
from .sources import read_files
from .stored import (
    CatalogueMaker,
    CatalogueModel,
    Whole,
    find_model,
    find_scanned,
    list_makers,
    list_models,
    remove_all_makers,
    remove_maker,
    replace_maker,
    search_models,
)

__all__ = [
    "CatalogueMaker",
    "CatalogueModel",
    "ChosenModel",
    "Maker",
    "ModelChoice",
    "Reader",
    "Skipped",
    "Variant",
    "Whole",
    "choose_model",
    "find_model",
    "find_scanned",
    "list_makers",
    "list_models",
    "read_files",
    "remove_all_makers",
    "remove_maker",
    "replace_maker",
    "search_models",
]
