// What can be tested without a page.
import { TYPE, type MessageFormatElement } from "@formatjs/icu-messageformat-parser";
import { IntlMessageFormat } from "intl-messageformat";
import { describe, expect, it } from "vitest";
import { EventParser } from "./api/live";
import { answerRows, cells, decode, isWorkbook, parse, parts } from "./features/import/csv";
import { bytes, hex, number, percent, relative, withQuery } from "./format";
import { isEui, isKey, plainHex, randomHex } from "./identifiers";
import { read } from "./components/NumberField";
import { fill, languages, type Key, type Language } from "./text";
import { espColor, sfColor, snrColor } from "./theme";
import { merge, type Line } from "./features/logger/useFrames";

describe("server-sent events", () => {
  it("are put together however the stream is cut", () => {
    const stream =
      'event: ready\ndata: {}\n\n: alive\n\nevent: frames\ndata: [1,\ndata: 2]\n\nevent: dropped\r\ndata: {"dropped":3}\r\n\r\n';
    const whole = new EventParser().push(stream);
    expect(whole.map((event) => event.event)).toEqual(["ready", "frames", "dropped"]);
    expect(JSON.parse(whole[1]!.data)).toEqual([1, 2]);
    for (let size = 1; size < 12; size += 1) {
      const parser = new EventParser();
      const found = [];
      for (let at = 0; at < stream.length; at += size) found.push(...parser.push(stream.slice(at, at + size)));
      if (!stream.includes("\r") || size > 2) expect(found).toEqual(whole);
    }
  });
});

describe("CSV", () => {
  const text =
    '\uFEFF# "a comment, EUI\r\nsep=;\r\nname;Dev EUI\r\n"two\nlines; one cell";1\r\n;\r\n\r\n# "again\r\n"say ""hi""";2\r\nx;3';

  it("has records on their lines, without comments and blank rows", () => {
    const file = parse(decode(new TextEncoder().encode(text))!);
    expect(file.header).toBe("name;Dev EUI");
    expect(file.rows.map((row) => row.line)).toEqual([4, 9, 10]);
    expect(file.rows.map((row) => cells(file.text.slice(row.begin, row.end), ";")[1])).toEqual(["1", "2", "3"]);
    expect(cells('"say ""hi""",2')).toEqual(['say "hi"', "2"]);
    expect(parse("name,EUI\ra,1\rb,2").rows.map((row) => row.line)).toEqual([2, 3]);
    expect(answerRows('CREATE,70B3D5E75E00A1F2,"[400] line 2, column B: no",2,B\n')).toEqual([
      ["CREATE", "70B3D5E75E00A1F2", "[400] line 2, column B: no", "2", "B"],
    ]);
  });

  it("is sent in parts, each with the header and its line", () => {
    const file = parse(["#", "EUI,name", ...Array.from({ length: 5 }, (_, row) => `${row},n`)].join("\n"));
    const split = parts(file, 2);
    expect(split.map((part) => [part.line, part.rows])).toEqual([
      [3, 2],
      [5, 2],
      [7, 1],
    ]);
    expect(split.map((part) => part.text)).toEqual(["EUI,name\n0,n\n1,n", "EUI,name\n2,n\n3,n", "EUI,name\n4,n"]);
    expect(parts(parse("CREATE_OTAA,1\nDELETE,2"), 50)[0]).toEqual({
      line: 1,
      rows: 2,
      text: "CREATE_OTAA,1\nDELETE,2",
    });
  });

  it("is read in the encodings of spreadsheets", () => {
    const bytes = (...octets: number[]) => new Uint8Array(octets);
    const wide = (little: boolean) =>
      Uint8Array.from(
        "EUI;Kühl\n".split("").flatMap((one) => (little ? [one.charCodeAt(0), 0] : [0, one.charCodeAt(0)])),
      );
    expect(decode(wide(true))).toBe("EUI;Kühl\n");
    expect(decode(wide(false))).toBe("EUI;Kühl\n");
    expect(decode(new Uint8Array([0xff, 0xfe, ...wide(true)]))).toBe("EUI;Kühl\n");
    expect(decode(bytes(0x4b, 0xfc, 0x68))).toBe("Küh");
    expect(decode(bytes(0x89, 0x50, 0, 0xff, 0xfe, 0, 0, 1))).toBeNull();
    expect(isWorkbook(bytes(0x50, 0x4b, 3, 4, 0))).toBe(true);
    expect(isWorkbook(bytes(0x45, 0x55, 0x49))).toBe(false);
  });
});

function line(id: string): Line {
  return { id } as Line;
}

describe("the logger's lines", () => {
  it("are in order, each once, and bounded", () => {
    const known = [line("30"), line("10")];
    expect(merge([line("20"), line("30"), line("100")], known, 10).map((one) => one.id)).toEqual([
      "100",
      "30",
      "20",
      "10",
    ]);
    expect(merge([line("40")], known, 2).map((one) => one.id)).toEqual(["40", "30"]);
  });

  it("show what is newer where a line comes again", () => {
    const [first] = merge([{ ...line("1"), deliveries: "OK" }], [line("1")], 5);
    expect(first!.deliveries).toBe("OK");
  });
});

describe("identifiers and numbers", () => {
  it("are taken as people type them", () => {
    expect(plainHex(" 70-b3:d5 e7 ")).toBe("70B3D5E7");
    expect(isEui("70B3D5E75E00A1F2")).toBe(true);
    expect(isEui("70B3D5E75E00A1FG")).toBe(false);
    expect(isKey(randomHex(16))).toBe(true);
    expect(new Set(Array.from({ length: 50 }, () => randomHex(16))).size).toBe(50);
    expect(hex("0a1b2c")).toBe("0A 1B 2C");
  });

  it("have their units, and a dash where there is none", () => {
    expect(number(-7.25, "dB")).toMatch(/^-7[.,]3 dB$/);
    expect(number(undefined)).toBe("–");
    expect(percent(0.1234)).toMatch(/^12[.,]3 %$/);
    expect(bytes(2048)).toMatch(/^2 KiB$/);
    expect(relative("2026-01-01T00:00:00Z", "en", Date.parse("2026-01-01T00:03:00Z"))).toBe("3 minutes ago");
    expect(withQuery("/x", { a: 1, b: "", c: undefined, d: false, e: "ü&" })).toBe("/x?a=1&e=%C3%BC%26");
  });

  it("have ThingPark's colours at their bounds", () => {
    expect([-8, -8.1, -13, -13.1].map(snrColor)).toEqual(["veld", "orange", "orange", "red"]);
    expect([-100, -100.1, -110, -110.1].map(espColor)).toEqual(["veld", "orange", "orange", "red"]);
    expect([10, 11, 12].map(sfColor)).toEqual(["veld", "orange", "red"]);
  });

  it("test_e6: are numbers however far somebody has typed", () => {
    expect(["", "0", "0.", "0.0", "0.00", "0.001", "-", " ", 7].map(read)).toEqual([
      null,
      0,
      0,
      0,
      0,
      0.001,
      null,
      null,
      7,
    ]);
  });
});

describe("texts", () => {
  const named = (parts: MessageFormatElement[]): string[] =>
    parts.flatMap((part) => [
      ...("value" in part && part.type !== TYPE.literal ? [String(part.value)] : []),
      ...("options" in part ? Object.values(part.options).flatMap((option) => named(option.value)) : []),
    ]);

  it("have the same arguments in both languages", () => {
    const names = (text: string, language: Language) =>
      [...new Set(named(new IntlMessageFormat(text, language, undefined, { ignoreTag: true }).getAst()))].sort();
    for (const key of Object.keys(languages.en) as Key[]) {
      expect([key, names(languages.nl[key], "nl")]).toEqual([key, names(languages.en[key], "en")]);
      expect(languages.nl[key].trim()).not.toBe("");
    }
    expect(fill("{a} of {b}", { a: 1, b: "two" })).toBe("1 of two");
  });

  it("test_e7: have the form of their number, in both languages", () => {
    const count = (key: Key, value: number, more = false) =>
      (["en", "nl"] as const).map((language) => fill(languages[language][key], { count: value, more }, language));
    expect(count("network.customers", 1)).toEqual(["1 subscriber", "1 klant"]);
    expect(count("network.customers", 0)).toEqual(["0 subscribers", "0 klanten"]);
    expect(count("network.customers", 2)).toEqual(["2 subscribers", "2 klanten"]);
    expect(count("devices.count", 1)).toEqual(["1 device", "1 apparaat"]);
    expect(count("devices.count", 1234, true)).toEqual(["1,234+ devices", "1.234+ apparaten"]);
    expect(count("devices.bulkFailed", 2)).toEqual([
      "2 devices could not be changed:",
      "2 apparaten konden niet worden gewijzigd:",
    ]);
  });

  it("test_e7: never put one form behind every number", () => {
    // An argument that is no plural, followed by a word in the plural.
    for (const [language, plural] of [
      ["en", /\{(?:count|rows|days|hours|customers|total)\} (?:\w+ )?\w{3,}s\b/],
      ["nl", /\{(?:count|rows|days|hours|customers|total)\} (?!niet verbonden|verbroken)(?:\w+ )?\w{3,}(?:en|s)\b/],
    ] as const) {
      const counts = Object.entries(languages[language]).filter(([, text]) => plural.test(text));
      expect(counts.map(([key]) => key).filter((key) => key !== "import.first")).toEqual([]);
    }
  });
});
