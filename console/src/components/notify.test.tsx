import { screen, waitFor } from "@testing-library/react";
import { Notifications } from "@mantine/notifications";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { visit } from "../testing";
import { useTell } from "./notify";

function Desk() {
  const { run } = useTell();
  return (
    <>
      <button onClick={() => void run(Promise.reject(new Error("no room")), "Saved")}>fail</button>
      <button onClick={() => void run(Promise.resolve(1))}>read</button>
      <button onClick={() => void run(Promise.resolve(1), "Saved")}>save</button>
    </>
  );
}

describe("an error that is told", () => {
  it("stays until something has succeeded since", async () => {
    await visit({ "/": () => <Desk /> }, "/", <Notifications transitionDuration={0} />);
    const press = (name: string) => userEvent.click(screen.getByRole("button", { name }));
    await press("fail");
    await press("fail");
    expect(await screen.findAllByText("no room")).toHaveLength(2);
    await press("read");
    expect(screen.getAllByText("no room")).toHaveLength(2);
    await press("save");
    expect(await screen.findByText("Saved")).toBeTruthy();
    await waitFor(() => expect(screen.queryByText("no room")).toBeNull());
  });
});
