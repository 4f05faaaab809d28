"""Sentences of the server that people read, in the languages of the console.

A sentence is written in English where it is needed, with its values beside it: `Text("{name} is unknown",
name=name)`. Its translation is looked up in the catalogue of a language under its English form.
"""

from .catalogue import in_language, translations
from .languages import LANGUAGES, Language, preferred_language
from .packing import pack, stored_in, unpack
from .text import Plural, Text, english

__all__ = [
    "LANGUAGES",
    "Language",
    "Plural",
    "Text",
    "english",
    "in_language",
    "pack",
    "preferred_language",
    "stored_in",
    "translations",
    "unpack",
]
