import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { sentence } from "../components/problem";
import { json, serve } from "../testing";
import { activity, api, isQuiet, link, probe, timeouts, Unreachable } from "./client";

const found: boolean[] = [];
const broken = () => Promise.reject(new TypeError("Failed to fetch"));
const read = () => api.GET("/api/v1/overview");

beforeEach(() => {
  found.length = 0;
  link.onReachable = (reachable) => void found.push(reachable);
});

afterEach(() => {
  link.onReachable = () => {};
  vi.useRealTimers();
});

describe("a page that asks nothing", () => {
  it("has been quiet for a while, until it hears of the server again", async () => {
    vi.useFakeTimers();
    serve({ "GET /api/v1/overview": () => json({}), "GET /healthz": broken });
    for (const ask of [read, probe]) {
      await ask();
      expect(isQuiet()).toBe(false);
      vi.advanceTimersByTime(timeouts.quiet - 1);
      expect(isQuiet()).toBe(false);
      vi.advanceTimersByTime(1);
      expect(isQuiet()).toBe(true);
    }
  });
});

describe("a request without an answer", () => {
  it("does not say that the server is away, which the server itself is asked", async () => {
    const asked = serve({ "GET /api/v1/overview": broken, "GET /healthz": () => new Response("ok") });
    await expect(read()).rejects.toBeInstanceOf(Unreachable);
    await vi.waitFor(() => expect(found).toEqual([true]));
    expect(asked.map((each) => each.path)).toEqual(["/api/v1/overview", "/healthz"]);
  });

  it("tells that the server is away where that does not answer either, once for all that fail", async () => {
    const asked = serve({ "GET /api/v1/overview": broken, "GET /healthz": broken });
    await Promise.allSettled([read(), read(), read()]);
    await vi.waitFor(() => expect(found).toEqual([false]));
    expect(asked.filter((each) => each.path === "/healthz")).toHaveLength(1);
    serve({ "GET /api/v1/overview": () => json({}) });
    await read();
    expect(found).toEqual([false, true]);
  });

  it("shows that it waits, then asks whether the server is there, and is given up in the end", async () => {
    vi.useFakeTimers();
    const asked: string[] = [];
    vi.stubGlobal("fetch", (given: Request | string, init: RequestInit) => {
      asked.push(given instanceof Request ? new URL(given.url).pathname : given);
      return new Promise((_answer, reject) => init.signal?.addEventListener("abort", reject));
    });
    const end = vi.fn();
    read().catch(end);
    await vi.advanceTimersByTimeAsync(timeouts.shown - 1);
    expect(activity.count).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(activity.count).toBe(1);
    await vi.advanceTimersByTimeAsync(timeouts.doubted - timeouts.shown - 1);
    expect(asked).toEqual(["/api/v1/overview"]);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked).toEqual(["/api/v1/overview", "/healthz"]);
    await vi.advanceTimersByTimeAsync(timeouts.reading - timeouts.doubted - 1);
    expect(end).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(end.mock.lastCall?.[0]).toBeInstanceOf(Unreachable);
    expect(activity.count).toBe(0);
  });
});

describe("a refusal", () => {
  it("is a sentence, and names stay as they are", () => {
    const same = ["fPort is 300", "sign_in.url is not set", "anna@example.com is taken", "broker:1883 does not answer"];
    expect(same.map(sentence)).toEqual(same);
    expect(["password is wrong", "e-mail is off", "payload: too long", "één"].map(sentence)).toEqual([
      "Password is wrong",
      "E-mail is off",
      "Payload: too long",
      "Één",
    ]);
  });
});
