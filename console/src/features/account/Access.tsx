// One's own sessions, API keys and second factor.
import { Badge, Button, Group, Select, Stack, Text, TextInput } from "@mantine/core";
import { IconKey, IconPlus } from "@tabler/icons-react";
import { useState, type FormEvent } from "react";
import type { Schemas } from "../../api/client";
import { Empty, Once, Panel, Time } from "../../components/basics";
import { useConfirm, useTell } from "../../components/notify";
import { blocking, Loading, Problem } from "../../components/problem";
import { closeDialogs, Dialog, openDialog } from "../../components/dialogs";
import { same, useUnsaved } from "../../components/edits";
import { useSession } from "../../session";
import { useT } from "../../text";
import {
  useApiKeys,
  useCreateApiKey,
  useEndOtherSessions,
  useEndSession,
  useFactor,
  useIdentities,
  useRemoveFactor,
  useRenewCodes,
  useRevokeApiKey,
  useSessions,
  useUnlink,
} from "./api";
import { browserOf } from "./browser";
import { Enrol, RecoveryCodes } from "./Enrol";
import { PasswordField } from "../../components/PasswordField";
import { NameField } from "../../components/NameField";

export function Row({
  title,
  below,
  children,
}: {
  title: React.ReactNode;
  below: React.ReactNode;
  children?: React.ReactNode;
}) {
  return (
    <Group justify="space-between" wrap="nowrap" gap="xs" component="li">
      <div style={{ minWidth: 0 }}>
        <Text size="sm" fw={500} component="div" style={{ overflowWrap: "anywhere" }}>
          {title}
        </Text>
        <Text size="xs" c="dimmed" component="div">
          {below}
        </Text>
      </div>
      {children}
    </Group>
  );
}

export function List({ children }: { children: React.ReactNode }) {
  return (
    <Stack gap="sm" component="ul" m={0} p={0} style={{ listStyle: "none" }}>
      {children}
    </Stack>
  );
}

export function SessionRows({
  sessions,
  onEnd,
}: {
  sessions: Schemas["UserSession"][];
  onEnd: (session: Schemas["UserSession"]) => void;
}) {
  const t = useT();
  return (
    <List>
      {sessions.map((session) => (
        <Row
          key={session.id}
          title={
            <>
              {browserOf(session.browser)}{" "}
              {session.current && (
                <Badge variant="light" color="veld" tt="none" style={{ color: "var(--mantine-color-text)" }}>
                  {t("sessions.current")}
                </Badge>
              )}
            </>
          }
          below={
            <>
              {session.address} {session.provider && `· ${session.provider} `}· {t("sessions.used")}{" "}
              <Time at={session.used} short />
            </>
          }
        >
          {!session.current && (
            <Button size="compact-sm" variant="default" onClick={() => onEnd(session)}>
              {t("sessions.end")}
            </Button>
          )}
        </Row>
      ))}
    </List>
  );
}

interface KeyRowsProps {
  keys: Schemas["ApiKey"][];
  /** Whether a question comes before that. */
  asks?: boolean;
  onRevoke: (key: Schemas["ApiKey"]) => void;
}

export function KeyRows({ keys, asks, onRevoke }: KeyRowsProps) {
  const t = useT();
  return (
    <List>
      {keys.map((key) => (
        <Row
          key={key.ref}
          title={`${key.name} (${key.beginning}…)`}
          below={
            <>
              {t(`apiKeys.${key.scope}`)} ·{" "}
              {key.expired ? (
                <span className="poor">{t("apiKeys.expired")}</span>
              ) : key.expires ? (
                <>
                  {t("apiKeys.until")} <Time at={key.expires} short />
                </>
              ) : (
                t("apiKeys.always")
              )}{" "}
              · {t("apiKeys.used")} {key.lastUsed ? <Time at={key.lastUsed} short /> : t("apiKeys.never")}
            </>
          }
        >
          <Button
            size="compact-sm"
            variant="subtle"
            color="red"
            aria-label={t("apiKeys.revokeOf", { name: key.name })}
            aria-haspopup={asks ? "dialog" : undefined}
            onClick={() => onRevoke(key)}
          >
            {t("apiKeys.revoke")}
          </Button>
        </Row>
      ))}
    </List>
  );
}

export function Sessions() {
  const t = useT();
  const { run } = useTell();
  const found = useSessions();
  const end = useEndSession();
  const endOthers = useEndOtherSessions();
  return (
    <Panel
      title={t("sessions.title")}
      right={
        (found.data?.length ?? 0) > 1 && (
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => void run(endOthers.mutateAsync(), t("sessions.endedOthers"))}
          >
            {t("sessions.endOthers")}
          </Button>
        )
      }
    >
      {blocking(found) ? (
        <Problem error={found.error} retry={() => void found.refetch()} />
      ) : !found.data ? (
        <Loading rows={2} />
      ) : (
        <SessionRows
          sessions={found.data}
          onEnd={(session) => void run(end.mutateAsync(session.id), t("sessions.ended"))}
        />
      )}
    </Panel>
  );
}

export function ApiKeys() {
  const t = useT();
  const confirm = useConfirm();
  const { run } = useTell();
  const found = useApiKeys();
  const revoke = useRevokeApiKey();
  const [made, setMade] = useState<Schemas["ApiKey"] | null>(null);
  const create = () => openDialog(t("apiKeys.new"), <NewKey onMade={setMade} />);
  return (
    <Panel
      title={t("apiKeys.title")}
      right={
        <Button size="compact-sm" leftSection={<IconPlus size={14} />} aria-haspopup="dialog" onClick={create}>
          {t("apiKeys.new")}
        </Button>
      }
    >
      <Stack>
        {made?.key && <Once label={t("apiKeys.made", { name: made.name })} value={made.key} />}
        {blocking(found) ? (
          <Problem error={found.error} retry={() => void found.refetch()} />
        ) : !found.data ? (
          <Loading rows={2} />
        ) : found.data.length ? (
          <KeyRows
            keys={found.data}
            asks
            onRevoke={(key) =>
              confirm(
                t("apiKeys.revokeTitle", { name: key.name }),
                t("apiKeys.revokeText"),
                t("apiKeys.revoke"),
                () => void run(revoke.mutateAsync(key.ref), t("apiKeys.revoked")),
              )
            }
          />
        ) : (
          <Empty icon={IconKey} title={t("apiKeys.none")} text={t("apiKeys.noneText")} />
        )}
      </Stack>
    </Panel>
  );
}

function NewKey({ onMade }: { onMade: (key: Schemas["ApiKey"]) => void }) {
  const t = useT();
  const { user, mayChange, mayManage } = useSession();
  const { run } = useTell();
  const creation = useCreateApiKey();
  const [name, setName] = useState("");
  const [scope, setScope] = useState<Schemas["ApiKey"]["scope"]>("read");
  const [days, setDays] = useState("90");
  useUnsaved(!same([name, scope, days], ["", "read", "90"]));
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const answer = await run(creation.mutateAsync({ name, scope, days: days ? Number(days) : null }));
    if (!answer?.data) return;
    closeDialogs();
    onMade(answer.data);
  };
  const allowed = {
    read: true,
    write: mayChange,
    admin: mayManage && user?.kind === "subscriber",
    stations: mayChange && user?.stationAccess,
  };
  const scopes = (["read", "write", "admin", "stations"] as const).filter((one) => allowed[one]);
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack>
        <NameField description={t("apiKeys.nameText")} value={name} onChange={setName} data-autofocus />
        <Select
          label={t("apiKeys.scope")}
          allowDeselect={false}
          value={scope}
          onChange={(value) => setScope(value as typeof scope)}
          data={scopes.map((value) => ({ value, label: t(`apiKeys.${value}`) }))}
        />
        <Select
          label={t("apiKeys.validity")}
          allowDeselect={false}
          value={days}
          onChange={(value) => setDays(value ?? "")}
          data={[
            ...["7", "30", "90", "365"].map((value) => ({ value, label: t("apiKeys.days", { count: Number(value) }) })),
            { value: "", label: t("apiKeys.always") },
          ]}
        />
        <Button type="submit" disabled={!name.trim()}>
          {t("common.create")}
        </Button>
      </Stack>
    </form>
  );
}

export function Factor() {
  const t = useT();
  const { user, renew } = useSession();
  const found = useFactor();
  const [open, setOpen] = useState<"enrol" | "codes" | "remove" | null>(null);
  const close = () => {
    setOpen(null);
    void found.refetch();
    void renew();
  };
  if (!found.data)
    return (
      <Panel title={t("factor.title")}>
        {blocking(found) ? <Problem error={found.error} /> : <Loading rows={2} />}
      </Panel>
    );
  const { enabled, authenticator, required, recoveryCodes } = found.data;
  const state = authenticator ? "factor.on" : enabled ? "factor.passkeys" : required ? "factor.needed" : "factor.off";
  return (
    <Panel title={t("factor.title")}>
      <Stack>
        <Text size="sm">{t(state, { count: recoveryCodes })}</Text>
        <Group gap="xs">
          {!authenticator && (
            <Button aria-haspopup="dialog" onClick={() => setOpen("enrol")}>
              {t(enabled ? "factor.beginApp" : "factor.begin")}
            </Button>
          )}
          {enabled && (
            <Button variant="default" aria-haspopup="dialog" onClick={() => setOpen("codes")}>
              {t("factor.newCodes")}
            </Button>
          )}
          {authenticator && !(required && !user?.passkey) && (
            <Button variant="subtle" color="red" aria-haspopup="dialog" onClick={() => setOpen("remove")}>
              {t("factor.remove")}
            </Button>
          )}
        </Group>
        <Dialog
          opened={open !== null}
          onClose={close}
          title={t(open === "codes" ? "factor.newCodes" : open === "remove" ? "factor.remove" : "factor.title")}
          closeOnClickOutside={false}
        >
          {open === "enrol" && <Enrol onDone={close} />}
          {open !== null && open !== "enrol" && <WithCode what={open} authenticator={authenticator} onDone={close} />}
        </Dialog>
      </Stack>
    </Panel>
  );
}

interface CodeProps {
  what: "codes" | "remove";
  authenticator: boolean;
  onDone: () => void;
}

/** What needs a code of the second factor there is; the password in its place where there are passkeys alone. */
function WithCode({ what, authenticator, onDone }: CodeProps) {
  const t = useT();
  const { run } = useTell();
  const renewal = useRenewCodes();
  const removal = useRemoveFactor();
  const [code, setCode] = useState("");
  const [codes, setCodes] = useState<string[] | null>(null);
  useUnsaved(code !== "" && codes === null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (what === "remove") {
      if (await run(removal.mutateAsync(code), t("factor.removed"))) onDone();
      return;
    }
    const answer = await run(renewal.mutateAsync(authenticator ? { code } : { password: code }));
    if (answer?.data) setCodes(answer.data.recoveryCodes);
  };
  if (codes) return <RecoveryCodes codes={codes} onDone={onDone} />;
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack>
        {authenticator ? (
          <TextInput
            label={t("factor.code")}
            description={t("factor.codeText")}
            value={code}
            onChange={(event) => setCode(event.currentTarget.value)}
            autoComplete="one-time-code"
            required
            data-autofocus
          />
        ) : (
          <PasswordField
            label={t("account.current")}
            description={t("factor.passwordText")}
            value={code}
            onChange={setCode}
            autoComplete="current-password"
            data-autofocus
          />
        )}
        <Button
          type="submit"
          color={what === "remove" ? "red.9" : undefined}
          disabled={authenticator && code.trim().length < 6}
        >
          {t(what === "remove" ? "factor.remove" : "factor.newCodes")}
        </Button>
      </Stack>
    </form>
  );
}

/** Identity providers: as whom one signs in there. Nothing where the server knows none. */
export function Identities() {
  const t = useT();
  const { run } = useTell();
  const found = useIdentities();
  const unlink = useUnlink();
  const { identities = [], providers = [] } = found.data ?? {};
  if (!identities.length && !providers.length) return null;
  return (
    <Panel title={t("identities.title")}>
      <Stack>
        <Text size="sm" c="dimmed">
          {t("identities.text")}
        </Text>
        <List>
          {identities.map((identity) => (
            <Row key={identity.ref} title={identity.shown} below={identity.issuer}>
              <Button
                size="compact-sm"
                variant="subtle"
                color="red"
                onClick={() => void run(unlink.mutateAsync(identity.ref), t("identities.unlinked"))}
              >
                {t("identities.unlink")}
              </Button>
            </Row>
          ))}
        </List>
        <Group>
          {providers.map(({ name, label }) => (
            <Button key={name} component="a" href={`/api/v1/signIn/${name}?link=true`} variant="default">
              {t("identities.link", { provider: label })}
            </Button>
          ))}
        </Group>
      </Stack>
    </Panel>
  );
}
