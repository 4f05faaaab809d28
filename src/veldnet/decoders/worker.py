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
# The value that goes with a code of the harness.
_VALUES = {
    "no_function": "function",
    "no_module": "module",
    "promise": "function",
    "no_object": "function",
    "long_result": "most",
}

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
    """The decoder failed: a code of `problems`, and the values that its words name."""

    def __init__(self, code: str, **values: str | int) -> None:
        super().__init__(code)
        self.problem = {"code": code, "values": values}


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
            if not error.args[0].startswith("syntax") or not _EXPORT.search(source):
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
        code, _nul, rest = well_formed(json.loads(answer)).partition("\0")
        value, _nul, stack = rest.partition("\0")
        raise _thrown(value, stack) if code == "thrown" else Refused(code, **_value(code, value))

    def _answer(self, what: str, function: str, text: str) -> str:
        try:
            answer = self._harness(what, function, text)
        except quickjs.StackOverflow:
            raise Refused("thrown", words="RangeError: Maximum call stack size exceeded") from None
        except quickjs.JSException as error:
            raise Refused("too_long" if "interrupted" in str(error) else "too_large") from None
        if not isinstance(answer, str):
            raise Refused("failed")
        return answer


def _value(code: str, value: str) -> dict[str, str]:
    return {_VALUES[code]: value} if code in _VALUES else {}


def _thrown(words: str, stack: str) -> Refused:
    """What the source or the engine has thrown."""
    if words in ("InternalError: out of memory", "null"):
        return Refused("too_large")
    code, given = "thrown", words
    if words.startswith(_SYNTAX):
        code, given = "syntax", words.removeprefix(_SYNTAX)
    line = _LINE.search(stack)
    return (
        Refused(code, words=given) if line is None else Refused(f"{code}_in_line", words=given, line=line[1])
    )


_SYNTAX = "SyntaxError: "
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
            raise Refused("deep_result", most=MOST_DEPTH) from None
        raise Refused("no_json", function=function) from None
    if not isinstance(value, dict):
        raise Refused("no_object", function=function)
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
            raise Refused("deep_result", most=MOST_DEPTH)
        self._members += len(value)
        if self._members > MOST_MEMBERS:
            raise Refused("many_members", most=MOST_MEMBERS)
        if isinstance(value, list):
            return [self.checked(item, depth + 1) for item in value]
        return {self.checked(name, depth): self.checked(item, depth + 1) for name, item in value.items()}


def run(task: Task) -> list[Answer]:
    """Answers for the first inputs, at least one; the rest is for the next turn."""
    began = time.monotonic()
    try:
        decoder = Decoder(task)
    except Refused as error:
        return [{"error": error.problem}] * len(task.inputs)
    answers: list[Answer] = []
    for given in task.inputs:
        answer: Answer = {}
        try:
            answer["value"] = decoder.call(task.function, given)
        except Refused as error:
            answer["error"] = error.problem
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
            answers = [{"error": Refused("crashed", error=type(error).__name__).problem}] * len(task.inputs)
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
