// The form of a downlink to a group.
import { Button, Stack, Textarea } from "@mantine/core";
import { useState } from "react";
import { NumberField } from "../../components/NumberField";
import { useSaving } from "../../components/saving";
import { useT } from "../../text";
import { useSendToGroup, type MulticastGroup } from "./api";

export function SendForm({ group }: { group: MulticastGroup }) {
  const t = useT();
  const [fPort, setPort] = useState<number | null>(1);
  const [payload, setPayload] = useState("");
  const sending = useSendToGroup(group.ref ?? "");
  const save = useSaving(payload !== "" || fPort !== 1);
  const digits = payload.replace(/\s/g, "");
  const right = /^([0-9A-Fa-f]{2})+$/.test(digits);
  const send = () => {
    const body = { fPort: fPort ?? 1, payload: digits, retryIneligibleGateways: true, flush: false };
    return save(sending.mutateAsync(body), t("groups.queued"));
  };
  return (
    <Stack>
      <NumberField label="FPort" value={fPort} onChange={setPort} min={1} max={223} allowDecimal={false} />
      <Textarea
        label={t("groups.payload")}
        description={t("groups.payloadText")}
        value={payload}
        onChange={(event) => setPayload(event.currentTarget.value)}
        error={digits && !right ? t("groups.notHex") : undefined}
        autosize
        data-autofocus
      />
      <Button loading={sending.isPending} disabled={!right || !fPort} onClick={() => void send()}>
        {t("groups.send")}
      </Button>
    </Stack>
  );
}
