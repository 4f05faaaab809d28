// Orders updates by CUPS: of the base stations named, or of all that speak CUPS.
import { Button, Checkbox, Stack, Text, TextInput } from "@mantine/core";
import { modals } from "@mantine/modals";
import { useState } from "react";
import { useTell } from "../../components/notify";
import { same, useUnsaved } from "../../components/unsaved";
import { useT } from "../../text";
import { useOrderUpdates } from "./api";

export function UpdateForm({ stations }: { stations?: string[] }) {
  const t = useT();
  const { run } = useTell();
  const ordering = useOrderUpdates();
  const [lnsUri, setLns] = useState("");
  const [cupsUri, setCups] = useState("");
  const [token, setToken] = useState(false);
  const saved = useUnsaved(!same([lnsUri, cupsUri, token], ["", "", false]));
  const order = async () => {
    const body = {
      ...(stations ? { baseStations: stations } : {}),
      ...(lnsUri.trim() ? { lnsUri: lnsUri.trim() } : {}),
      ...(cupsUri.trim() ? { cupsUri: cupsUri.trim() } : {}),
      ...(token ? { credentials: "token" as const } : {}),
    };
    const answer = await run(ordering.mutateAsync(body), t("updates.ordered.done"));
    if (!answer) return;
    saved();
    modals.closeAll();
  };
  return (
    <Stack>
      <Text size="sm" c="dimmed">
        {stations ? t("updates.formText", { count: stations.length }) : t("updates.formAll")}
      </Text>
      <TextInput
        label={t("updates.kind.lnsUri")}
        placeholder="wss://lns.example.org:8887"
        value={lnsUri}
        onChange={(event) => setLns(event.currentTarget.value)}
        data-autofocus
      />
      <TextInput
        label={t("updates.kind.cupsUri")}
        placeholder="https://cups.example.org:8888"
        value={cupsUri}
        onChange={(event) => setCups(event.currentTarget.value)}
      />
      <Checkbox
        label={t("updates.newToken")}
        description={t("updates.newTokenText")}
        checked={token}
        onChange={(event) => setToken(event.currentTarget.checked)}
      />
      <Button
        onClick={() => void order()}
        loading={ordering.isPending}
        disabled={!lnsUri.trim() && !cupsUri.trim() && !token}
      >
        {t("updates.order")}
      </Button>
    </Stack>
  );
}
