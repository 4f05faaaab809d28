// Columns that many tables have.
import { number } from "../format";
import type { Column } from "./DataTable";

interface CountColumn<T> {
  key: string;
  title: string;
  count: (row: T) => number;
}

export function countColumn<T>({ key, title, count }: CountColumn<T>): Column<T> {
  return { key, title, align: "right", value: count, render: (row) => number(count(row)) };
}

/** Any is one too many. */
export function faultColumn<T>({ key, title, count }: CountColumn<T>): Column<T> {
  const render = (row: T) => (count(row) ? <span className="poor">{number(count(row))}</span> : "0");
  return { key, title, align: "right", value: count, render };
}
