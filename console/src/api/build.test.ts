import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { forget, isOutdated, noteBuild } from "./build";

function load(build: string): void {
  document.head.querySelector("meta[name=build]")?.remove();
  const meta = document.createElement("meta");
  meta.name = "build";
  meta.content = build;
  document.head.append(meta);
  forget();
}

function answers(build: string): boolean {
  noteBuild(build);
  return isOutdated();
}

beforeEach(() => sessionStorage.clear());

afterEach(() => {
  vi.useRealTimers();
  document.head.querySelector("meta[name=build]")?.remove();
  sessionStorage.clear();
  forget();
});

it("tells of an update once, however often the page is loaded from one server and answered by another", () => {
  vi.useFakeTimers();
  load("one");
  expect(answers("one")).toBe(false);
  expect(answers("two")).toBe(true);
  load("two");
  expect(answers("two")).toBe(false);
  expect(answers("one")).toBe(false);
  load("one");
  expect(answers("two")).toBe(false);
  // Another update is another matter, and so is one of which nobody has come to hear.
  expect(answers("three")).toBe(true);
  vi.advanceTimersByTime(16 * 60_000);
  load("two");
  expect(answers("one")).toBe(true);
});

it("tells it in a browser that stores nothing", () => {
  load("one");
  const refused = vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
    throw new Error("full");
  });
  expect(answers("two")).toBe(true);
  refused.mockRestore();
});
