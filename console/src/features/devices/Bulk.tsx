// Changes of many devices at once, and what became of each.
import { Button, Select, Stack, Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { options, usePlans, useProfiles, useRouting } from "../../api/catalogues";
import { Mono } from "../../components/basics";
import { useTell } from "../../components/notify";
import { useT, type Translate } from "../../text";
import { useChangeDevices } from "./api";

export function tellBulk(t: Translate, result: Schemas["BulkResult"]) {
  modals.open({
    title: t("devices.bulkDone", { count: result.done }),
    children: result.failures.length ? (
      <Stack gap={4}>
        <Text size="sm" fw={600}>
          {t("devices.bulkFailed", { count: result.failures.length })}
        </Text>
        {result.failures.slice(0, 50).map((failure) => (
          <Text key={failure.ref} size="sm">
            <Mono>{failure.ref}</Mono> {failure.message}
          </Text>
        ))}
      </Stack>
    ) : (
      <Text size="sm">{t("devices.bulkAll")}</Text>
    ),
  });
}

export function BulkEdit({ refs, onDone }: { refs: string[]; onDone: () => void }) {
  const t = useT();
  const { run } = useTell();
  const plans = usePlans();
  const profiles = useProfiles();
  const routing = useRouting();
  const [change, setChange] = useState<Record<string, string>>({});
  const bulk = useChangeDevices();
  const choose = (name: string, label: string, data: { value: string; label: string }[]) => (
    <Select
      label={label}
      placeholder={t("devices.keep")}
      data={data}
      value={change[name] ?? null}
      clearable
      searchable
      onChange={(value) =>
        setChange((before) => {
          const next = { ...before };
          if (value) next[name] = value;
          else delete next[name];
          return next;
        })
      }
    />
  );
  const save = async () => {
    const answer = await run(bulk.mutateAsync({ action: "update", refs, change }));
    modals.closeAll();
    if (answer?.data) tellBulk(t, answer.data);
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
      <Button onClick={() => void save()} loading={bulk.isPending} disabled={!Object.keys(change).length}>
        {t("common.save")}
      </Button>
    </Stack>
  );
}
