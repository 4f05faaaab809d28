// One's own passkeys: adding one with this browser, names, removing.
import { Alert, Badge, Button, Group, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { IconFingerprint, IconPlus } from "@tabler/icons-react";
import { useState, type FormEvent } from "react";
import { api, type Schemas } from "../../api/client";
import { Empty, Panel, Time } from "../../components/basics";
import { useTell } from "../../components/notify";
import { Dialog } from "../../components/dialogs";
import { useUnsaved } from "../../components/edits";
import { blocking, Loading, messageOf, Problem } from "../../components/problem";
import { useSession } from "../../session";
import { useT } from "../../text";
import { List, Row } from "./Access";
import { useFactor, usePasskeys, useRemovePasskey, useRenamePasskey } from "./api";
import { browserOf } from "./browser";
import { RecoveryCodes } from "./Enrol";
import { makePasskey, PasskeyFailed, support } from "./passkey";

type Passkey = Schemas["Passkey"];
type Open = { what: "add" } | { what: "rename" | "remove"; of: Passkey } | null;

export function Passkeys() {
  const t = useT();
  const { renew } = useSession();
  const found = usePasskeys();
  const factor = useFactor();
  const [open, setOpen] = useState<Open>(null);
  const close = () => {
    setOpen(null);
    void found.refetch();
    void factor.refetch();
    void renew();
  };
  if (!found.data)
    return (
      <Panel title={t("passkeys.title")}>
        {blocking(found) ? <Problem error={found.error} retry={() => void found.refetch()} /> : <Loading rows={2} />}
      </Panel>
    );
  const { origin, passkeys, most } = found.data;
  const works = support(origin);
  const add = (
    <Button size="compact-sm" leftSection={<IconPlus size={14} />} onClick={() => setOpen({ what: "add" })}>
      {t("passkeys.add")}
    </Button>
  );
  return (
    <Panel title={t("passkeys.title")} right={works === "here" && passkeys.length < most && add}>
      <Stack>
        {works !== "here" && (
          <Alert variant="light" color="yellow" role="note">
            {t(`passkeys.${works}`)} {works === "elsewhere" && <a href={`${origin}/console/account`}>{origin}</a>}
          </Alert>
        )}
        {passkeys.length ? (
          <List>
            {passkeys.map((passkey) => (
              <Row key={passkey.ref} title={<Name of={passkey} />} below={<Used of={passkey} />}>
                <Group gap={4} wrap="nowrap">
                  <Button
                    size="compact-sm"
                    variant="default"
                    aria-label={t("passkeys.renameOf", { name: passkey.name })}
                    onClick={() => setOpen({ what: "rename", of: passkey })}
                  >
                    {t("passkeys.rename")}
                  </Button>
                  <Button
                    size="compact-sm"
                    variant="subtle"
                    color="red"
                    aria-label={t("passkeys.removeOf", { name: passkey.name })}
                    onClick={() => setOpen({ what: "remove", of: passkey })}
                  >
                    {t("passkeys.remove")}
                  </Button>
                </Group>
              </Row>
            ))}
          </List>
        ) : (
          <Empty icon={IconFingerprint} title={t("passkeys.none")} text={t("passkeys.noneText")} />
        )}
        <Dialog
          opened={open !== null}
          onClose={close}
          title={open && t(`passkeys.${open.what}Title`, { name: "of" in open ? open.of.name : "" })}
          closeOnClickOutside={false}
        >
          {open?.what === "add" && <Add onDone={close} />}
          {open?.what === "rename" && <Rename of={open.of} onDone={close} />}
          {open?.what === "remove" && <Remove of={open.of} onDone={close} />}
        </Dialog>
      </Stack>
    </Panel>
  );
}

function Name({ of }: { of: Passkey }) {
  const t = useT();
  return (
    <>
      {of.name}{" "}
      {of.copied && (
        <Badge color="red.9" tt="none">
          {t("passkeys.blocked")}
        </Badge>
      )}
    </>
  );
}

function Used({ of }: { of: Passkey }) {
  const t = useT();
  return (
    <>
      {of.copied && <Text size="xs">{t("passkeys.copied")}</Text>}
      {t("passkeys.created")} <Time at={of.created} short /> · {t("apiKeys.used")}{" "}
      {of.lastUsed ? <Time at={of.lastUsed} short /> : t("apiKeys.never")}
    </>
  );
}

function Password({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const t = useT();
  return (
    <PasswordInput
      label={t("account.current")}
      description={t("factor.passwordText")}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      autoComplete="current-password"
      name="password"
      visibilityToggleButtonProps={{ "aria-label": t("signIn.show") }}
      data-autofocus
    />
  );
}

/** Adds a passkey; `onDone` once it is there, and the recovery codes, if there are any, were kept. */
export function Add({ onDone }: { onDone: () => void }) {
  const t = useT();
  const [password, setPassword] = useState("");
  const [name, setName] = useState(() => browserOf(navigator.userAgent).slice(0, 60));
  const [codes, setCodes] = useState<string[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  useUnsaved(password !== "" && codes === null);
  const add = async () => {
    const { data: options } = await api.POST("/api/v1/passkeys/enrolment", { body: { password } });
    const made = await makePasskey(options);
    const { data } = await api.POST("/api/v1/passkeys", { body: { ...made, name } });
    if (data?.recoveryCodes.length) setCodes(data.recoveryCodes);
    else onDone();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    add()
      .catch((error: unknown) => setProblem(error instanceof PasskeyFailed ? t(error.key) : messageOf(error, t)))
      .finally(() => setBusy(false));
  };
  if (codes) return <RecoveryCodes codes={codes} onDone={onDone} />;
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm">{t("passkeys.addText")}</Text>
        {problem && (
          <Alert color="red" role="alert">
            {problem}
          </Alert>
        )}
        <TextInput
          label={t("common.name")}
          description={t("passkeys.nameText")}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          maxLength={60}
          required
        />
        <Password value={password} onChange={setPassword} />
        <Button type="submit" loading={busy} disabled={!name.trim()}>
          {t("passkeys.add")}
        </Button>
      </Stack>
    </form>
  );
}

function Rename({ of, onDone }: { of: Passkey; onDone: () => void }) {
  const t = useT();
  const { run } = useTell();
  const renaming = useRenamePasskey();
  const [name, setName] = useState(of.name);
  useUnsaved(name !== of.name);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (await run(renaming.mutateAsync({ passkeyRef: of.ref, name }))) onDone();
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack>
        <TextInput
          label={t("common.name")}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          maxLength={60}
          data-autofocus
          required
        />
        <Button type="submit" disabled={!name.trim()}>
          {t("common.save")}
        </Button>
      </Stack>
    </form>
  );
}

function Remove({ of, onDone }: { of: Passkey; onDone: () => void }) {
  const t = useT();
  const { run } = useTell();
  const removal = useRemovePasskey();
  const [password, setPassword] = useState("");
  useUnsaved(password !== "");
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (await run(removal.mutateAsync({ passkeyRef: of.ref, password }), t("passkeys.removed"))) onDone();
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack>
        <Text size="sm">{t("passkeys.removeText")}</Text>
        <Password value={password} onChange={setPassword} />
        <Button type="submit" color="red.9">
          {t("passkeys.remove")}
        </Button>
      </Stack>
    </form>
  );
}
