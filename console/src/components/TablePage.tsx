// A screen that is a table: its heading, and the rows once they are there.
import type { ReactNode } from "react";
import { blocking, Loading, PageTitle, Problem } from "./basics";
import { DataTable, type TableProps } from "./DataTable";

interface Query<T> {
  data: T[] | undefined;
  error: unknown;
  refetch: () => unknown;
}

interface RowsProps<T> extends Omit<TableProps<T>, "rows"> {
  query: Query<T>;
  /** Instead of all that the query found. */
  rows?: T[];
}

/** What a query found; before that, that it is being waited for, or what went wrong. */
export function Rows<T>({ query, rows, ...table }: RowsProps<T>) {
  if (blocking(query)) return <Problem error={query.error} retry={() => void query.refetch()} />;
  if (!query.data) return <Loading />;
  return <DataTable rows={rows ?? query.data} {...table} />;
}

interface Props<T> extends Omit<RowsProps<T>, "label"> {
  title: string;
  below?: ReactNode;
  actions?: ReactNode;
  /** Between heading and table. */
  children?: ReactNode;
}

export function TablePage<T>({ title, below, actions, children, ...rows }: Props<T>) {
  return (
    <>
      <PageTitle title={title} below={below}>
        {actions}
      </PageTitle>
      {children}
      <Rows label={title} {...rows} />
    </>
  );
}
