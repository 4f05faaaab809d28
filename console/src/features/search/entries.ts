// What the palette offers, as one list: pages, what was opened last, and what the server found.
import type { Icon } from "@tabler/icons-react";
import {
  IconAntenna,
  IconBuilding,
  IconCode,
  IconCpu,
  IconListDetails,
  IconRoute,
  IconShieldLock,
  IconTemplate,
  IconUser,
} from "@tabler/icons-react";
import type { Recent } from "../../api/preferences";
import type { Key, Translate } from "../../text";
import type { Group, Hit } from "./api";

export type Kind = Group["kind"];

export interface Page {
  path: string;
  title: Key;
  icon: Icon;
}

export interface Entry {
  id: string;
  label: string;
  detail: string;
  icon: Icon;
  /** A page, or something that was found. */
  page?: string;
  hit?: Recent;
}

export interface Section {
  id: string;
  title: string;
  entries: Entry[];
  more: boolean;
}

export const kinds: Record<Kind, { icon: Icon; title: Key }> = {
  device: { icon: IconCpu, title: "nav.devices" },
  baseStation: { icon: IconAntenna, title: "nav.stations" },
  subscriber: { icon: IconBuilding, title: "nav.subscribers" },
  user: { icon: IconUser, title: "nav.users" },
  routingProfile: { icon: IconRoute, title: "nav.routing" },
  connectivityPlan: { icon: IconListDetails, title: "nav.plans" },
  deviceProfile: { icon: IconTemplate, title: "nav.profiles" },
  hsmGroup: { icon: IconShieldLock, title: "nav.hsm" },
  decoder: { icon: IconCode, title: "nav.decoders" },
};

/** Words that people put before the name of a page. */
const going = /^(?:go to|goto|open|ga naar)\s+/i;

export function pageEntries(pages: readonly Page[], text: string, t: Translate): Entry[] {
  const words = text.replace(going, "").toLowerCase().split(/\s+/).filter(Boolean);
  return pages
    .map(({ path, title, icon }) => ({ id: `page-${path}`, label: t(title), detail: "", icon, page: path }))
    .filter(({ label }) => words.every((word) => label.toLowerCase().includes(word)));
}

export function recentEntries(recent: readonly Recent[], operator: boolean): Entry[] {
  return recent.filter(({ kind }) => kind in kinds).map((hit) => entryOf(hit.kind, hit, operator));
}

export function foundSections(groups: readonly Group[], operator: boolean, t: Translate): Section[] {
  return (
    groups
      // HSM groups have a page at the operator's alone.
      .filter(({ kind }) => operator || kind !== "hsmGroup")
      .map(({ kind, hits, more }) => ({
        id: kind,
        title: t(kinds[kind].title),
        entries: hits.map((hit) => entryOf(kind, { ...hit, kind }, operator)),
        more,
      }))
  );
}

function entryOf(kind: Kind, hit: Hit & { kind: Kind }, operator: boolean): Entry {
  const parts = [hit.detail, hit.matched, operator && kind !== "subscriber" ? hit.subscriberName : null];
  return {
    id: `${kind}-${hit.ref}`,
    label: hit.name,
    detail: parts.filter(Boolean).join(" · "),
    icon: kinds[kind].icon,
    hit: { ...hit, kind },
  };
}
