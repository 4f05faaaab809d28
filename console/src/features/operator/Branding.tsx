import { Alert, Button, ColorInput, FileButton, Group, Image, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { type Schemas } from "../../api/client";
import { $api } from "../../api/queries";
import { blocking, IfMayChange, Loading, PageTitle, Panel, Problem } from "../../components/basics";
import { useTell } from "../../components/notify";
import { same, useDraft } from "../../components/edits";
import { useT } from "../../text";
import { useChangeBranding, useRemoveBranding } from "./api";

interface Wanted {
  name: string;
  colour: string;
  /** A data URI; null is the built-in one. */
  logo: string | null;
}

const most = 200_000;

/** Name, logo and colour of the network, as all its customers see them. */
export function Branding() {
  const t = useT();
  const found = $api.useQuery("get", "/api/v1/operator/branding");
  if (blocking(found)) return <Problem error={found.error} retry={() => void found.refetch()} />;
  return (
    <Stack>
      <PageTitle title={t("nav.branding")} below={t("branding.below")} />
      {found.data ? <Form found={found.data} /> : <Loading />}
    </Stack>
  );
}

function Form({ found }: { found: Schemas["BrandingView"] }) {
  const t = useT();
  const { run } = useTell();
  const change = useChangeBranding();
  const remove = useRemoveBranding();
  const before: Wanted = { name: found.name, colour: found.colour, logo: found.logo };
  const [wanted, setWanted, saved] = useDraft(before);
  const changed = !same(wanted, before);
  const save = async () => {
    const logo =
      wanted.logo === before.logo ? {} : wanted.logo ? { logo: wanted.logo.split(",")[1] } : { builtInLogo: true };
    const body = { builtInLogo: false, name: wanted.name, colour: wanted.colour, ...logo };
    if (await run(change.mutateAsync(body), t("branding.saved"))) saved();
  };
  return (
    <Panel>
      <Stack maw={520}>
        <TextInput
          label={t("branding.name")}
          description={t("branding.nameHelp")}
          maxLength={60}
          value={wanted.name}
          onChange={(event) => setWanted({ ...wanted, name: event.currentTarget.value })}
          required
        />
        <ColorInput
          label={t("branding.colour")}
          description={t("branding.colourHelp")}
          withEyeDropper={false}
          placeholder="#1a7f37"
          value={wanted.colour}
          onChange={(colour) => setWanted({ ...wanted, colour })}
        />
        <Logo logo={wanted.logo} onChange={(logo) => setWanted({ ...wanted, logo })} />
        <Preview wanted={wanted} />
        <IfMayChange>
          <Group>
            <Button onClick={() => void save()} disabled={!changed || !wanted.name.trim()} loading={change.isPending}>
              {t("common.save")}
            </Button>
            {found.stored && (
              <Button
                variant="default"
                onClick={() => void run(remove.mutateAsync(undefined), t("branding.removed"))}
                loading={remove.isPending}
              >
                {t("branding.remove")}
              </Button>
            )}
          </Group>
        </IfMayChange>
        <Alert variant="light" color="gray">
          <Text size="xs">{t("branding.when")}</Text>
        </Alert>
      </Stack>
    </Panel>
  );
}

function Logo({ logo, onChange }: { logo: string | null; onChange: (logo: string | null) => void }) {
  const t = useT();
  const [tooLarge, setTooLarge] = useState(false);
  const read = (file: File | null) => {
    if (!file) return;
    setTooLarge(file.size > most);
    if (file.size > most) return;
    const reader = new FileReader();
    reader.onload = () => onChange(reader.result as string);
    reader.readAsDataURL(file);
  };
  return (
    <Stack gap={4}>
      <Text size="sm" fw={500}>
        {t("branding.logo")}
      </Text>
      <Text size="xs" c="dimmed">
        {t("branding.logoHelp")}
      </Text>
      <Group>
        <FileButton onChange={read} accept="image/png,image/jpeg,image/webp,image/svg+xml">
          {(file) => (
            <Button {...file} variant="default">
              {t("branding.choose")}
            </Button>
          )}
        </FileButton>
        {logo && (
          <Button variant="subtle" color="gray" onClick={() => onChange(null)}>
            {t("branding.builtIn")}
          </Button>
        )}
      </Group>
      {tooLarge && (
        <Text size="sm" c="var(--severity-red)" role="alert">
          {t("branding.tooLarge")}
        </Text>
      )}
    </Stack>
  );
}

/** The sign-in form as it will be. */
function Preview({ wanted }: { wanted: Wanted }) {
  const t = useT();
  const colour = /^#[0-9a-f]{6}$/i.test(wanted.colour) ? wanted.colour : "";
  return (
    <Stack
      gap="xs"
      p="md"
      bd="1px solid var(--mantine-color-default-border)"
      role="group"
      aria-label={t("branding.preview")}
    >
      <Text size="xs" c="dimmed">
        {t("branding.preview")}
      </Text>
      <Group gap="xs">
        <Image src={wanted.logo ?? "/console/favicon.svg"} alt="" h={28} w="auto" fit="contain" />
        <Text fw={700}>{wanted.name}</Text>
      </Group>
      <Button component="div" style={colour ? { backgroundColor: colour } : undefined}>
        {t("signIn.submit")}
      </Button>
    </Stack>
  );
}
