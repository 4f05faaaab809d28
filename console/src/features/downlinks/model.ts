// What a list of downlinks shows, and the stations of one on its way.
import type { Schemas } from "../../api/client";

export type Downlink = Schemas["Downlink"];
export type Status = Downlink["status"];

export const statuses = [
  "queued",
  "sending",
  "sent",
  "acknowledged",
  "unacknowledged",
  "failed",
  "cancelled",
] as const satisfies readonly Status[];

export const open: readonly Status[] = ["queued", "sending"];

export const colors: Record<Status, string> = {
  queued: "gray",
  sending: "blue",
  sent: "veld",
  acknowledged: "veld",
  unacknowledged: "orange",
  failed: "red",
  cancelled: "gray",
};

/** Ids are numbers with more digits than a number here holds. */
function newer(one: { id: string }, other: { id: string }): number {
  return other.id.length - one.id.length || (one.id < other.id ? 1 : -1);
}

/** What the server listed with what it has told since, newest first, each once; of two the later one. */
export function merged(listed: Downlink[], changes: readonly Downlink[], wanted: (one: Downlink) => boolean) {
  const found = new Map(listed.map((one) => [one.id, one]));
  for (const change of changes) {
    const known = found.get(change.id);
    if (!known || known.lastUpdateTime <= change.lastUpdateTime) found.set(change.id, change);
  }
  return [...found.values()].filter(wanted).sort(newer);
}

/** Changes that came, the last of each downlink, a bounded number. */
export function gathered(known: readonly Downlink[], fresh: readonly Downlink[], most = 500): Downlink[] {
  const found = new Map(known.map((one) => [one.id, one]));
  for (const one of fresh) found.set(one.id, one);
  return [...found.values()].sort(newer).slice(0, most);
}

export interface Step {
  name: "queued" | "sending" | "sent" | "answer" | "end";
  at: string | null;
  state: "done" | "now" | "ahead" | "failed";
}

/** The way of a downlink: what lies behind it, where it is, and what is still ahead. */
export function stepsOf(one: Downlink): Step[] {
  const ended = one.status === "failed" || one.status === "cancelled";
  const sent = one.sentTime !== null;
  const steps: Step[] = [{ name: "queued", at: one.queuedTime, state: one.status === "queued" ? "now" : "done" }];
  if (!ended || one.sendingTime !== null)
    steps.push({
      name: "sending",
      at: one.sendingTime,
      state: one.status === "sending" ? "now" : sent || ended ? "done" : "ahead",
    });
  if (ended) return [...steps, { name: "end", at: one.lastUpdateTime, state: "failed" }];
  const waits = one.confirmed && one.status === "sent";
  steps.push({ name: "sent", at: one.sentTime, state: !sent ? "ahead" : waits ? "now" : "done" });
  if (one.confirmed)
    steps.push({
      name: "answer",
      at: one.answerTime,
      state: one.status === "acknowledged" ? "done" : one.status === "unacknowledged" ? "failed" : "ahead",
    });
  return steps;
}
