// What stands on the screen of one thing that cannot be shown.
import { IconSearchOff } from "@tabler/icons-react";
import { ApiError } from "../api/client";
import { useSession } from "../session";
import { useT, type Key } from "../text";
import { Empty } from "./basics";
import { ButtonLink } from "./links";
import { Problem } from "./problem";

/** Screens that list things which have a screen of their own, and their titles. */
const lists = {
  "/devices": "nav.devices",
  "/routing": "nav.routing",
  "/groups": "nav.groups",
  "/campaigns": "nav.campaigns",
  "/decoders": "nav.decoders",
  "/operator/base-stations": "nav.stations",
} as const satisfies Record<string, Key>;

export type ListPath = keyof typeof lists;

/** It does not exist, or belongs to somebody else: which of both is nobody's business. */
export function Missing({ list }: { list: ListPath }) {
  const t = useT();
  const { user } = useSession();
  const others = user?.kind === "operator" && !list.startsWith("/operator");
  return (
    <Empty
      icon={IconSearchOff}
      heading
      title={t("notFound.title")}
      text={`${t("notFound.object")} ${t(others ? "notFound.otherSubscriber" : "notFound.address")}`}
    >
      <ButtonLink to={list}>{t("notFound.list", { list: t(lists[list]) })}</ButtonLink>
    </Empty>
  );
}

interface Props {
  error: unknown;
  retry: () => void;
  /** The screen that lists what is there. */
  list: ListPath;
}

export function NotShown({ error, retry, list }: Props) {
  // A refusal of the address itself says that nothing can have it.
  if (error instanceof ApiError && [400, 404].includes(error.status)) return <Missing list={list} />;
  return <Problem error={error} retry={retry} />;
}
