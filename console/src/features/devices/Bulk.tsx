// Changes of many devices at once, and what became of each.
import { Button, Loader, Progress, Select, Stack, TagsInput, Text } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import type { Schemas } from "../../api/client";
import { options, usePlans, useProfiles, useRouting } from "../../api/catalogues";
import { Mono } from "../../components/basics";
import { useTell } from "../../components/notify";
import { useT, type Translate } from "../../text";
import { closeDialogs, openDialog } from "../../components/dialogs";
import { useUnsaved } from "../../components/edits";
import { number } from "../../format";
import { useChangeDevices, useTags, type Target } from "./api";

function Failures({ failures }: { failures: Schemas["BulkFailure"][] }) {
  const t = useT();
  return (
    <Stack gap={4} role="status">
      <Text size="sm" fw={600}>
        {t("devices.bulkFailed", { count: failures.length })}
      </Text>
      {failures.slice(0, 50).map((failure) => (
        <Text key={failure.ref} size="sm">
          <Mono>{failure.EUI ?? failure.ref}</Mono> {failure.message}
        </Text>
      ))}
    </Stack>
  );
}

function nothingDone(result: Schemas["BulkResult"]): boolean {
  return !result.done && result.failures.length > 0;
}

export function tellBulk(t: Translate, result: Schemas["BulkResult"]) {
  openDialog(
    t("devices.bulkDone", { count: result.done }),
    result.failures.length ? <Failures failures={result.failures} /> : <Text size="sm">{t("devices.bulkAll")}</Text>,
  );
}

interface Props {
  target: Target;
  onDone: () => void;
}

/** How far it is, where it takes several requests. */
function Done({ done, target }: { done: number; target: Target }) {
  const t = useT();
  if ("refs" in target || !target.total) return null;
  return (
    <Stack gap={4} role="status">
      <Progress value={Math.min(100, (100 * done) / target.total)} animated aria-label={t("devices.progress")} />
      <Text size="sm" c="dimmed">
        {number(done)} / {number(target.total)}
        {target.more ? "+" : ""}
      </Text>
    </Stack>
  );
}

/** Deletes at once, and shows how far it is. */
export function BulkDelete({ target, onDone }: Props) {
  const t = useT();
  const { run } = useTell();
  const [done, setDone] = useState(0);
  const { mutateAsync } = useChangeDevices(setDone);
  const begun = useRef(false);
  useEffect(() => {
    if (begun.current) return;
    begun.current = true;
    void run(mutateAsync({ action: "delete", target })).then((result) => {
      closeDialogs();
      if (result) tellBulk(t, result);
      onDone();
    });
  }, [run, mutateAsync, target, onDone, t]);
  return "refs" in target ? <Loader /> : <Done done={done} target={target} />;
}

function chosen(before: Record<string, string>, name: string, value: string | null): Record<string, string> {
  const next = { ...before };
  if (value) next[name] = value;
  else delete next[name];
  return next;
}

interface TagsProps {
  label: string;
  value: string[];
  onChange: (tags: string[]) => void;
}

/** Known tags are offered above, where they do not lie over the button. */
function TagsChoice(props: TagsProps) {
  return <TagsInput {...props} data={useTags()} maxTags={20} comboboxProps={{ position: "top" }} />;
}

export function BulkEdit({ target, onDone }: Props) {
  const t = useT();
  const { run } = useTell();
  const plans = usePlans();
  const profiles = useProfiles();
  const routing = useRouting();
  const [change, setChange] = useState<Record<string, string>>({});
  const [addTags, setAdd] = useState<string[]>([]);
  const [removeTags, setRemove] = useState<string[]>([]);
  const [done, setDone] = useState(0);
  const bulk = useChangeDevices(setDone);
  const saved = useUnsaved(Object.keys(change).length + addTags.length + removeTags.length > 0);
  const choose = (name: string, label: string, data: { value: string; label: string }[]) => (
    <Select
      label={label}
      placeholder={t("devices.keep")}
      data={data}
      value={change[name] ?? null}
      clearable
      searchable
      onChange={(value) => setChange((before) => chosen(before, name, value))}
    />
  );
  const save = async () => {
    const members = Object.keys(change).length ? { change } : {};
    const result = await run(bulk.mutateAsync({ action: "update", target, ...members, addTags, removeTags }));
    // What was chosen stays for another try.
    if (!result || nothingDone(result)) return;
    saved();
    closeDialogs();
    tellBulk(t, result);
    onDone();
  };
  return (
    <Stack>
      {choose("connectivityPlanId", t("device.plan"), [
        ...options(plans),
        { value: "reset", label: t("device.clear") },
      ])}
      {choose("routingProfileId", t("device.routing"), [
        ...options(routing),
        { value: "reset", label: t("device.clear") },
      ])}
      {choose("deviceProfileId", t("device.profile"), options(profiles))}
      <TagsChoice label={t("devices.addTags")} value={addTags} onChange={setAdd} />
      <TagsChoice label={t("devices.removeTags")} value={removeTags} onChange={setRemove} />
      {bulk.isPending && <Done done={done} target={target} />}
      {bulk.data && nothingDone(bulk.data) && <Failures failures={bulk.data.failures} />}
      <Button
        onClick={() => void save()}
        loading={bulk.isPending}
        disabled={!Object.keys(change).length && !addTags.length && !removeTags.length}
      >
        {t("common.save")}
      </Button>
    </Stack>
  );
}
