"""What is wrong with what base stations send, in words for operators: with messages that are refused, and
with those that are taken all the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from veldnet.texts import Text

# Takes a stable word, which is counted, and a sentence for each thing that is not as it should be.
Note = Callable[[str, Text], None]


class BadMessage(Exception):
    """A message that is not taken; `code` counts it, `words` say what is wrong."""

    def __init__(self, code: str, form: str, /, **values: Any) -> None:
        self.code = code
        self.words = form if isinstance(form, Text) else Text(form, **values)
        super().__init__(self.words)
