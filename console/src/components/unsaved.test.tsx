import { act, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { describe, expect, it } from "vitest";
import { en } from "../text/en";
import { visit } from "../testing";
import { openDialog } from "./dialogs";
import { edits, useDraft, useUnsaved } from "./edits";
import { leaveForms } from "./unsaved";

function Inner() {
  const [name, setName] = useState("");
  useUnsaved(name !== "");
  return <input aria-label="Inner" value={name} onChange={(event) => setName(event.currentTarget.value)} />;
}

function Form() {
  const [name, setName] = useState("");
  const saved = useUnsaved(name !== "");
  const [left, setLeft] = useState(false);
  return (
    <>
      <h1>Form</h1>
      <input aria-label="Name" value={name} onChange={(event) => setName(event.currentTarget.value)} />
      <button onClick={saved}>save</button>
      <button onClick={() => leaveForms(() => setLeft(true))}>drop</button>
      {left && <p>dropped</p>}
      <button onClick={() => openDialog("Edit", <Inner />)}>edit</button>
    </>
  );
}

async function open() {
  const router = await visit(
    { "/": () => <h1>Start</h1>, "/devices/new": () => <Form />, "/alarms": () => <h1>Other</h1> },
    "/",
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

const shown = () => screen.queryByRole("dialog", { name: "Edit" }) !== null;
const begin = async () => {
  const router = await open();
  await userEvent.click(screen.getByRole("button", { name: "edit" }));
  await screen.findByRole("dialog", { name: "Edit" });
  return router;
};

describe("a dialog", () => {
  const ways: Record<string, () => Promise<void>> = {
    Escape: async () => void (await userEvent.keyboard("{Escape}")),
    "the close button": () => userEvent.click(screen.getByRole("button", { name: en["common.close"] })),
    "a click beside it": async () => {
      const dialog = screen.getByRole("dialog", { name: "Edit" });
      await userEvent.click(dialog.parentElement?.previousElementSibling as HTMLElement);
    },
  };

  it.each(Object.entries(ways))("without edits is closed at once by %s, and the focus returns", async (_name, way) => {
    await begin();
    await way();
    await waitFor(() => expect(shown()).toBe(false));
    expect(asks()).toBe(false);
    await waitFor(() => expect(document.activeElement?.textContent).toBe("edit"));
  });

  it.each(Object.entries(ways))("with edits asks when it is closed by %s, and keeps them", async (_name, way) => {
    await begin();
    await userEvent.type(screen.getByLabelText("Inner"), "tank");
    await way();
    const question = await screen.findByRole("dialog", { name: en["unsaved.closeTitle"] });
    expect(shown()).toBe(true);
    // Escape is an answer to the question, not to the dialog below.
    await waitFor(() => expect(question.contains(document.activeElement)).toBe(true));
    await userEvent.keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByRole("dialog", { name: en["unsaved.closeTitle"] })).toBeNull());
    expect(screen.getByLabelText<HTMLInputElement>("Inner").value).toBe("tank");
    await way();
    await userEvent.click(await screen.findByRole("button", { name: en["unsaved.discard"] }));
    await waitFor(() => expect(shown()).toBe(false));
  });

  it("does not ask for a form of the page below it, which stays", async () => {
    await open();
    await userEvent.type(screen.getByLabelText("Name"), "tank");
    await userEvent.click(screen.getByRole("button", { name: "edit" }));
    await screen.findByRole("dialog", { name: "Edit" });
    await userEvent.keyboard("{Escape}");
    await waitFor(() => expect(asks()).toBe(false));
    expect(screen.getByLabelText<HTMLInputElement>("Name").value).toBe("tank");
  });

  it("with edits asks before the page is left, and goes with it", async () => {
    const router = await begin();
    await userEvent.type(screen.getByLabelText("Inner"), "tank");
    act(() => router.history.back());
    expect(shown()).toBe(true);
    await userEvent.click(await go());
    expect(await screen.findByRole("heading", { name: "Start" })).toBeTruthy();
    await waitFor(() => expect(asks()).toBe(false));
  });

  it("over another takes its keys, and closes alone", async () => {
    await begin();
    act(() => void openDialog("Upper", <p>above</p>));
    await screen.findByRole("dialog", { name: "Upper" });
    await userEvent.keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByRole("dialog", { name: "Upper" })).toBeNull());
    expect(shown()).toBe(true);
  });
});

describe("a draft", () => {
  function Draft({ stored }: { stored: string }) {
    const [value, set, saved] = useDraft(stored);
    return (
      <>
        <input aria-label="Draft" value={value} onChange={(event) => set(event.currentTarget.value)} />
        <button onClick={saved}>save</button>
      </>
    );
  }
  const value = () => screen.getByLabelText<HTMLInputElement>("Draft").value;

  it("follows what is stored until it is changed, and again once it is saved", async () => {
    const { rerender } = render(<Draft stored="a" />);
    rerender(<Draft stored="b" />);
    expect(value()).toBe("b");
    await userEvent.type(screen.getByLabelText("Draft"), "!");
    rerender(<Draft stored="c" />);
    expect(value()).toBe("b!");
    expect(edits.any()).toBe(true);
    await userEvent.click(screen.getByRole("button", { name: "save" }));
    expect(edits.any()).toBe(false);
    // Until what was saved has been read again.
    expect(value()).toBe("b!");
    rerender(<Draft stored="b! as stored" />);
    expect(value()).toBe("b! as stored");
  });
});
