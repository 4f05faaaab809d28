"""Brings the catalogues of the server's texts up to date: `python -m tests.texts_catalogue`.

New texts come in without a translation, which `tests/unit/texts` refuses until it is written; texts that are
no longer used go."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

SOURCE = Path(__file__).parent.parent / "src/veldnet"
LOCALES = SOURCE / "texts/locales"
# What takes a text, and as which argument.
_FIRST = (
    "Text BadRequest InvalidField MissingField NotUpdatable UnknownReference NoFreeConnection NoSpace InUse "
    "WeakKey BadBranding TooManyDestinations Unauthorized Forbidden Conflict SecondFactorNeeded "
    "AddressRefused UnusableKey InvalidDeviceCode InvalidIdentifier"
)
# Their texts are for programs, for the terminal, or in catalogues of their own.
ELSEWHERE = ("cli", "client", "diagnosis", "simulator", "store", "testing")
KEYWORDS: dict[str, tuple[int, ...] | None] = dict.fromkeys(_FIRST.split(), None) | {
    # Help of settings.
    "about": (1,),
    "GatewayError": (2,),
    "DatagramError": (2,),
    "MessageError": (2,),
    "NotAuthenticated": (1,),
    "NotFound": (1,),
    "Plural": (1, 2),
    # Types of alarms.
    "_state": (2,),
    "_event": (2,),
    # The calls of `Refusal`, in its kinds.
    "__init__": (1,),
}


# What Babel finds texts in. It takes files apart word by word, so others are left out.
_NAMES = "|".join(name for name in KEYWORDS if name != "__init__")
_HAS_TEXTS = re.compile(rf"\b(?:{_NAMES})\s*\(|\.__init__\s*\(")


def extracted() -> Catalog:
    """The texts in the source of the server."""
    catalogue = Catalog(charset="utf-8")
    for path in sorted(SOURCE.rglob("*.py")):
        if not _is_read(path.parent) or _HAS_TEXTS.search(path.read_text()) is None:
            continue
        file = path.relative_to(SOURCE).as_posix()
        for _line, message, comments, _context in extract_from_file("python", path, keywords=KEYWORDS):
            if message:
                catalogue.add(message, None, [(file, 1)], auto_comments=comments)
    return catalogue


def _is_read(folder: Path) -> bool:
    # `Text` of a migration is a type of the database.
    parts = folder.relative_to(SOURCE).parts
    return parts[:1] not in {(name,) for name in ELSEWHERE} and "migrations" not in parts


def read(language: str) -> Catalog:
    with (LOCALES / language / "LC_MESSAGES/veldnet.po").open("rb") as file:
        return read_po(file, locale=language)


def written(catalogue: Catalog) -> bytes:
    out = BytesIO()
    catalogue.fuzzy = False
    catalogue.header_comment = "# Texts of the server; make texts adds new ones."
    write_po(out, catalogue, width=110, sort_output=True, no_location=True, ignore_obsolete=True)
    return out.getvalue()


def main() -> None:
    template = extracted()
    for folder in sorted(LOCALES.iterdir()):
        path = folder / "LC_MESSAGES/veldnet.po"
        catalogue = read(folder.name) if path.exists() else Catalog(locale=folder.name)
        catalogue.update(template, no_fuzzy_matching=True, update_creation_date=False)
        path.write_bytes(written(catalogue))
        missing = [message.id for message in catalogue if message.id and not all(_forms(message.string))]
        print(f"{path}: {len(catalogue)} texts, {len(missing)} without translation")


def _forms(string: object) -> tuple[str, ...]:
    return tuple(string) if isinstance(string, (tuple, list)) else (str(string or ""),)


if __name__ == "__main__":
    main()
