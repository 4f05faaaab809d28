// A file of devices, sent in parts: first as a trial, then to be carried out.
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { refresh } from "../../api/changes";
import { api, postText } from "../../api/client";
import { useUnsaved } from "../../components/edits";
import { done } from "../../components/notify";
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

function counted(results: Result[]): { count: number; failed: number } {
  const count = results.filter((result) => result.ok).length;
  return { count, failed: results.length - count };
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
  const [problem, setProblem] = useState<unknown>(null);
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
    setProblem(null);
    try {
      setFile(await load(given, t));
    } catch (error) {
      setProblem(error);
    }
  };
  const carryOut = async (dry: boolean) => {
    if (!file) return;
    stopping.current = false;
    setResults([]);
    setProblem(null);
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
      const found = counted(all);
      if (!dry) done(t("import.done", found), found.failed === 0);
      setTried(dry);
    } catch (error) {
      setProblem(error);
    } finally {
      setProgress(null);
      refresh(queries, touchedByImport);
    }
  };
  return { file, problem, results, progress, tried, take, carryOut, stop: () => void (stopping.current = true) };
}
