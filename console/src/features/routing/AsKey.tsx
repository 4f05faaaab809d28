import { Button, Select, Stack, Text, Textarea } from "@mantine/core";
import { IconKey } from "@tabler/icons-react";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { options, useHsmGroups } from "../../api/catalogues";
import { Once, Panel } from "../../components/basics";
import { useUnsaved } from "../../components/edits";
import { useConfirm, useTell } from "../../components/notify";
import { useT } from "../../text";
import { useGenerateAsKey } from "./api";

type Profile = Schemas["RoutingProfile"];

const publicKey = /-----BEGIN (RSA )?PUBLIC KEY-----[\s\S]+-----END (RSA )?PUBLIC KEY-----/;

/** The key of the application server from the HSM: paste a public key, generate, copy what comes once. */
export function AsKey({ profile, onMade }: { profile: Profile; onMade: () => void }) {
  const t = useT();
  const { run } = useTell();
  const confirm = useConfirm();
  const groups = useHsmGroups();
  const [group, setGroup] = useState<string | null>(null);
  const [pem, setPem] = useState("");
  const [made, setMade] = useState<string | null>(null);
  useUnsaved(pem !== "" && made === null);
  const generation = useGenerateAsKey(profile.ref ?? "");
  const chosen = group ?? groups[0]?.id ?? "";
  const wrong = pem.trim() !== "" && !publicKey.test(pem);
  const generate = async () => {
    const answer = await run(generation.mutateAsync({ hsmGroupId: chosen, rsaPublicKey: pem.trim() }));
    if (answer?.data?.rsaEncryptedASKey) {
      setMade(answer.data.rsaEncryptedASKey);
      onMade();
    }
  };
  // Profiles do not say whether they have a key.
  const ask = () => confirm(t("asKey.again"), t("asKey.againText"), t("asKey.generate"), () => void generate());
  return (
    <Panel title={t("asKey.title")}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {t("asKey.text")}
        </Text>
        <Select
          label={t("device.hsm")}
          data={options(groups)}
          value={chosen || null}
          onChange={setGroup}
          allowDeselect={false}
        />
        <PublicKey value={pem} onChange={setPem} wrong={wrong} />
        <Button
          aria-haspopup="dialog"
          onClick={ask}
          loading={generation.isPending}
          disabled={!pem.trim() || wrong || !chosen}
          leftSection={<IconKey size={16} />}
        >
          {t("asKey.generate")}
        </Button>
        {made && <Once label={t("asKey.made")} value={made} />}
      </Stack>
    </Panel>
  );
}

interface KeyProps {
  value: string;
  onChange: (pem: string) => void;
  wrong: boolean;
}

function PublicKey({ value, onChange, wrong }: KeyProps) {
  const t = useT();
  return (
    <Textarea
      label={t("asKey.pem")}
      placeholder={"-----BEGIN PUBLIC KEY-----\n…\n-----END PUBLIC KEY-----"}
      autosize
      minRows={4}
      maxRows={10}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      error={wrong && t("asKey.wrong")}
      styles={{ input: { fontFamily: "monospace", fontSize: 12 } }}
    />
  );
}
