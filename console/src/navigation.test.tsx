import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { cleared, useFilters, useTyped } from "./navigation";
import { visit } from "./testing";

const names = ["search"] as const;

function List() {
  const [filters, setFilters] = useFilters("/devices");
  const { typed, type, put } = useTyped(names, filters, setFilters, 250);
  return (
    <>
      <input
        aria-label="Search"
        value={typed.search ?? ""}
        onChange={(event) => type("search", event.currentTarget.value, { page: undefined })}
      />
      <button
        onClick={() => {
          setFilters({ healthState: "INIT" });
          setFilters({ page: 2 });
        }}
      >
        two at once
      </button>
      <button onClick={() => put({ healthState: "ACTIVE" })}>at once</button>
      <button onClick={() => put(cleared(["search", "healthState", "page"]))}>clear</button>
    </>
  );
}

const open = (at: string) => visit({ "/devices": () => <List /> }, at);

describe("filters in the address", () => {
  it("count together where they change together", async () => {
    const router = await open("/devices?search=tank");
    await userEvent.click(screen.getByRole("button", { name: "two at once" }));
    await waitFor(() => expect(router.state.location.searchStr).toBe("?search=tank&healthState=INIT&page=2"));
  });

  it("that are typed follow once nobody types any more", async () => {
    const router = await open("/devices?page=3");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      for (const value of ["ta", "tank"]) {
        fireEvent.change(screen.getByLabelText("Search"), { target: { value } });
        await act(() => vi.advanceTimersByTimeAsync(249));
      }
      expect(router.state.location.searchStr).toBe("?page=3");
      await act(() => vi.advanceTimersByTimeAsync(1));
      expect(router.state.location.searchStr).toBe("?search=tank");
    } finally {
      vi.useRealTimers();
    }
  });

  it("take along what is still being typed", async () => {
    const router = await open("/devices");
    await userEvent.type(screen.getByLabelText("Search"), "ta");
    await userEvent.click(screen.getByRole("button", { name: "at once" }));
    await waitFor(() => expect(router.state.location.searchStr).toBe("?search=ta&healthState=ACTIVE"));
  });

  it("go together, in the fields too", async () => {
    const router = await open("/devices?search=tank&healthState=INIT&page=2");
    await userEvent.click(screen.getByRole("button", { name: "clear" }));
    await waitFor(() => expect(router.state.location.searchStr).toBe(""));
    expect(screen.getByLabelText<HTMLInputElement>("Search").value).toBe("");
  });
});
