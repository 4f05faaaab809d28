"""The process in which decoders run: it reads tasks from its standard input and writes answers.

A decoder is somebody else's program. It sees no file, no network and no clock but Date; it may use so much
memory and so much time, and whatever it breaks is this process alone.
"""

from __future__ import annotations

import contextlib
import resource
import struct
import sys
from typing import Any, BinaryIO

import msgspec
import quickjs

_LENGTH = struct.Struct(">I")
_MOST_OUTPUT = 65_536
_ADDRESS_SPACE = 1_000_000_000
_STACK = 262_144


class Task(msgspec.Struct):
    """Call `function` of `source` for each input; `seconds` for each call, `memory` bytes in all."""

    source: str
    function: str
    inputs: list[dict[str, Any]]
    seconds: float
    memory: int


class Answer(msgspec.Struct):
    """What a call returned, as JSON, or why it did not."""

    value: str | None = None
    error: str | None = None


# Older styles are called through their own names.
_CALL = """
(function (name, text) {
  const input = JSON.parse(text);
  let result;
  if (typeof globalThis[name] === "function") {
    result = globalThis[name](input);
  } else if (name === "decodeUplink" && typeof Decode === "function") {
    result = { data: Decode(input.fPort, input.bytes, {}) };
  } else if (name === "decodeUplink" && typeof Decoder === "function") {
    result = { data: Decoder(input.bytes, input.fPort) };
  } else {
    throw new Error("the decoder has no function " + name);
  }
  if (result === null || typeof result !== "object") throw new Error(name + " must return an object");
  return JSON.stringify(result);
})
"""


def run(task: Task) -> list[Answer]:
    context = quickjs.Context()
    context.set_memory_limit(task.memory)
    context.set_max_stack_size(_STACK)
    context.set_time_limit(task.seconds)
    try:
        # Functions by their plain names, whatever the source does with `exports`.
        context.eval("var exports = {}, module = {exports: exports};")
        context.eval(task.source)
        call = context.eval(_CALL)
    except quickjs.JSException as error:
        return [Answer(error=_told(error))] * len(task.inputs)
    answers = []
    for given in task.inputs:
        try:
            value = call(task.function, msgspec.json.encode(given).decode())
        except quickjs.JSException as error:
            answers.append(Answer(error=_told(error)))
            continue
        if len(value) > _MOST_OUTPUT:
            answers.append(Answer(error=f"the result is larger than {_MOST_OUTPUT} characters"))
        else:
            answers.append(Answer(value=value))
    return answers


def _told(error: quickjs.JSException) -> str:
    text = str(error).strip()
    if "interrupted" in text:
        return "the decoder ran longer than it may"
    if "out of memory" in text or text == "null":
        return "the decoder used more memory than it may"
    return text[:1000]


def _serve(source: BinaryIO, sink: BinaryIO) -> None:
    decoder = msgspec.msgpack.Decoder(Task)
    while len(head := source.read(_LENGTH.size)) == _LENGTH.size:
        task = decoder.decode(source.read(_LENGTH.unpack(head)[0]))
        try:
            answers = run(task)
        except Exception as error:
            answers = [Answer(error=f"the decoder failed: {type(error).__name__}")] * len(task.inputs)
        octets = msgspec.msgpack.encode(answers)
        sink.write(_LENGTH.pack(len(octets)) + octets)
        sink.flush()


if __name__ == "__main__":
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _serve(sys.stdin.buffer, sys.stdout.buffer)
