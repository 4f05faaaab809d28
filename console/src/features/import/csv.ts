// Records of a CSV file as spreadsheets write it. A record may run over several lines where a cell is quoted. The server reads
// the cells; here a file is only cut into parts, so that it can be stopped.

import { csvCell } from "../../download";

export interface CsvRecord {
  /** The line of the file on which it begins, from 1. */
  line: number;
  begin: number;
  end: number;
}

export interface CsvFile {
  text: string;
  /** The header's text, where there is one. */
  header: string | null;
  /** Rows with any content, without header and comments. */
  rows: CsvRecord[];
}

export interface CsvPart {
  /** The line of its first row. */
  line: number;
  rows: number;
  text: string;
}

/** The text of a file in UTF-8, UTF-16 or Windows-1252; null for what is no text. */
export function decode(octets: Uint8Array): string | null {
  const head = octets.subarray(0, 4096);
  const zeros = (odd: number) => head.filter((octet, at) => octet === 0 && at % 2 === odd).length;
  let encodings = ["utf-8", "windows-1252"];
  if (head[0] === 0xff && head[1] === 0xfe) encodings = ["utf-16le"];
  else if (head[0] === 0xfe && head[1] === 0xff) encodings = ["utf-16be"];
  else if (zeros(1) > head.length / 4 && !zeros(0)) encodings = ["utf-16le"];
  else if (zeros(0) > head.length / 4 && !zeros(1)) encodings = ["utf-16be"];
  for (const encoding of encodings) {
    try {
      const text = new TextDecoder(encoding, { fatal: true }).decode(octets);
      return text.includes("\u0000") ? null : text.replace(/^\uFEFF/, "");
    } catch {
      // The next one.
    }
  }
  return null;
}

/** Whether a file is an Excel or OpenDocument workbook. */
export function isWorkbook(octets: Uint8Array): boolean {
  return [
    [0x50, 0x4b, 3, 4],
    [0xd0, 0xcf, 0x11, 0xe0],
  ].some((mark) => mark.every((octet, at) => octets[at] === octet));
}

export function parse(text: string): CsvFile {
  const rows = [...records(text)].filter((record) => !/^[\s,;"]*$/.test(text.slice(record.begin, record.end)));
  if (rows[0] && /^sep=.?$/i.test(text.slice(rows[0].begin, rows[0].end).trim())) rows.shift();
  const first = rows[0];
  const header = first && isHeader(text.slice(first.begin, first.end)) ? text.slice(first.begin, first.end) : null;
  return { text, header, rows: header === null ? rows : rows.slice(1) };
}

/** Records but for comments, in which quotes mean nothing. */
function* records(text: string): Generator<CsvRecord> {
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const record = { line, begin: at, end: at };
    const comment = /^[\s"']*#/.test(text.slice(at, text.slice(at).search(/[\r\n]|$/) + at));
    for (let quoted = false; at < text.length; at += 1) {
      const character = text[at];
      if (character === '"') quoted = !quoted && !comment;
      if (character !== "\n" && character !== "\r") continue;
      if (!quoted) break;
      if (character === "\n" || text[at + 1] !== "\n") line += 1;
    }
    record.end = at;
    at += text[at] === "\r" && text[at + 1] === "\n" ? 2 : 1;
    line += 1;
    if (!comment) yield record;
  }
}

/** Cells of one record of the server's answer. */
export function cells(record: string, separator = ","): string[] {
  const found: string[] = [];
  let cell = "";
  let quoted = false;
  for (let position = 0; position < record.length; position += 1) {
    const character = record[position];
    if (quoted) {
      if (character === '"' && record[position + 1] === '"') {
        cell += '"';
        position += 1;
      } else if (character === '"') quoted = false;
      else cell += character;
    } else if (character === '"') quoted = true;
    else if (character === separator) {
      found.push(cell);
      cell = "";
    } else cell += character;
  }
  return [...found, cell];
}

/** The rows of an answer as cells. */
export function answerRows(text: string): string[][] {
  return parse(text).rows.map((record) => cells(text.slice(record.begin, record.end)));
}

const EUIS = ["eui", "deveui", "deviceeui", "enddeviceeui", "nodeeui", "hardwareserial"];

/** Whether a first record is a header: it names the EUI. */
function isHeader(record: string): boolean {
  return [",", ";", "\t"].some((separator) =>
    cells(record, separator).some((cell) => EUIS.includes(cell.toLowerCase().replace(/[^a-z0-9]/g, ""))),
  );
}

/** Parts of at most `size` rows, each with the header where there is one. */
export function parts(file: CsvFile, size: number): CsvPart[] {
  const found: CsvPart[] = [];
  for (let first = 0; first < file.rows.length; first += size) {
    const chosen = file.rows.slice(first, first + size);
    const body = file.text.slice(chosen[0]?.begin, chosen.at(-1)?.end);
    found.push({
      line: chosen[0]?.line ?? 1,
      rows: chosen.length,
      text: file.header === null ? body : `${file.header}\n${body}`,
    });
  }
  return found;
}

const separators = [",", ";", "\t"] as const;
/** Columns A to AA of ThingPark's form; the reason stands behind them. */
const THINGPARK = 27;

/** A file of the rows that were refused, in the form of the first one, with the reason in a column behind the others: it can be
 * corrected and imported as it is. */
export function refusedRows(file: CsvFile, reasons: ReadonlyMap<number, string>): string {
  const rows = file.rows
    .filter((row) => reasons.has(row.line))
    .map((row) => ({ text: file.text.slice(row.begin, row.end), reason: reasons.get(row.line) ?? "" }));
  const sample = file.header ?? rows[0]?.text ?? "";
  const widths = separators.map((separator) => cells(sample, separator).length);
  const separator = separators[widths.indexOf(Math.max(...widths))] ?? ",";
  const width = file.header === null ? THINGPARK : cells(file.header, separator).length;
  // A file that was corrected in part has the column already.
  const again = file.header !== null && cells(file.header, separator).at(-1)?.trim().toLowerCase() === "reason";
  const at = again ? width - 1 : width;
  const lines = rows.map(({ text, reason }) => {
    const row = cells(text, separator);
    const padded = Array.from({ length: at }, (_, column) => row[column] ?? "");
    return [...padded, reason].map(csvCell).join(separator);
  });
  const header = file.header === null ? [] : [again ? file.header : `${file.header}${separator}reason`];
  return [...header, ...lines, ""].join("\r\n");
}

/** Files to begin with; their examples are comments. */
export const templates = {
  header: {
    name: "devices.csv",
    text: [
      "name,EUI,applicationEUI,applicationKey,deviceProfileId,connectivityPlanId,routingProfileId," +
        "hsmGroupId,geoLatitude,geoLongitude,tags",
      "#Tank 7,70B3D5E75E00A1F2,70B3D5E75E000001,8F1CA24B6D0E93577A21C4F8B3D6E905," +
        "LORA/GenericA.1.0.4_ETSI,,,,52.09,5.12,roof;north",
      "",
    ].join("\r\n"),
  },
  thingpark: {
    name: "devices-thingpark.csv",
    text: [
      "#A action,B DevEUI,C DevAddr (ABP),D device profile,E JoinEUI (ABP: NwkSKey)," +
        "F AppKey (ABP: AppSKeys),G,H connectivity plan,I routing profile,J,K name,L latitude," +
        "M longitude,N administrative info,O,P,Q motion,R HSM group,S key version,T,U NwkKey",
      "#CREATE_OTAA,70B3D5E75E00A1F2,,LORA/GenericA.1.0.4_ETSI,70B3D5E75E000001," +
        "8F1CA24B6D0E93577A21C4F8B3D6E905,,,,,Tank 7,52.09,5.12,,,,NEAR_STATIC,,,,",
      "",
    ].join("\r\n"),
  },
} as const;
