"""Makers of devices with their models and codecs, as an operator has imported them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from .columns import Ref, Text, metadata

# Makers of devices with their models and codecs, as an operator has imported them.
catalogue_makers = Table(
    "catalogue_makers",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("operator_ref", ForeignKey("operators.ref", ondelete="CASCADE"), nullable=False),
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("website", Text, nullable=False),
    # The LoRa Alliance's number of the maker, and what its numbers of profiles stand for, as JSON.
    Column("number", Integer),
    Column("profile_numbers", Text, nullable=False),
    Column("imported_at", BigInteger, nullable=False),
    UniqueConstraint("operator_ref", "id"),
    Index("ix_catalogue_makers_operator_ref_number", "operator_ref", "number"),
    sqlite_autoincrement=True,
)

catalogue_models = Table(
    "catalogue_models",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("maker_ref", ForeignKey("catalogue_makers.ref", ondelete="CASCADE"), nullable=False),
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    # Names and description in lower case, which are searched.
    Column("search", Text, nullable=False),
    # How the model starts with each firmware in each region, as JSON.
    Column("variants", Text, nullable=False),
    UniqueConstraint("maker_ref", "id"),
    sqlite_autoincrement=True,
)

catalogue_codecs = Table(
    "catalogue_codecs",
    metadata,
    Column("maker_ref", ForeignKey("catalogue_makers.ref", ondelete="CASCADE"), nullable=False),
    Column("id", Text, nullable=False),
    # JAVASCRIPT or CAYENNE_LPP.
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    PrimaryKeyConstraint("maker_ref", "id"),
)
