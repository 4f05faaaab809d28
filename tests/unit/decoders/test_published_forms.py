"""Decoders in the forms in which makers publish them: found, and called as TS013 says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from veldnet.decoders.problems import Problem, console_line, words_of
from veldnet.decoders.worker import MOST_DEPTH, Answer, Task, as_script, run
from veldnet.texts import in_language

CODECS = Path(__file__).parent / "codecs"
RECEIVED = 1_764_201_600_000
BODY = "{ data: { n: input.bytes.length } }"
MADE = f"function (input) {{ return {BODY}; }}"
FULL = f"{{ decodeUplink: {MADE} }}"


def answer(source: str, payload: str = "0102", *, port: int = 1, function: str = "decodeUplink") -> Answer:
    given = {"bytes": list(bytes.fromhex(payload)), "fPort": port, "recvTime": RECEIVED, "variables": {}}
    return called(source, function, given)


def called(source: str, function: str, given: dict[str, Any]) -> Answer:
    (found,) = run(Task(source, function, [given], 0.5, 5.0, 16_000_000, True))
    if "error" in found:
        found["error"] = words_of(msgspec.convert(found["error"], Problem))
    return found


@pytest.mark.parametrize(
    "source",
    [
        f"function decodeUplink(input) {{ return {BODY}; }}",
        f"function decodeUplink(input) {{ return {BODY}; }} // no newline at the end",
        f"const decodeUplink = (input) => ({BODY});",
        f"let decodeUplink = {MADE}",
        f"'use strict';\nconst decodeUplink = {MADE};",
        f"'use strict';\nfunction decodeUplink(input) {{ return {BODY}; }}",
        f"var decodeUplink = {MADE}",
        f"decodeUplink = {MADE}",
        f"class Codec {{ static run(input) {{ return {BODY}; }} }}\nconst decodeUplink = Codec.run",
        f"this.decodeUplink = {MADE}",
        f"globalThis.decodeUplink = {MADE}",
        f"self.decodeUplink = {MADE}",
        f"window.decodeUplink = {MADE}",
        f"exports.decodeUplink = {MADE};",
        f"module.exports = {FULL};",
        f"module.exports.decodeUplink = {MADE};",
        f"module.exports = exports = {FULL};",
        f"exports.default = {FULL};",
        f"Object.defineProperty(exports, '__esModule', {{ value: true }}); exports.default = {FULL};",
        f"exports.Codec = {FULL};",
        f"module.exports = {MADE};",
        f"const module = {{}}; module.exports = {FULL};",
        f"let exports = {FULL};",
        f"var exports = exports || {{}}; exports.decodeUplink = {MADE};",
        f"export function decodeUplink(input) {{ return {BODY}; }}",
        f"export const decodeUplink = {MADE};",
        f"export default {FULL};",
        f"export default function decodeUplink(input) {{ return {BODY}; }}",
        f"const a = {MADE};export{{a as decodeUplink,a as other}};",
        f"const a = {FULL};\nexport {{\n  a as default,\n}};\n",
        f"define(function () {{ return {FULL}; }});",
        f"define([], function () {{ return {FULL}; }});",
        f"define('codec', ['exports'], function (e) {{ e.decodeUplink = {MADE}; }});",
        f"define(function (require, exports, module) {{ module.exports = {FULL}; }});",
        f"define({FULL});",
        f"(function (root, make) {{ if (typeof define === 'function' && define.amd) "
         f"define(['exports'], make);"
        f" else make(root); }})(this, function (e) {{ e.decodeUplink = {MADE}; }});",
        f"(function (root, make) {{ if (typeof exports === 'object' && typeof module === 'object')"
        f" module.exports = make(); else {{ var made = make(); for (var name in made)"
        " root[name] = made[name]; }"
        f" }})(this, function () {{ return {FULL}; }});",
        f"(function (g, f) {{ typeof exports === 'object' && typeof module !== 'undefined' ? f(exports) :"
        f" typeof define === 'function' && define.amd ? define(['exports'], f) :"
        f" (g = g || self, f(g.Codec = {{}})); }}(this, (function (exports) {{"
        f" exports.decodeUplink = {MADE}; }})));",
        f"var Codec = (function () {{ return {FULL}; }})();",
        f"(function () {{ this.decodeUplink = {MADE}; }}).call(globalThis)",
        "function Decoder(bytes, port) { return { n: bytes.length }; }",
        "function Decode(fPort, bytes, variables) { return { n: bytes.length }; }",
        "const Decode = (fPort, bytes, variables) => ({ n: bytes.length });",
        "exports.Decoder = function (bytes, port) { return { n: bytes.length }; };",
        "module.exports = function Decoder(bytes, port) { return { n: bytes.length }; };",
        "function Decoder() { throw new Error('the older one'); }"
        f"function decodeUplink(input) {{ return {BODY}; }}",
        "var held = { n: 2 }; exports.decodeUplink = function () { return { data: { n: held.n } }; };",
        "module.exports = { size: 2, decodeUplink() { return { data: { n: this.size } }; } };",
    ],
)  # fmt: skip
def test_dec_02_functions_are_found_in_every_form(source: str) -> None:
    assert answer(source) == {"value": {"data": {"n": 2}}, "console": []}


@pytest.mark.parametrize(
    ("name", "payload", "port", "data"),
    [
        ("channels", "017564 0367 1001 0468 71", 85, {"battery": 100, "temperature": 27.2, "humidity": 56.5}),
        ("channels", "20CE 00CA9A3B F6FF", 85, {
            "history": [{"timestamp": 1_000_000_000, "temperature": -1}],
        }),
        ("webpack", "015A 1F8E02F0 0301AE40", 1, {
            "battery": 90, "moving": True, "position": {"latitude": 52.9400560, "longitude": 5.0441792},
        }),
        ("compiled", "0101F4", 1, {"kind": "Measure", "level": 500}),
        ("sampled", "00640065", 3, {"samples": [
            {"date": "2025-11-26T23:50:00.000Z", "value": 1},
            {"date": "2025-11-27T00:00:00.000Z", "value": 1.01},
        ]}),
        ("object", "02 0001 0003 6666 8000 0BB8", 1, {
            "protocol_version": 2, "device_id": 1,
            "air_temperature": {"value": 25, "unit": "°C"}, "air_humidity": {"value": 50.001, "unit": "%"},
            "battery_voltage": {"value": 3, "unit": "V"},
        }),
        ("module", "05AB0C", 7, {
            "raw": "ab0c", "port": 7, "active": ["tamper", "low"], "note": "export default 5",
        }),
        ("legacy", "41480000", 2, {"flow": 12.5, "invalid": None}),
        ("iife", "0100", 1, {"litres": 256}),
    ],
)  # fmt: skip
def test_dec_02_codecs_in_the_shape_of_published_ones(
    name: str, payload: str, port: int, data: dict[str, Any]
) -> None:
    found = answer((CODECS / f"{name}.js").read_text(), payload, port=port)
    assert found.get("error") is None
    assert found["value"]["data"] == data


def test_dec_02_downlinks_in_older_forms() -> None:
    for source, made in (
        (
            "function Encode(fPort, obj, variables) { return [obj.minutes, fPort]; }",
            {"fPort": 1, "bytes": [7, 1]},
        ),
        ("function Encoder(object, port) { return [object.minutes]; }", {"fPort": 1, "bytes": [7]}),
        (
            "exports.encodeDownlink = (i) => ({ fPort: 9, bytes: [i.data.minutes] })",
            {"fPort": 9, "bytes": [7]},
        ),
    ):
        assert called(source, "encodeDownlink", {"data": {"minutes": 7}})["value"] == made
    iife = (CODECS / "iife.js").read_text()
    assert answer(iife, "05", function="decodeDownlink")["value"] == {"data": {"command": 5}}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("var nothing;", "the decoder has no function decodeUplink"),
        ("", "the decoder has no function decodeUplink"),
        ("import x from 'y'; export default x;", "SyntaxError"),
        ("define(['lodash'], function (_) { return {}; });", "module lodash is not available to decoders"),
        ("\n\nfunction decodeUplink() {\n return no.x; }", "ReferenceError: no is not defined (line 4)"),
        ("var fine;\nvar 6;", "SyntaxError: variable name expected (line 2)"),
        ("async function decodeUplink() { return {}; }", "returned a Promise"),
        ("function decodeUplink() {}", "must return an object"),
        ("function decodeUplink() { return [1]; }", "must return an object"),
        ("function decodeUplink() { return 'x'; }", "must return an object"),
    ],
)  # fmt: skip
def test_dec_02_what_is_wrong_is_said(source: str, words: str) -> None:
    assert words in answer(source)["error"]


def test_dec_02_a_module_keeps_its_words() -> None:
    assert as_script("export const a = 1, b = 2;") == " const a = 1, b = 2;"
    assert as_script("x;export{a,b as c};") == "x;module.exports.a = a;module.exports.c = b;"
    for untouched in ("exports.a = 1;", "reexport(1);", "// we export nothing", "'export default'"):
        assert as_script(untouched) == untouched


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("input.recvTime.getTime()", RECEIVED),
        ("input.recvTime instanceof Date", True),
        ("input.recvTime.toISOString()", "2025-11-27T00:00:00.000Z"),
        ("input.recvTime", "2025-11-27T00:00:00.000Z"),
        ("Object.prototype.toString.call(input.recvTime)", "[object Date]"),
        ("Array.isArray(input.bytes) && input.bytes.slice(1)", [2]),
        ("Object.keys(input).join()", "bytes,fPort,recvTime,variables"),
    ],
)
def test_dec_01_recv_time_is_a_date(expression: str, value: object) -> None:
    found = answer(f"function decodeUplink(input) {{ return {{ data: {{ v: {expression} }} }}; }}")
    assert found["value"] == {"data": {"v": value}}
    replaced = "Date = null; Object.defineProperty(Object.prototype, 'recvTime', { set() { throw 1; } });"
    assert answer(f"{replaced} function decodeUplink(input) {{ return {{ ms: +input.recvTime }}; }}")[
        "value"
    ] == {"ms": RECEIVED}


def test_dec_03_console_is_there_and_shown_bounded() -> None:
    source = """
    console.debug("loaded");
    function decodeUplink(input) {
      console.log("seen", input.fPort, { a: [1, null] }, [2], null, undefined, true);
      console.info(new Error("no"), Symbol("s"), 10n, function named() {});
      console.warn("\\ud800", "a\\u0000b");
      console.error({ get a() { throw 1; } }, Object.create(null), new Proxy({}, { get() { throw 2; } }));
      console.assert(false); console.group("x"); console.time("y"); console.table([1]);
      for (let i = 0; i < 1000; i++) console.log("x".repeat(10000));
      return { data: { n: 1 } };
    }
    """
    found = answer(source)
    assert found["value"] == {"data": {"n": 1}}
    lines = found["console"]
    assert lines[0] == "debug loaded"
    assert lines[1] == 'log seen 1 {"a":[1,null]} [2] null undefined true'
    assert lines[2].startswith("info Error: no Symbol(s) 10 function")
    assert lines[3].startswith("warn \ufffd a")
    assert lines[4].startswith("error [cannot be shown] {} ")
    assert len(lines) <= 30 and sum(map(len, lines)) < 20_000
    dropped = console_line(lines[-1])
    assert re.fullmatch(r"warn \d+ more lines were dropped", dropped)
    assert re.fullmatch(r"warn nog \d+ regels zijn weggelaten", in_language(dropped, "nl"))
    assert answer("console = 5; function decodeUplink() { return {}; }")["value"] == {}
    assert (
        answer("const console = { log() {} }; function decodeUplink() { console.log(1); return {}; }")[
            "value"
        ]
        == {}
    )


def test_dec_03_lines_before_an_error_are_shown() -> None:
    found = answer("function decodeUplink() { console.warn('so far'); for (;;) {} }")
    assert "longer" in found["error"] and found["console"] == ["warn so far"]


def test_dec_04_a_source_of_400_000_characters_runs() -> None:
    functions = "\n".join(
        f"function field{n}(bytes, at) {{ var v = (bytes[at] << 8) | bytes[at + 1];"
        f" if (v > 32767) {{ v -= 65536; }} return {{ name: 'field_{n}', value: v / 10, unit: 'C' }}; }}"
        for n in range(2700)
    )
    source = f"{functions}\nfunction decodeUplink(i) {{ return {{ data: field2699(i.bytes, 0) }}; }}"
    assert len(source) > 400_000
    assert answer(source)["value"]["data"]["value"] == 25.8


def test_results_are_as_deep_as_readers_take() -> None:
    deep = "let a = 1; for (let i = 0; i < {}; i++) a = {{ a }}; return a;"
    assert "value" in answer(f"function decodeUplink() {{ {deep.format(MOST_DEPTH)} }}")
    assert "deeper" in answer(f"function decodeUplink() {{ {deep.format(MOST_DEPTH + 1)} }}")["error"]
