// How far a campaign is: its devices by what has become of them.
import type { Key } from "../../text";
import type { Campaign, DeviceState } from "./api";

type Outcome = "done" | "underWay" | "failed" | "waiting";

const outcomes: Record<DeviceState, Outcome> = {
  pending: "waiting",
  joiningGroup: "underWay",
  settingUp: "underWay",
  waitingSession: "underWay",
  sessionAsked: "underWay",
  listening: "underWay",
  receiving: "underWay",
  statusAsked: "underWay",
  missingFragments: "underWay",
  leavingGroup: "underWay",
  imageAsked: "underWay",
  restarting: "underWay",
  complete: "done",
  applied: "done",
  refused: "failed",
  incomplete: "failed",
  timedOut: "failed",
  aborted: "failed",
};

export const states = Object.keys(outcomes) as DeviceState[];

export function outcomeOf(state: DeviceState): Outcome {
  return outcomes[state];
}

/** Whether its start has come, or is still to come: one that was aborted before has none. */
export function began({ startsAt, endedAt }: Pick<Campaign, "startsAt" | "endedAt">): boolean {
  return !endedAt || new Date(endedAt) >= new Date(startsAt);
}

/** Devices of a campaign in all, and of each outcome. */
export function counts(devices: Campaign["devices"]): Record<Outcome | "all", number> {
  const found = { all: 0, done: 0, underWay: 0, failed: 0, waiting: 0 };
  for (const [state, number] of Object.entries(devices)) {
    found.all += number;
    const outcome = outcomes[state as DeviceState] as Outcome | undefined;
    if (outcome) found[outcome] += number;
  }
  return found;
}

/** What is said of the sessions of a group where there are none. */
export const noSession: Record<Campaign["state"], Key> = {
  scheduled: "campaigns.noSessionScheduled",
  running: "campaigns.noSession",
  paused: "campaigns.noSessionPaused",
  complete: "campaigns.noSessionEnded",
  aborted: "campaigns.noSessionEnded",
};

export const outcomeTexts: Record<Outcome, Key> = {
  done: "campaigns.done",
  underWay: "campaigns.underWay",
  failed: "campaigns.failed",
  waiting: "campaigns.waiting",
};

export const colours: Record<Outcome, string> = {
  done: "veld",
  underWay: "blue",
  failed: "red",
  waiting: "gray",
};

/** The DevEUIs in a text: a list, or a column of a CSV file. */
export function devEuis(text: string): string[] {
  const found = text.match(/\b[0-9A-Fa-f]{2}(?:[-:]?[0-9A-Fa-f]{2}){7}\b/g) ?? [];
  return [...new Set(found.map((each) => each.replace(/[-:]/g, "").toUpperCase()))];
}
