// One's own passkeys: adding one with this browser, names, removing.
import { Alert, Badge, Button, Group, Stack, Text } from "@mantine/core";
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
import { OwnPassword, RecoveryCodes } from "./Enrol";
import { Wrong } from "./form";
import { makePasskey, PasskeyFailed, support } from "./passkey";
import { NameField } from "../../components/NameField";

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
  return (
    <Panel
      title={t("passkeys.title")}
      right={works === "here" && passkeys.length < most && <AddButton onClick={() => setOpen({ what: "add" })} />}
    >
      <Stack>
        {works !== "here" && (
          <Alert variant="light" color="yellow" role="note">
            {t(`passkeys.${works}`)} {works === "elsewhere" && <a href={`${origin}/console/account`}>{origin}</a>}
          </Alert>
        )}
        {passkeys.length ? (
          <List>
            {passkeys.map((passkey) => (
              <One key={passkey.ref} of={passkey} onOpen={setOpen} />
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

function AddButton({ onClick }: { onClick: () => void }) {
  const t = useT();
  return (
    <Button size="compact-sm" leftSection={<IconPlus size={14} />} onClick={onClick}>
      {t("passkeys.add")}
    </Button>
  );
}

function One({ of, onOpen }: { of: Passkey; onOpen: (open: Open) => void }) {
  const t = useT();
  return (
    <Row title={<Name of={of} />} below={<Used of={of} />}>
      <Group gap={4} wrap="nowrap">
        <Button
          size="compact-sm"
          variant="default"
          aria-label={t("passkeys.renameOf", { name: of.name })}
          onClick={() => onOpen({ what: "rename", of })}
        >
          {t("passkeys.rename")}
        </Button>
        <Button
          size="compact-sm"
          variant="subtle"
          color="red"
          aria-label={t("passkeys.removeOf", { name: of.name })}
          onClick={() => onOpen({ what: "remove", of })}
        >
          {t("passkeys.remove")}
        </Button>
      </Group>
    </Row>
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
        <Wrong text={problem} />
        <NameField description={t("passkeys.nameText")} value={name} onChange={setName} maxLength={60} />
        <OwnPassword value={password} onChange={setPassword} />
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
        <NameField value={name} onChange={setName} maxLength={60} data-autofocus />
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
        <OwnPassword value={password} onChange={setPassword} />
        <Button type="submit" color="red.9">
          {t("passkeys.remove")}
        </Button>
      </Stack>
    </form>
  );
}
