// Rows and columns with selection, sorting and the keyboard: arrows move, Enter opens, space selects. On a phone each row is a
// card (console.css); the roles say that it is a table still.
import { Box, Checkbox, Group, Table, Text, UnstyledButton } from "@mantine/core";
import { IconArrowDown, IconArrowUp } from "@tabler/icons-react";
import { useMemo, useState, type KeyboardEvent, type ReactNode } from "react";
import { number } from "../format";
import { useT } from "../text";

export interface Column<T> {
  key: string;
  title: string;
  render: (row: T) => ReactNode;
  align?: "left" | "right" | "center";
  /** The server sorts by this. */
  sort?: string;
  /** What is most is asked for first. */
  mostFirst?: boolean;
  /** The page is sorted by this, here. */
  value?: (row: T) => number | string | null | undefined;
  width?: number | string;
  /** Prose, which has the whole width of a card. */
  wide?: boolean;
  /** Left out on a small desk: the screen of the row shows it. */
  spare?: boolean;
}

/** A number, of what is counted in a row. */
export function countColumn<T>(key: string, title: string, of: (row: T) => number): Column<T> {
  return { key, title, align: "right", value: of, render: (row) => number(of(row)) };
}

export interface TableProps<T> {
  label: string;
  rows: T[];
  columns: Column<T>[];
  id: (row: T) => string;
  onOpen?: (row: T) => void;
  /** `name` or `-name`. */
  sort?: string;
  onSort?: (sort: string) => void;
  selected?: Set<string>;
  onSelect?: (selected: Set<string>) => void;
  empty?: ReactNode;
  minWidth?: number;
}

interface Sorted {
  key: string;
  down: boolean;
}

/** The rows of the page in the order of a column, where somebody has asked for one that the server does not sort by. */
function useSortedHere<T>(rows: T[], columns: Column<T>[]) {
  const [local, setLocal] = useState<Sorted | null>(null);
  const shown = useMemo(() => {
    const column = columns.find((candidate) => candidate.key === local?.key);
    if (!local || !column?.value) return rows;
    const read = column.value;
    return [...rows].sort((one, other) => {
      const [a, b] = [read(one), read(other)];
      if (a === b) return 0;
      if (a === null || a === undefined) return 1;
      if (b === null || b === undefined) return -1;
      return (a < b ? -1 : 1) * (local.down ? -1 : 1);
    });
  }, [rows, columns, local]);
  return { shown, local, setLocal };
}

interface HeadingProps<T> extends Pick<TableProps<T>, "sort" | "onSort"> {
  column: Column<T>;
  local: Sorted | null;
  setLocal: (sorted: Sorted | null) => void;
}

function Heading<T>(props: HeadingProps<T>) {
  const { column, sort } = props;
  return (
    <Table.Th
      role="columnheader"
      ta={column.align}
      w={column.width}
      data-spare={column.spare}
      aria-sort={
        column.sort && sort?.replace(/^-/, "") === column.sort
          ? sort.startsWith("-")
            ? "descending"
            : "ascending"
          : undefined
      }
    >
      <Title {...props} />
    </Table.Th>
  );
}

/** The title of a column; a button where it can be sorted by. */
function Title<T>({ column, sort, onSort, local, setLocal }: HeadingProps<T>) {
  const t = useT();
  const { sort: byServer } = column;
  const serverSide = byServer && onSort;
  if (!serverSide && !column.value) return <>{column.title}</>;
  const active = serverSide ? sort?.replace(/^-/, "") === byServer : local?.key === column.key;
  const down = serverSide ? sort?.startsWith("-") : local?.down;
  const turn = () => {
    if (serverSide) {
      setLocal(null);
      onSort((active ? !down : column.mostFirst) ? `-${byServer}` : byServer);
    } else setLocal(active && local?.down ? null : { key: column.key, down: active === true });
  };
  return (
    <UnstyledButton
      onClick={turn}
      fz="inherit"
      fw="inherit"
      ta={column.align}
      title={serverSide ? t("table.sortAll") : t("table.sortPage")}
    >
      <Group gap={4} wrap="nowrap" justify={column.align === "right" ? "flex-end" : "flex-start"}>
        {column.title}
        {active && (down ? <IconArrowDown size={14} /> : <IconArrowUp size={14} />)}
      </Group>
    </UnstyledButton>
  );
}

interface RowProps<T> {
  row: T;
  id: string;
  columns: Column<T>[];
  onOpen?: (row: T) => void;
  selected: boolean;
  onToggle?: () => void;
}

/** Cards leave out what has no value; looked at again whenever the row is drawn. */
function markNone(cell: HTMLTableCellElement | null) {
  if (cell) cell.toggleAttribute("data-none", cell.textContent === "–");
}

function Row<T>({ row, id, columns, onOpen, selected, onToggle }: RowProps<T>) {
  const t = useT();
  const move = (event: KeyboardEvent<HTMLTableRowElement>) => {
    if (event.target !== event.currentTarget) return;
    const there =
      event.key === "ArrowDown"
        ? event.currentTarget.nextElementSibling
        : event.key === "ArrowUp"
          ? event.currentTarget.previousElementSibling
          : null;
    if (there instanceof HTMLElement) {
      event.preventDefault();
      there.focus();
    } else if (event.key === "Enter" && onOpen) onOpen(row);
    else if (event.key === " " && onToggle) {
      event.preventDefault();
      onToggle();
    }
  };
  return (
    <Table.Tr
      role="row"
      tabIndex={0}
      onKeyDown={(event) => move(event)}
      onClick={(event) => {
        // A click on a link or button means that.
        if (onOpen && !(event.target as HTMLElement).closest("a, button, input, label") && !getSelection()?.toString())
          onOpen(row);
      }}
      style={{ cursor: onOpen ? "pointer" : undefined }}
      data-row={id}
    >
      {onToggle && (
        <Table.Td role="cell" className="choice">
          <Checkbox aria-label={t("table.select")} checked={selected} onChange={onToggle} />
        </Table.Td>
      )}
      {columns.map((column) => (
        <Table.Td
          key={column.key}
          ref={(cell) => markNone(cell)}
          ta={column.align}
          data-title={column.title}
          data-wide={column.wide}
          data-spare={column.spare}
          role="cell"
        >
          {column.render(row)}
        </Table.Td>
      ))}
    </Table.Tr>
  );
}

interface AllProps {
  all: boolean;
  some: boolean;
  onChange: () => void;
}

function SelectAll({ all, some, onChange }: AllProps) {
  const t = useT();
  return (
    <Table.Th role="columnheader" w={40}>
      <Checkbox aria-label={t("table.selectAll")} checked={all} indeterminate={!all && some} onChange={onChange} />
    </Table.Th>
  );
}

function Nothing() {
  const t = useT();
  return (
    <Box p="lg">
      <Text c="dimmed" ta="center">
        {t("table.nothing")}
      </Text>
    </Box>
  );
}

export function DataTable<T>(props: TableProps<T>) {
  const { label, rows, columns, id, onOpen, sort, onSort, selected, onSelect, empty, minWidth = 700 } = props;
  const t = useT();
  const { shown, local, setLocal } = useSortedHere(rows, columns);

  if (!rows.length && empty) return <>{empty}</>;

  const toggle = (row: string) => {
    const next = new Set(selected);
    if (!next.delete(row)) next.add(row);
    onSelect?.(next);
  };
  const all = rows.length > 0 && rows.every((row) => selected?.has(id(row)));
  return (
    <Table.ScrollContainer minWidth={minWidth} className="cards-place">
      <Table role="table" highlightOnHover verticalSpacing={6} aria-label={label} striped="even" className="data cards">
        <Table.Thead role="rowgroup">
          <Table.Tr role="row" data-sort-by={t("table.sortBy")}>
            {onSelect && (
              <SelectAll
                all={all}
                some={(selected?.size ?? 0) > 0}
                onChange={() => onSelect(all ? new Set() : new Set(rows.map(id)))}
              />
            )}
            {columns.map((column) => (
              <Heading key={column.key} column={column} sort={sort} onSort={onSort} local={local} setLocal={setLocal} />
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody role="rowgroup">
          {shown.map((row) => (
            <Row
              key={id(row)}
              row={row}
              id={id(row)}
              columns={columns}
              onOpen={onOpen}
              selected={selected?.has(id(row)) ?? false}
              onToggle={onSelect && (() => toggle(id(row)))}
            />
          ))}
        </Table.Tbody>
      </Table>
      {!shown.length && <Nothing />}
    </Table.ScrollContainer>
  );
}
