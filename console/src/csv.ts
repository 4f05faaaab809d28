// Records of a CSV file. A record may run over several lines where a cell is quoted.

export interface CsvPart {
  /** Number of the first record, from 0. */
  first: number;
  records: string[];
}

export function records(text: string): string[] {
  const found: string[] = [];
  let begin = 0;
  let quoted = false;
  const plain = text.replace(/^\uFEFF/, "");
  for (let position = 0; position < plain.length; position += 1) {
    const character = plain[position];
    if (character === '"') quoted = !quoted;
    else if (character === "\n" && !quoted) {
      found.push(plain.slice(begin, position).replace(/\r$/, ""));
      begin = position + 1;
    }
  }
  if (begin < plain.length) found.push(plain.slice(begin));
  return found.filter((record) => record.trim());
}

/** Cells of one record. */
export function cells(record: string): string[] {
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
    else if (character === ",") {
      found.push(cell);
      cell = "";
    } else cell += character;
  }
  return [...found, cell];
}

/** Whether the first record is a header of member names. */
export function hasHeader(lines: string[]): boolean {
  return cells(lines[0] ?? "").some((cell) => ["eui", "deveui"].includes(cell.trim().toLowerCase()));
}

/** Parts of at most `size` records, each with the header where there is one. */
export function parts(lines: string[], size: number): CsvPart[] {
  const header = hasHeader(lines) ? lines.slice(0, 1) : [];
  const body = lines.slice(header.length);
  const found: CsvPart[] = [];
  for (let first = 0; first < body.length; first += size) found.push({ first, records: [...header, ...body.slice(first, first + size)] });
  return found;
}
