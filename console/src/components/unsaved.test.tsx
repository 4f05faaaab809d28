import { act, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { describe, expect, it } from "vitest";
import { en } from "../text/en";
import { visit } from "../testing";
import { UnsavedGuard, useLeave, useUnsaved } from "./unsaved";

function Form() {
  const [name, setName] = useState("");
  const saved = useUnsaved(name !== "");
  const leave = useLeave();
  const [left, setLeft] = useState(false);
  return (
    <>
      <h1>Form</h1>
      <input aria-label="Name" value={name} onChange={(event) => setName(event.currentTarget.value)} />
      <button onClick={saved}>save</button>
      <button onClick={() => leave(() => setLeft(true))}>drop</button>
      {left && <p>dropped</p>}
    </>
  );
}

async function open() {
  const router = await visit(
    { "/": () => <h1>Start</h1>, "/devices/new": () => <Form />, "/alarms": () => <h1>Other</h1> },
    "/",
    <UnsavedGuard />,
  );
  await act(() => router.navigate({ to: "/devices/new" }));
  await screen.findByRole("heading", { name: "Form" });
  return router;
}

const stay = () => screen.findByRole("button", { name: en["unsaved.stay"] });
const go = () => screen.findByRole("button", { name: en["unsaved.leave"] });
const asks = () => screen.queryByRole("dialog") !== null;

describe("a form that has been changed", () => {
  it("is left without a question before that", async () => {
    const router = await open();
    await act(() => router.navigate({ to: "/alarms" }));
    expect(await screen.findByRole("heading", { name: "Other" })).toBeTruthy();
  });

  it("asks before a link leads away, and stays as it is", async () => {
    const router = await open();
    await userEvent.type(screen.getByLabelText("Name"), "tank");
    act(() => void router.navigate({ to: "/alarms" }));
    await userEvent.click(await stay());
    await waitFor(() => expect(asks()).toBe(false));
    expect(screen.getByLabelText<HTMLInputElement>("Name").value).toBe("tank");
    expect(router.state.location.pathname).toBe("/devices/new");
  });

  it("asks before one goes back, and goes when told to", async () => {
    const router = await open();
    await userEvent.type(screen.getByLabelText("Name"), "tank");
    act(() => router.history.back());
    await userEvent.click(await go());
    expect(await screen.findByRole("heading", { name: "Start" })).toBeTruthy();
    expect(router.state.location.pathname).toBe("/");
  });

  it("does not ask where only a filter changes, but where a tab does", async () => {
    const router = await open();
    await userEvent.type(screen.getByLabelText("Name"), "tank");
    await act(() => router.navigate({ to: ".", search: { days: "7" } }));
    expect(asks()).toBe(false);
    expect(router.state.location.search).toEqual({ days: "7" });
    act(() => void router.navigate({ to: ".", search: { tab: "alarms" } }));
    expect(await stay()).toBeTruthy();
  });

  it("does not ask once it is saved", async () => {
    const router = await open();
    await userEvent.type(screen.getByLabelText("Name"), "tank");
    await userEvent.click(screen.getByRole("button", { name: "save" }));
    await act(() => router.navigate({ to: "/alarms" }));
    expect(await screen.findByRole("heading", { name: "Other" })).toBeTruthy();
  });

  it("asks before it is dropped otherwise, as by signing out", async () => {
    await open();
    await userEvent.type(screen.getByLabelText("Name"), "tank");
    await userEvent.click(screen.getByRole("button", { name: "drop" }));
    expect(screen.queryByText("dropped")).toBeNull();
    await userEvent.click(await go());
    expect(await screen.findByText("dropped")).toBeTruthy();
  });

  it("keeps the tab from being closed unasked", async () => {
    await open();
    const close = () => {
      const event = new Event("beforeunload", { cancelable: true });
      window.dispatchEvent(event);
      return event.defaultPrevented;
    };
    expect(close()).toBe(false);
    await userEvent.type(screen.getByLabelText("Name"), "t");
    expect(close()).toBe(true);
  });
});
