// How many devices of a subscriber may use a plan.
import { Button, NumberInput, Select, Stack } from "@mantine/core";
import { closeDialogs } from "../../components/dialogs";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { useUnsaved } from "../../components/edits";
import { useTell } from "../../components/notify";
import { useT } from "../../text";
import { useGrantPlan, useSubscribers } from "./api";

export function GrantForm({ plan }: { plan: Schemas["Plan"] }) {
  const t = useT();
  const { run } = useTell();
  const grant = useGrantPlan(plan.ref);
  const customers = useSubscribers();
  const [customerId, setCustomer] = useState<string | null>(null);
  const [granted, setGranted] = useState<number | string>(100);
  useUnsaved(customerId !== null || granted !== 100);
  const save = async () => {
    const answer = await run(
      grant.mutateAsync({ customerId: customerId ?? "", granted: Number(granted) }),
      t("plans.grantSaved"),
    );
    if (!answer) return;
    closeDialogs();
  };
  return (
    <Stack>
      <Select
        label={t("users.of")}
        searchable
        value={customerId}
        onChange={(value) => {
          setCustomer(value);
          const held = plan.grants.find((grant) => grant.customerId === value);
          if (held) setGranted(held.granted);
        }}
        data={(customers.data ?? []).map((one) => ({
          value: one.customerId,
          label: `${one.name} (${one.customerId})`,
        }))}
      />
      <NumberInput label={t("plans.granted")} min={0} value={granted} onChange={setGranted} />
      <Button onClick={() => void save()} disabled={!customerId || granted === ""}>
        {t("common.save")}
      </Button>
    </Stack>
  );
}
