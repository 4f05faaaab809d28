"""The process in which decoders run: it reads tasks from its standard input and writes answers.

A decoder is somebody else's program. It sees no file, no network and no clock but Date; it may use so
much memory and so much time, and whatever it breaks is this process alone. The file is run by its path
and imports nothing of Veldnet, so that a worker stays small.
"""

from __future__ import annotations

import contextlib
import json
import re
import resource
import struct
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import quickjs

_LENGTH = struct.Struct(">I")
_HARNESS = Path(__file__).with_name("harness.js").read_text()
_STACK = 262_144
MOST_DEPTH = 32
MOST_MEMBERS = 10_000
# Characters of results in one answer; what is left over is asked for again.
_MOST_TOGETHER = 1_000_000
# A large source takes longer to load than a frame may take.
_LOADING = 5
# Integers beyond are no longer exact in JavaScript.
_MOST_EXACT = 1 << 53
TOO_LONG = "the decoder ran longer than it may"
TOO_LARGE = "the decoder used more memory than it may"

Answer = dict[str, Any]


class Task(NamedTuple):
    """Call `function` of `source` for each input: `seconds` for each call and about `slice` for all, `memory`
    bytes. An input has the members of TS013; `recvTime` is milliseconds since 1970."""

    source: str
    function: str
    inputs: list[dict[str, Any]]
    seconds: float
    slice: float
    memory: int
    console: bool = False


class Refused(Exception):
    """The decoder failed; the text says why."""


class Decoder:
    """A decoder that has been loaded. `written` counts the characters of its results."""

    written = 0

    def __init__(self, task: Task) -> None:
        self._context = quickjs.Context()
        self._context.set_memory_limit(task.memory)
        self._context.set_max_stack_size(_STACK)
        self._harness = self._context.eval(_HARNESS)
        self._context.set_time_limit(task.seconds * _LOADING)
        self._load(task.source)
        self._context.set_time_limit(task.seconds)

    def _load(self, source: str) -> None:
        try:
            self._ask("load", "", json.dumps(source))
        except Refused as error:
            if "SyntaxError" not in str(error) or not _EXPORT.search(source):
                raise
            # Modules of ECMAScript are scripts but for their exports.
            self._ask("load", "", json.dumps(as_script(source)))

    def call(self, function: str, given: dict[str, Any]) -> dict[str, Any]:
        """What the function returns for an input. Raises `Refused`."""
        text = self._ask("call", function, json.dumps(given))
        self.written += len(text)
        return checked(text, function)

    def logged(self) -> list[str]:
        """What was written to the console since the last time: level and text."""
        try:
            lines: list[str] = json.loads(self._answer("drain", "", "")).splitlines()
        except Refused:
            return []
        return [well_formed(json.loads(line)) for line in lines]

    def _ask(self, what: str, function: str, text: str) -> str:
        """A JSON object as text. Raises `Refused` for anything else."""
        answer = self._answer(what, function, text)
        if answer[:1] == "{":
            return answer
        words, _nul, stack = well_formed(json.loads(answer)).partition("\0")
        if words in ("InternalError: out of memory", "null"):
            raise Refused(TOO_LARGE)
        line = _LINE.search(stack)
        raise Refused(words if line is None else f"{words} (line {line[1]})")

    def _answer(self, what: str, function: str, text: str) -> str:
        try:
            answer = self._harness(what, function, text)
        except quickjs.StackOverflow:
            raise Refused("RangeError: Maximum call stack size exceeded") from None
        except quickjs.JSException as error:
            raise Refused(TOO_LONG if "interrupted" in str(error) else TOO_LARGE) from None
        if not isinstance(answer, str):
            raise Refused("the decoder failed")
        return answer


_LINE = re.compile(r"<input>:(\d+)")
_EXPORT = re.compile(r"(?<![^;}\n])[ \t]*export\b")
_EXPORTED = re.compile(
    r"(?<![^;}\n])[ \t]*export\s*"
    r"(?:(?P<default>\bdefault\b\s*)|\{(?P<names>[^{}]*)\}\s*;?|(?=\s(?:async\s+)?(?:function|const|let|var|class)\b))"
)


def as_script(source: str) -> str:
    """An ECMAScript module as a script whose exports are members of `module.exports`."""

    def replaced(match: re.Match[str]) -> str:
        if match["default"]:
            return "module.exports.default = "
        if match["names"] is None:
            return ""
        pairs = (part.split() for part in match["names"].split(",") if part.strip())
        return "".join(f"module.exports.{pair[-1]} = {pair[0]};" for pair in pairs if len(pair) in (1, 3))

    return _EXPORTED.sub(replaced, source)


def well_formed(text: str) -> str:
    """Text without halves of surrogate pairs, which no encoding knows."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def checked(text: str, function: str) -> dict[str, Any]:
    """The object in a JSON text, as every JSON reader takes it. Raises `Refused`."""
    try:
        value = _Checker().checked(json.loads(text), 0)
    except (ValueError, RecursionError) as error:
        if isinstance(error, RecursionError):
            raise Refused(f"the result is nested deeper than {MOST_DEPTH}") from None
        raise Refused(f"{function} returned no JSON") from None
    if not isinstance(value, dict):
        raise Refused(f"{function} must return an object")
    return value


class _Checker:
    def __init__(self) -> None:
        self._members = 0

    def checked(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return value if value.isascii() else well_formed(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value if -_MOST_EXACT <= value <= _MOST_EXACT else float(value)
        if not isinstance(value, dict | list):
            return value
        if depth >= MOST_DEPTH:
            raise Refused(f"the result is nested deeper than {MOST_DEPTH}")
        self._members += len(value)
        if self._members > MOST_MEMBERS:
            raise Refused(f"the result has more than {MOST_MEMBERS} members")
        if isinstance(value, list):
            return [self.checked(item, depth + 1) for item in value]
        return {self.checked(name, depth): self.checked(item, depth + 1) for name, item in value.items()}


def run(task: Task) -> list[Answer]:
    """Answers for the first inputs, at least one; the rest is for the next turn."""
    began = time.monotonic()
    try:
        decoder = Decoder(task)
    except Refused as error:
        return [{"error": str(error)}] * len(task.inputs)
    answers: list[Answer] = []
    for given in task.inputs:
        answer: Answer = {}
        try:
            answer["value"] = decoder.call(task.function, given)
        except Refused as error:
            answer["error"] = str(error)
        if task.console:
            answer["console"] = decoder.logged()
        answers.append(answer)
        if decoder.written > _MOST_TOGETHER or time.monotonic() - began > task.slice:
            break
    return answers


def _serve(source: BinaryIO, sink: BinaryIO) -> None:
    while len(head := source.read(_LENGTH.size)) == _LENGTH.size:
        task = Task(**json.loads(source.read(_LENGTH.unpack(head)[0])))
        try:
            answers = run(task)
        except Exception as error:
            answers = [{"error": f"the decoder failed: {type(error).__name__}"}] * len(task.inputs)
        octets = json.dumps(answers, allow_nan=False).encode()
        sink.write(_LENGTH.pack(len(octets)) + octets)
        sink.flush()


if __name__ == "__main__":
    # Python and its libraries take about 50 MB of addresses; a task and its answers a few beside the decoder.
    room = 128_000_000 + 2 * int(sys.argv[1])
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (room, room))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _serve(sys.stdin.buffer, sys.stdout.buffer)
