import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { json, serve } from "../testing";
import { link } from "./client";
import { follow, type LiveEvent } from "./live";

const stream =
  'event: ready\ndata: {}\n\n: alive\n\nevent: frames\ndata: [1,\ndata: 2]\n\nevent: dropped\r\ndata: {"dropped":3}\r\n\r\n';

/** A body that comes in pieces of `size` characters, and ends. */
function pieces(text: string, size: number): Response {
  const encoder = new TextEncoder();
  const parts = Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
    text.slice(at * size, (at + 1) * size),
  );
  return new Response(
    new ReadableStream<Uint8Array>({
      start(controller) {
        for (const part of parts) controller.enqueue(encoder.encode(part));
        controller.close();
      },
    }),
  );
}

function watch() {
  const events: LiveEvent[] = [];
  const states: string[] = [];
  const stop = follow("/api/v1/frames/live", {
    onEvent: (event) => events.push(event),
    onState: (state) => states.push(state),
  });
  return { events, states, stop };
}

/** Lets all happen that needs no time to pass. */
async function settled() {
  for (let turn = 0; turn < 50; turn += 1) await vi.advanceTimersByTimeAsync(0);
}

describe("a live stream", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  });
  afterEach(() => {
    vi.useRealTimers();
    link.onExpired = () => Promise.resolve(false);
  });

  it.each([1, 2, 3, 7, 1000])("is put together from pieces of %i characters", async (size) => {
    serve({ "GET /api/v1/frames/live": () => pieces(stream, size) });
    const { events, states, stop } = watch();
    await vi.waitFor(() => expect(states).toEqual(["connecting", "live", "lost"]));
    stop();
    expect(events).toEqual([
      { event: "frames", data: "[1,\n2]" },
      { event: "dropped", data: '{"dropped":3}' },
    ]);
  });

  it("is opened again when it ends, later each time that the server is away", async () => {
    let answer = () => pieces(stream, 1000);
    const asked = serve({ "GET /api/v1/frames/live": () => answer() });
    const { states, stop } = watch();
    await settled();
    expect(states).toHaveLength(3);
    answer = () => json({ message: "busy" }, 503);
    await vi.advanceTimersByTimeAsync(1000);
    await settled();
    expect(states.slice(3)).toEqual(["connecting", "lost"]);
    await vi.advanceTimersByTimeAsync(1999);
    expect(asked).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1);
    await settled();
    expect(asked).toHaveLength(3);
    stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toHaveLength(3);
  });

  it("asks for a new session when its own has expired", async () => {
    const expired = vi.fn(() => Promise.resolve(false));
    link.onExpired = expired;
    serve({ "GET /api/v1/frames/live": () => pieces("event: ready\ndata: {}\n\nevent: expired\ndata: {}\n\n", 5) });
    const { events, states, stop } = watch();
    await vi.waitFor(() => expect(states).toContain("lost"));
    stop();
    expect(expired).toHaveBeenCalledOnce();
    expect(events).toEqual([]);
  });
});
