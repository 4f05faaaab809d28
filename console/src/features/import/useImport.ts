// A file of devices, sent in parts: first as a trial, then to be carried out.
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { refresh } from "../../api/changes";
import { api, postText } from "../../api/client";
import { useUnsaved } from "../../components/edits";
import { done, useTell } from "../../components/notify";
import { bytes, withQuery } from "../../format";
import { useT, type Translate } from "../../text";
import { touchedByImport } from "./api";
import { answerRows, decode, isWorkbook, parse, parts, type CsvFile } from "./csv";

export const SIZE = 50;
const MOST = 50_000_000;

export interface Result {
  line: number;
  column: string;
  action: string;
  eui: string;
  outcome: string;
  ok: boolean;
}

export interface Loaded {
  name: string;
  size: number;
  csv: CsvFile;
}

export interface Progressed {
  at: number;
  of: number;
  dry: boolean;
}

function resultsIn(answer: string): Result[] {
  return answerRows(answer).map(([action = "", eui = "", outcome = "", at = "", column = ""]) => ({
    line: Number(at),
    column,
    action,
    eui,
    outcome,
    ok: outcome.startsWith("[2"),
  }));
}

/** Throws what is wrong with a file that has no rows to import. */
async function load(given: File, t: Translate): Promise<Loaded> {
  if (given.size > MOST) throw new Error(t("import.tooLarge", { size: bytes(MOST) }));
  const octets = new Uint8Array(await given.arrayBuffer());
  if (isWorkbook(octets)) throw new Error(t("import.workbook", { name: given.name }));
  const text = decode(octets);
  if (text === null) throw new Error(t("import.notText", { name: given.name }));
  const csv = parse(text);
  if (!csv.rows.length) throw new Error(t("import.notCsv", { name: given.name }));
  return { name: given.name, size: given.size, csv };
}

/** A file that somebody has chosen, what was sent of it, and what came of each row. */
export function useImport() {
  const t = useT();
  const { failed } = useTell();
  const queries = useQueryClient();
  const [file, setFile] = useState<Loaded | null>(null);
  const [results, setResults] = useState<Result[]>([]);
  const [progress, setProgress] = useState<Progressed | null>(null);
  const [tried, setTried] = useState(false);
  const stopping = useRef(false);
  // The parts of a file that are not sent yet would be lost.
  useUnsaved(progress !== null);
  const take = async (given: File | null) => {
    if (!given) return;
    setResults([]);
    setTried(false);
    try {
      setFile(await load(given, t));
    } catch (error) {
      failed(error);
    }
  };
  const carryOut = async (dry: boolean) => {
    if (!file) return;
    stopping.current = false;
    setResults([]);
    const split = parts(file.csv, SIZE);
    setProgress({ at: 0, of: split.length, dry });
    const all: Result[] = [];
    let continues: string | undefined;
    try {
      const part = dry ? undefined : (await api.POST("/api/v1/imports", { body: { name: file.name } })).data?.ref;
      for (const [index, { line, text }] of split.entries()) {
        if (stopping.current) break;
        const answer = await postText(
          withQuery("/api/v1/devices/import", {
            dryRun: dry || undefined,
            import: part,
            firstLine: line,
            continues,
          }),
          text,
        );
        // A dry run knows what its earlier parts would have done.
        continues = answer.headers.get("x-dry-run") ?? undefined;
        all.push(...resultsIn(answer.text));
        setResults([...all]);
        setProgress({ at: index + 1, of: split.length, dry });
      }
      const bad = all.filter((result) => !result.ok).length;
      if (!dry) done(t("import.done", { count: all.length - bad, failed: bad }));
      setTried(dry);
    } catch (error) {
      failed(error);
    } finally {
      setProgress(null);
      refresh(queries, touchedByImport);
    }
  };
  const stop = () => void (stopping.current = true);
  return { file, results, progress, tried, take, carryOut, stop };
}
