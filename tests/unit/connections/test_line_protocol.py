"""Lines of InfluxDB, with names that try to be more than names."""

from __future__ import annotations

import pytest

from veldnet.connections.line_protocol import (
    MOST_FIELDS,
    TooDeep,
    TooManyFields,
    Value,
    fields_of,
    line,
)


@pytest.mark.parametrize(
    ("measurement", "tags", "fields", "written"),
    [
        ("lorawan", {"dev_eui": "01"}, {"t": 21.5}, "lorawan,dev_eui=01 t=21.5"),
        # Numbers are floating point without a mark; the order of tags is that of their names.
        ("m", {"b": "2", "a": "1", "c": ""}, {"n": 3.0, "u": True}, "m,a=1,b=2 n=3.0,u=true"),
        ("m", {}, {"d": False}, "m d=false"),
        ("my, place", {"a b": "c,d=e f"}, {"x=y, z": 1.0}, r"my\,\ place,a\ b=c\,d\=e\ f x\=y\,\ z=1.0"),
        # Text is quoted, and may have lines.
        ("m", {}, {"s": 'say "no" \\'}, r'm s="say \"no\" \\"'),
        ("m", {}, {"s": "two\nlines, a=b"}, 'm s="two\nlines, a=b"'),
        ("m", {}, {"s": ""}, 'm s=""'),
        # A backslash would escape what follows its part; a line feed would end the line.
        ("m\\", {"t\\": "v\\"}, {"f\\": 1.0}, "m_,t_=v_ f_=1.0"),
        ("m\nx y=1", {"t": "a\nm,t=b f=1 2"}, {"f\r\n": 1.0}, r"m_x\ y=1,t=a_m\,t\=b\ f\=1\ 2 f__=1.0"),
        ("#m", {}, {"f": 1.0}, "_m f=1.0"),
        ("", {}, {"": 1.0}, "_ _=1.0"),
        # The server would drop a field with this name, and keep the others.
        ("m", {"time": "x"}, {"time": 1.0, "_field": 2.0}, "m,time_=x time_=1.0,_field_=2.0"),
        ("größe", {"naam": "Kelder é 🌡"}, {"°C": -1e-7}, r"größe,naam=Kelder\ é\ 🌡 °C=-1e-07"),
        ("m", {"t": "\ud800\u2028\x00\x7f"}, {"s": "\ud800"}, 'm,t=?___ s="?"'),
        ("x" * 300, {}, {"f": 1e16}, f"{'x' * 255} f=1e+16"),
    ],
)  # fmt: skip
def test_lines(measurement: str, tags: dict[str, str], fields: dict[str, Value], written: str) -> None:
    assert line(measurement, tags, fields, 17).decode() == f"{written} 17\n"


def test_fields_of_documents() -> None:
    document = {"up": {"t": 21, "list": [1, {"x": "a"}], "none": None, "ok": True}, "empty": {}}
    assert fields_of(document) == {"up_t": 21.0, "up_list_0": 1.0, "up_list_1_x": "a", "up_ok": True}
    assert (fields_of(3), fields_of("x"), fields_of(None), fields_of([])) == (
        {"value": 3.0},
        {"value": "x"},
        {},
        {},
    )
    assert isinstance(fields_of({"n": 1})["n"], float)
    deep: object = 1
    for _ in range(40):
        deep = {"d": deep}
    with pytest.raises(TooDeep):
        fields_of(deep)
    assert len(fields_of(list(range(MOST_FIELDS)))) == MOST_FIELDS
    with pytest.raises(TooManyFields):
        fields_of(list(range(MOST_FIELDS + 1)))
