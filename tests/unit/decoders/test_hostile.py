"""What comes out of a decoder is JSON of ours or an error in words, whatever it replaces in its world."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import msgspec
import pytest

from veldnet.decoders import pool
from veldnet.decoders.worker import Answer, Task, run

GIVEN: dict[str, Any] = {"bytes": [1, 2], "fPort": 3, "recvTime": 0, "variables": {}}
RETURN = "function decodeUplink(input) { return { data: { n: input.bytes.length } }; }"

# Hostile sources, and the object that comes out of them, or a part of the error.
HOSTILE: list[tuple[str, dict[str, Any] | str]] = [
    # The language's own functions are replaced.
    ("JSON.stringify = function () { return '}{'; };" + RETURN, {"data": {"n": 2}}),
    ("JSON.stringify = () => '{\"data\":1},\"owned\":true';" + RETURN, {"data": {"n": 2}}),
    ("JSON = null;" + RETURN, {"data": {"n": 2}}),
    ("delete JSON.parse; JSON.parse = () => ({ bytes: { length: 9 } });" + RETURN, {"data": {"n": 2}}),
    ("globalThis.JSON = { stringify() { throw 1; }, parse() { throw 2; } };" + RETURN, {"data": {"n": 2}}),
    ("Reflect.apply = Function.prototype.apply = Function.prototype.call = null;" + RETURN,
     {"data": {"n": 2}}),
    ("String = Object = Array = Error = Date = Promise = Reflect = null;" + RETURN, {"data": {"n": 2}}),
    ("Object.keys = () => { throw 1; }; Object.defineProperty = null;" + RETURN, {"data": {"n": 2}}),
    ("String.prototype.slice = String.prototype.concat = () => 'x';" + RETURN, {"data": {"n": 2}}),
    ("Array.prototype[Symbol.iterator] = function* () { yield 7; };" + RETURN, {"data": {"n": 2}}),
    ("Object.defineProperty(Array.prototype, 0, { get() { return 9; }, set() { throw 1; } });" + RETURN,
     "1"),
    ("for (const k of ['get', 'set', 'value', 'writable']) Object.prototype[k] = () => 'x';"
     "function decodeUplink() { const r = Object.create(null); r.a = 1; return r; }", {"a": 1}),
    ("Object.freeze(globalThis);" + RETURN, {"data": {"n": 2}}),
    # What values say of themselves.
    ("Object.prototype.toJSON = () => 'text';" + RETURN, "must return an object"),
    ("Object.prototype.toJSON = () => undefined;" + RETURN, "must return an object"),
    ("Object.prototype.toJSON = function () { return [1]; };" + RETURN, "must return an object"),
    ("Array.prototype.toJSON = () => 1; String.prototype.toJSON = () => 2;"
     "function decodeUplink() { return { a: [1], s: 's' }; }", {"a": 1, "s": "s"}),
    ("function decodeUplink() { return { toJSON() { return { b: 2 }; } }; }", {"b": 2}),
    ("function decodeUplink() { return { toJSON() { throw new Error('no'); } }; }", "Error: no"),
    ("function decodeUplink() { return { get data() { throw 'got'; } }; }", "got"),
    ("function decodeUplink() { let n = 0; return { get data() { return n++; }, again: 1 }; }",
     {"data": 0, "again": 1}),
    ("function decodeUplink() { return new Proxy({}, { ownKeys() { return ['a', 'a']; } }); }", "TypeError"),
    ("function decodeUplink() { return new Proxy({}, { ownKeys() { throw 5; } }); }", "5"),
    ("function decodeUplink() { return new Proxy({ a: 1 }, { get(t, k) { return k === 'a' ? 'p' : "
     "undefined; } }); }",
     {"a": "p"}),
    ("function decodeUplink() { const p = Proxy.revocable({}, {}); p.revoke(); return p.proxy; }",
     "TypeError"),
    ("function decodeUplink() { return { [Symbol.toPrimitive]() { throw 1; }, a: 1 }; }", {"a": 1}),
    ("function decodeUplink() { return { a: new String('x'), b: new Number(1), c: new Boolean(false) }; }",
     {"a": "x", "b": 1, "c": False}),
    ("function decodeUplink() { const n = new Number(1); n.valueOf = () => { throw 'v'; }; return { "
     "n }; }", "v"),
    ("function decodeUplink() { return { a: undefined, b() {}, c: Symbol('s'), d: [undefined] }; "
     "}", {"d": [None]}),
    ("function decodeUplink() { return { a: NaN, b: Infinity, c: -Infinity, d: -0 }; }",
     {"a": None, "b": None, "c": None, "d": 0}),
    ("function decodeUplink() { return { a: 1e20, b: 1e21, c: -1e300, d: 2 ** 53, e: 2 ** 64 }; }",
     {"a": 1e20, "b": 1e21, "c": -1e300, "d": 2**53, "e": 2.0**64}),
    ("function decodeUplink() { return { a: 10n }; }", "BigInt"),
    ("function decodeUplink() { const a = {}; a.a = a; return a; }", "circular"),
    ("function decodeUplink() { return { a: '\\ud800', '\\udfff': 'x\\udc00y', ok: '\\ud83d\\ude00' }; }",
     {"a": "\ufffd", "\ufffd": "x\ufffdy", "ok": "\U0001f600"}),
    ("function decodeUplink() { return { a: '\\u0000\\u2028\\n\"', '\\u0000': 1 }; }",
     {"a": "\0\u2028\n\"", "\0": 1}),
    ("function decodeUplink() { return JSON.parse('{\"__proto__\": {\"x\": 1}, \"constructor\": 2}'); }",
     {"__proto__": {"x": 1}, "constructor": 2}),
    ("function decodeUplink() { return { ['__proto__']: { x: 1 }, hasOwnProperty: 1 }; }",
     {"__proto__": {"x": 1}, "hasOwnProperty": 1}),
    # Too much of it.
    ("function decodeUplink() { return { data: 'x'.repeat(1e6) }; }", "larger than 65536"),
    ("function decodeUplink() { return { data: 'x'.repeat(1e9) }; }", "memory"),
    ("function decodeUplink() { return { ['k'.repeat(1e5)]: 1 }; }", "larger than 65536"),
    ("function decodeUplink() { return { a: new Array(20000).fill(0) }; }", "more than 10000 members"),
    ("function decodeUplink() { let a = 1; for (let i = 0; i < 500; i++) a = [a]; return { a }; }",
     "deeper than 32"),
    ("function decodeUplink() { let a = 1; for (let i = 0; i < 1e5; i++) a = { a }; return a; }", "stack"),
    ("function decodeUplink() { return { toJSON() { return this; } , get a() { return { toJSON: "
     "this.toJSON, b: this }; } }; }",
     "circular"),
    ("function decodeUplink() { return { get a() { for (;;) {} } }; }", "longer"),
    ("function decodeUplink() { const f = () => ({ get a() { return f(); } }); return f(); }", ""),
    ("function decodeUplink() { const a = []; for (;;) a.push(new Array(1e5).fill(7)); }", "memory"),
    ("function decodeUplink() { return decodeUplink(); }", "stack"),
    # Errors.
    ("function decodeUplink() { throw null; }", ""),
    ("function decodeUplink() { throw undefined; }", "undefined"),
    ("function decodeUplink() { throw Symbol('s'); }", "Symbol(s)"),
    ("function decodeUplink() { throw '\\ud800\\u0000'; }", "\ufffd"),
    ("function decodeUplink() { throw { message: 'words' }; }", "words"),
    ("function decodeUplink() { throw { get message() { throw 1; } }; }", "cannot be shown"),
    ("function decodeUplink() { throw { toString: null, valueOf: null }; }", "cannot be shown"),
    ("function decodeUplink() { throw { toString() { for (;;) {} } }; }", "longer"),
    ("function decodeUplink() { throw new Proxy({}, { get() { throw 1; }, getPrototypeOf() { throw "
     "2; } }); }",
     "cannot be shown"),
    ("function decodeUplink() { throw new Error('x'.repeat(1e6)); }", "Error: xxx"),
    ("function decodeUplink() { const e = new Error('e'); Object.defineProperty(e, 'stack', { get() "
     "{ throw 1; } }); throw e; }",
     "cannot be shown"),
    ("throw { toString() { for (;;) {} } };", "longer"),
    ("throw 1;", "1"),
    ("for (;;) {}", "longer"),
    ("(function f() { f(); })();", "stack"),
    # The engine's own words for an interruption are made outside of the limit of time.
    ("InternalError.prototype.toString = Error.prototype.toString = () => { for (;;) {} };"
     "Object.prototype[Symbol.toPrimitive] = () => { for (;;) {} };"
     "Object.setPrototypeOf(InternalError.prototype, { toString() { for (;;) {} } });"
     "Error.prepareStackTrace = () => ({ toString() { for (;;) {} } });"
     "function decodeUplink() { for (;;) {} }", "longer"),
    ("Object.defineProperty(InternalError.prototype, 'message', { get() { for (;;) {} } }); for "
     "(;;) {}", "longer"),
    # Out of its place.
    ("}); globalThis.out = 1; ({", "SyntaxError"),
    ("/*", "SyntaxError"),
    ("`", "SyntaxError"),
    ("\0", "SyntaxError"),
    ("<!-- a comment\n" + RETURN, {"data": {"n": 2}}),
    (RETURN + "\n//# sourceMappingURL=x", {"data": {"n": 2}}),
    ("eval = null; var undefined2;" + RETURN, {"data": {"n": 2}}),
]  # fmt: skip


def hostile(source: str, inputs: int = 1) -> list[Answer]:
    return run(Task(source, "decodeUplink", [GIVEN] * inputs, 0.1, 5.0, 16_000_000, True))


@pytest.mark.parametrize(("source", "expected"), HOSTILE)
def test_a9_json_is_ours_or_there_is_an_error(source: str, expected: dict[str, Any] | str) -> None:
    for answer in hostile(source, 2):
        written = pool._written(msgspec.json.decode(json.dumps(answer), type=pool._Answer))
        if isinstance(expected, str):
            assert written.value is None and expected in str(written.error)
            assert len(str(written.error)) < 1100
            str(written.error).encode()
        else:
            assert written.error is None and written.value is not None
            assert json.loads(written.value) == expected
            # As strict as any reader of JSON.
            assert msgspec.json.decode(written.value) == expected


def test_a9_a_decoder_does_not_change_later_answers_into_forged_ones() -> None:
    source = """
    let calls = 0;
    function decodeUplink() {
      calls += 1;
      JSON.stringify = () => 'forged';
      Object.prototype.toJSON = calls > 1 ? () => ({ forged: calls }) : undefined;
      return { data: calls };
    }
    """
    first, second, third = hostile(source, 3)
    assert first["value"] == {"data": 1}
    assert second["value"] == {"forged": 2} and third["value"] == {"forged": 3}, "its own, and JSON"


def test_a9_a_worker_that_lies_is_not_believed() -> None:
    """Whatever a broken worker sends: an answer of JSON, or an error."""
    for value in ('{"a": 123456789012345678901234567890}', '{"a": 1e400}', '{"a": "' + "\\u0000" + '"}'):
        try:
            (answer,) = pool._answers.decode(f'[{{"value": {value}}}]')
        except msgspec.MsgspecError:
            continue
        written = pool._written(answer)
        assert written.error or json.loads(str(written.value)) is not None
    for text in ('[{"value": 7}]', '[{"value": "x"}]', "{}", "[1]", '[{"value": {}', "[" * 100_000):
        with pytest.raises((msgspec.MsgspecError, RecursionError)):
            pool._answers.decode(text)


def test_the_worker_reads_its_tasks_and_ends_with_its_input() -> None:
    task = json.dumps(
        {
            "source": RETURN,
            "function": "decodeUplink",
            "inputs": [GIVEN],
            "seconds": 0.5,
            "slice": 1,
            "memory": 16_000_000,
        }
    ).encode()
    message = len(task).to_bytes(4, "big") + task
    done = subprocess.run(
        [sys.executable, "-P", str(pool._WORKER), "16000000"],
        input=message * 2 + b"\0\0",
        capture_output=True,
        timeout=600,
        check=True,
    )
    answer = done.stdout[4 : 4 + int.from_bytes(done.stdout[:4], "big")]
    assert json.loads(answer) == [{"value": {"data": {"n": 2}}}]
    assert len(done.stdout) == 2 * (4 + len(answer))
