import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { describe, expect, it, vi } from "vitest";
import { visit } from "../testing";
import { DataTable, type Column } from "./DataTable";

interface Row {
  id: string;
  name: string;
  load: number | null;
}

const rows: Row[] = [
  { id: "1", name: "north", load: 5 },
  { id: "2", name: "south", load: null },
  { id: "3", name: "east", load: 1 },
];
const columns: Column<Row>[] = [
  { key: "name", title: "Name", sort: "name", render: (row) => row.name },
  { key: "load", title: "Load", value: (row) => row.load, render: (row) => row.load ?? "–" },
];

function show(more: Partial<Parameters<typeof DataTable<Row>>[0]> = {}) {
  return visit(
    { "/": () => <DataTable label="Stations" rows={rows} columns={columns} id={(row) => row.id} {...more} /> },
    "/",
  );
}

function names() {
  return within(screen.getByRole("table"))
    .getAllByRole("row")
    .slice(1)
    .map((row) => /north|south|east/.exec(row.textContent)?.[0]);
}

describe("a table", () => {
  it("sorts its page up, down and not at all, with what has no value last", async () => {
    await show();
    const header = screen.getByRole("button", { name: "Load" });
    await userEvent.click(header);
    expect(names()).toEqual(["east", "north", "south"]);
    await userEvent.click(header);
    expect(names()).toEqual(["north", "east", "south"]);
    await userEvent.click(header);
    expect(names()).toEqual(["north", "south", "east"]);
  });

  it("leaves to the server what the server sorts", async () => {
    const onSort = vi.fn();
    await show({ sort: "name", onSort });
    expect(screen.getByRole("columnheader", { name: "Name" }).getAttribute("aria-sort")).toBe("ascending");
    await userEvent.click(screen.getByRole("button", { name: "Name" }));
    expect(onSort).toHaveBeenCalledWith("-name");
    expect(names()).toEqual(["north", "south", "east"]);
  });

  it("says what to do where it is empty", async () => {
    await show({ rows: [], empty: <p>Register one.</p> });
    expect(screen.getByText("Register one.")).toBeTruthy();
    expect(screen.queryByRole("table")).toBeNull();
  });

  it("selects one, some and all", async () => {
    const chosen: string[][] = [];
    function Selecting() {
      const [selected, setSelected] = useState(new Set<string>());
      chosen.push([...selected]);
      return (
        <DataTable
          label="Stations"
          rows={rows}
          columns={columns}
          id={(row) => row.id}
          selected={selected}
          onSelect={setSelected}
        />
      );
    }
    await visit({ "/": () => <Selecting /> }, "/");
    const [all, first] = screen.getAllByRole<HTMLInputElement>("checkbox");
    if (!all || !first) throw new Error("no checkboxes");
    await userEvent.click(first);
    expect(chosen.at(-1)).toEqual(["1"]);
    expect(all.indeterminate).toBe(true);
    await userEvent.click(all);
    expect(chosen.at(-1)).toEqual(["1", "2", "3"]);
    await userEvent.click(all);
    expect(chosen.at(-1)).toEqual([]);
  });
});

describe("a row of a table", () => {
  it("is moved through, opened and selected from with the keyboard", async () => {
    const onOpen = vi.fn();
    const onSelect = vi.fn();
    await show({ onOpen, onSelect, selected: new Set(["3"]) });
    within(screen.getByRole("table")).getAllByRole("row")[1]?.focus();
    await userEvent.keyboard("{ArrowDown}{Enter}{ArrowDown} {ArrowUp}{ArrowUp}{ArrowUp}{Enter}");
    expect(onOpen.mock.calls.map(([row]: Row[]) => row?.name)).toEqual(["south", "north"]);
    expect(onSelect).toHaveBeenCalledWith(new Set());
  });

  it("opens a row that is clicked, but not by what stands in it", async () => {
    const onOpen = vi.fn();
    const inner = vi.fn();
    await show({
      onOpen,
      columns: [...columns, { key: "do", title: "", render: (row) => <button onClick={inner}>do {row.name}</button> }],
    });
    await userEvent.click(screen.getByRole("button", { name: "do south" }));
    expect([inner.mock.calls.length, onOpen.mock.calls.length]).toEqual([1, 0]);
    await userEvent.click(screen.getByRole("cell", { name: "south" }));
    expect(onOpen).toHaveBeenCalledWith(rows[1]);
  });
});
