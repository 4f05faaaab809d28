import { describe, expect, it } from "vitest";
import { gathered, merged, stepsOf, type Downlink, type Status } from "./model";

function downlink(id: string, status: Status, more: Partial<Downlink> = {}): Downlink {
  return {
    id,
    status,
    lastUpdateTime: "2026-01-01T00:00:00Z",
    queuedTime: "2026-01-01T00:00:00Z",
    sendingTime: null,
    sentTime: null,
    answerTime: null,
    confirmed: false,
    causes: [],
    ...more,
  } as Downlink;
}

const names = (one: Downlink) => stepsOf(one).map((step) => `${step.name} ${step.state}`);

describe("the list of downlinks", () => {
  it("takes up what is told, in order, and drops what no longer fits", () => {
    const listed = [downlink("9", "queued"), downlink("8", "queued")];
    const later = { lastUpdateTime: "2026-01-01T00:00:05Z" };
    const told = gathered([], [downlink("10", "queued", later), downlink("9", "sending", later)]);
    expect(merged(listed, told, () => true).map((one) => `${one.id} ${one.status}`)).toEqual([
      "10 queued",
      "9 sending",
      "8 queued",
    ]);
    expect(merged(listed, told, (one) => one.status === "queued").map((one) => one.id)).toEqual(["10", "8"]);
  });

  it("keeps what is newer, whichever came first, and a bounded number", () => {
    const done = downlink("9", "sent", { lastUpdateTime: "2026-01-01T00:00:09Z" });
    expect(merged([done], [downlink("9", "queued")], () => true)[0]?.status).toBe("sent");
    expect(gathered([downlink("1", "sent")], [downlink("2", "sent")], 1).map((one) => one.id)).toEqual(["2"]);
  });
});

describe("the way of a downlink", () => {
  it("ends when an unconfirmed one was sent", () => {
    expect(names(downlink("1", "queued"))).toEqual(["queued now", "sending ahead", "sent ahead"]);
    expect(names(downlink("1", "sent", { sentTime: "x" }))).toEqual(["queued done", "sending done", "sent done"]);
  });

  it("goes on to the acknowledgement of a confirmed one", () => {
    const sent = { confirmed: true, sendingTime: "x", sentTime: "x" };
    expect(names(downlink("1", "sent", sent)).slice(2)).toEqual(["sent now", "answer ahead"]);
    expect(names(downlink("1", "acknowledged", sent)).slice(2)).toEqual(["sent done", "answer done"]);
    expect(names(downlink("1", "unacknowledged", sent)).slice(2)).toEqual(["sent done", "answer failed"]);
  });

  it("ends early when it fails or is cancelled", () => {
    expect(names(downlink("1", "cancelled"))).toEqual(["queued done", "end failed"]);
    expect(names(downlink("1", "failed", { sendingTime: "x" }))).toEqual(["queued done", "sending done", "end failed"]);
  });
});
