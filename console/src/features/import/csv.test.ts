import { describe, expect, it } from "vitest";
import { answerRows, cells, decode, isWorkbook, parse, parts, refusedRows, templates } from "./csv";

describe("CSV", () => {
  const text =
    '\uFEFF# "a comment, EUI\r\nsep=;\r\nname;Dev EUI\r\n"two\nlines; one cell";1\r\n;\r\n\r\n# "again\r\n"say ""hi""";2\r\nx;3';

  it("has records on their lines, without comments and blank rows", () => {
    const file = parse(decode(new TextEncoder().encode(text)) ?? "");
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

describe("CSV that people get", () => {
  it("gives refused rows back with the reason in a column", () => {
    const ours = parse('EUI;name\n70B3D5E75E00A1F2;"a;b"\n1;c\n2;d\n');
    const refused = refusedRows(
      ours,
      new Map([
        [2, 'no "plan", sorry'],
        [4, "EUI"],
      ]),
    );
    expect(refused).toBe('EUI;name;reason\r\n70B3D5E75E00A1F2;"a;b";"no ""plan"", sorry"\r\n2;d;EUI\r\n');
    // Imported again in part: there is one column of reasons.
    expect(refusedRows(parse(refused), new Map([[3, "still"]]))).toBe("EUI;name;reason\r\n2;d;still\r\n");
    const [line] = refusedRows(parse("CREATE_OTAA,1\nDELETE,2"), new Map([[2, "unknown"]])).split("\r\n");
    expect(cells(line ?? "")).toHaveLength(28);
    expect(cells(line ?? "").at(-1)).toBe("unknown");
  });

  it("gives refused rows back without formulas", () => {
    const hostile = ["=cmd|' /C calc'!A0", "@SUM(1)", "+1+1", "-2+3", " =1", "＝1", "a;=1+1", "'=1"];
    const kept = ["-12.5", "+31", '="0012"', "'s-Gravenhage", "a=b"];
    const text = ["EUI,name", ...[...hostile, ...kept].map((name) => `1,"${name.replaceAll('"', '""')}"`)].join("\n");
    const reasons = new Map([...hostile, ...kept].map((_, row) => [row + 2, "no"]));
    const rows = answerRows(refusedRows(parse(text), reasons));
    const guarded = hostile.map((name) => (name === "a;=1+1" ? name : `'${name}`));
    expect(rows.map((row) => row[1])).toEqual([...guarded, ...kept]);
    expect(refusedRows(parse(text), reasons)).toContain('"a;=1+1"');
  });

  it("begins with a template that has no rows of its own", () => {
    expect(parse(templates.header.text)).toMatchObject({ rows: [] });
    expect(parse(templates.header.text).header).toContain("applicationKey");
    expect(parse(templates.thingpark.text)).toMatchObject({ rows: [], header: null });
  });
});
