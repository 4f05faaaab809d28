import { act, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { noteBuild, page, useOutdated } from "../api/build";
import { probe } from "../api/client";
import { serve, Surroundings } from "../testing";
import { first } from "../text/first";
import { part, preloadWhenIdle } from "./lazy";

const healthy = (build: string) => () => new Response("ok", { headers: { "console-build": build } });
const en = first.en;
const told = en["updated.text"].replace("{name}", "Veldnet");

beforeEach(() => {
  document.head.innerHTML = '<meta name="build" content="old">';
  noteBuild("old");
});

afterEach(() => {
  vi.restoreAllMocks();
  document.head.innerHTML = "";
});

function Bar() {
  return <p>{useOutdated() ? "outdated" : "current"}</p>;
}

describe("a page that the server has a newer build of", () => {
  it("knows by any answer, and not by one that names no build", async () => {
    render(<Bar />);
    serve({ "GET /healthz": () => new Response("ok") });
    await act(() => probe());
    expect(screen.getByText("current")).toBeTruthy();
    serve({ "GET /healthz": healthy("new") });
    await act(() => probe());
    expect(screen.getByText("outdated")).toBeTruthy();
  });

  it("offers to be loaded again where a part of it is gone", async () => {
    const reload = vi.spyOn(page, "reload").mockImplementation(() => {});
    serve({ "GET /healthz": healthy("new") });
    const Gone = part<object>(() => Promise.reject(new TypeError("Failed to fetch dynamically imported module")));
    render(
      <Surroundings>
        <Gone />
      </Surroundings>,
    );
    await screen.findByText(told);
    expect(screen.queryByText(en["common.problem"])).toBeNull();
    expect(reload).not.toHaveBeenCalled();
    await userEvent.click(screen.getByRole("button", { name: en["updated.reload"] }));
    expect(reload).toHaveBeenCalledOnce();
  });

  it("tries a part again while the build is its own", async () => {
    serve({ "GET /healthz": healthy("old") });
    let answers = false;
    const Later = part<object>(() =>
      answers ? Promise.resolve(() => <p>here it is</p>) : Promise.reject(new TypeError("no network")),
    );
    render(
      <Surroundings>
        <Later />
      </Surroundings>,
    );
    const again = await screen.findByRole("button", { name: en["common.retry"] });
    expect(screen.queryByText(told)).toBeNull();
    answers = true;
    await userEvent.click(again);
    expect(await screen.findByText("here it is")).toBeTruthy();
  });
});

describe("screens that nobody has opened yet", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  const loads = async (connection: object) => {
    const preload = vi.fn(() => Promise.resolve());
    vi.stubGlobal("navigator", { connection });
    vi.stubGlobal("requestIdleCallback", (run: () => void) => {
      run();
    });
    preloadWhenIdle([{ preload }]);
    await Promise.resolve();
    return preload.mock.calls.length;
  };

  it("are loaded ahead", async () => {
    expect(await loads({})).toBe(1);
  });

  it("are not in a browser that saves data", async () => {
    expect(await loads({ saveData: true })).toBe(0);
  });
});
