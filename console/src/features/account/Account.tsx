import { Alert, Button, Grid, Input, SegmentedControl, Stack, TagsInput, Text, TextInput } from "@mantine/core";
import { useState, type FormEvent } from "react";
import type { Schemas } from "../../api/client";
import { Facts, Loading, Once, PageTitle, Panel, Time } from "../../components/basics";
import { PasswordField } from "../../components/PasswordField";
import { useTell } from "../../components/notify";
import { useSession } from "../../session";
import { ApiKeys, Factor, Identities, Sessions } from "./Access";
import { Passkeys } from "./Passkeys";
import { useChangePassword, useNotifications, useSaveNotifications } from "./api";
import { useT } from "../../text";
import { useDraft, useUnsaved } from "../../components/edits";

export function Account() {
  const t = useT();
  const { user, customerId, mayChange } = useSession();
  if (!user) return null;
  return (
    <>
      <PageTitle title={t("nav.account")} />
      <Grid>
        <Grid.Col span={{ base: 12, md: 6 }}>
          <Stack>
            <Panel title={t("account.you")}>
              <Facts
                items={[
                  [t("signIn.username"), user.username],
                  [t("common.name"), user.displayName],
                  [t("account.role"), t(`role.${user.role}` as "role.ro")],
                  [t(user.operator ? "account.ofOperator" : "account.of"), user.operator ?? user.customerId],
                  [t("account.until"), <Time key="u" at={user.expires} />],
                  [t("account.idle"), t("account.minutes", { count: Math.round(user.idleSeconds / 60) })],
                ]}
              />
            </Panel>
            <Factor />
            <Passkeys />
            <Password />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 6 }}>
          <Stack>
            <Sessions />
            <ApiKeys />
            <Identities />
            {customerId && (mayChange ? <Notifications /> : <WhoIsNotified />)}
          </Stack>
        </Grid.Col>
      </Grid>
    </>
  );
}

function Password() {
  const t = useT();
  const { run } = useTell();
  const password = useChangePassword();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [again, setAgain] = useState("");
  const saved = useUnsaved(Boolean(current || next || again));
  const short = next !== "" && next.length < 8;
  const differ = again !== "" && again !== next;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const body = { currentPassword: current, newPassword: next };
    if (!(await run(password.mutateAsync(body), t("account.changed")))) return;
    saved();
    setCurrent("");
    setNext("");
    setAgain("");
  };
  return (
    <Panel title={t("account.password")}>
      <form onSubmit={(event) => void submit(event)}>
        <Stack>
          <PasswordField
            label={t("account.current")}
            value={current}
            onChange={setCurrent}
            autoComplete="current-password"
            required
          />
          <PasswordField
            label={t("account.new")}
            value={next}
            onChange={setNext}
            autoComplete="new-password"
            required
            error={short && t("account.short")}
          />
          <PasswordField
            label={t("account.again")}
            value={again}
            onChange={setAgain}
            autoComplete="new-password"
            required
            error={differ && t("account.differ")}
          />
          <Text size="xs" c="dimmed">
            {t("account.passwordText")}
          </Text>
          <Button type="submit" disabled={!current || next.length < 8 || again !== next}>
            {t("account.change")}
          </Button>
        </Stack>
      </form>
    </Panel>
  );
}

/** Who is notified of alarms, for those who may not change it. */
function WhoIsNotified() {
  const t = useT();
  const { data } = useNotifications();
  if (!data) return <LoadingPanel />;
  const everybody =
    data.mode === "ADVANCED" ? [...new Set(Object.values(data.recipientsByState).flat())] : data.recipients;
  return (
    <Panel title={t("notify.title")}>
      <Facts
        items={[
          [t("notify.title"), t(`notify.${data.mode}` as "notify.OFF")],
          [t("notify.emails"), everybody.join(", ") || t("notify.none")],
          [t("notify.webhook"), data.webhook],
        ]}
      />
    </Panel>
  );
}

type Settings = Schemas["StoredNotificationSettings"];

interface RecipientsProps {
  settings: Settings;
  put: (part: Pick<Settings, "recipients"> | Pick<Settings, "recipientsByState">) => void;
}

/** The same for every alarm, or others for each of its states. */
function Recipients({ settings, put }: RecipientsProps) {
  const t = useT();
  const byState = settings.recipientsByState;
  if (settings.mode === "BASIC")
    return (
      <TagsInput
        label={t("notify.emails")}
        placeholder="name@example.com"
        value={settings.recipients}
        onChange={(recipients) => put({ recipients })}
      />
    );
  if (settings.mode !== "ADVANCED") return null;
  return (["CRITICAL", "MAJOR", "MINOR", "WARNING", "CLEARED", "ACKED"] as const).map((state) => (
    <TagsInput
      key={state}
      label={t(state === "ACKED" ? "notify.acked" : `severity.${state}`)}
      placeholder="name@example.com"
      value={byState[state] ?? []}
      onChange={(value) => put({ recipientsByState: { ...byState, [state]: value } })}
    />
  ));
}

interface LanguageProps {
  value: Settings["language"];
  onChange: (language: Settings["language"]) => void;
}

function MailLanguage({ value, onChange }: LanguageProps) {
  const t = useT();
  return (
    <Input.Wrapper label={t("notify.language")} labelElement="div">
      <SegmentedControl
        aria-label={t("notify.language")}
        value={value}
        onChange={onChange}
        data={[
          { value: "en", label: "English" },
          { value: "nl", label: "Nederlands" },
        ]}
      />
    </Input.Wrapper>
  );
}

function LoadingPanel() {
  return (
    <Panel>
      <Loading rows={3} />
    </Panel>
  );
}

/** Who is notified of alarms. */
function Notifications() {
  const t = useT();
  const { run } = useTell();
  const found = useNotifications();
  const saving = useSaveNotifications();
  const [settings, setSettings, saved] = useDraft<Settings | null>(found.data ?? null);
  const [secret, setSecret] = useState<string | null>(null);
  if (!settings) return <LoadingPanel />;
  const save = async () => {
    const { mode, recipients, recipientsByState, webhook, language } = settings;
    const body = { mode, recipients, recipientsByState, webhook, language };
    const answer = await run(saving.mutateAsync(body), t("notify.saved"));
    if (!answer) return;
    saved();
    if (answer.data?.webhookSecret) setSecret(answer.data.webhookSecret);
  };
  return (
    <Panel title={t("notify.title")}>
      <Stack>
        <Text size="sm" c="dimmed">
          {t("notify.text")}
        </Text>
        <SegmentedControl
          aria-label={t("notify.title")}
          value={settings.mode}
          onChange={(mode) => setSettings({ ...settings, mode: mode })}
          data={(["OFF", "BASIC", "ADVANCED"] as const).map((value) => ({
            value,
            label: t(`notify.${value}`),
          }))}
        />
        <Recipients settings={settings} put={(part) => setSettings({ ...settings, ...part })} />
        {settings.mode !== "OFF" && (
          <MailLanguage value={settings.language} onChange={(language) => setSettings({ ...settings, language })} />
        )}
        <TextInput
          label={t("notify.webhook")}
          placeholder="https://example.com/alarms"
          value={settings.webhook ?? ""}
          onChange={(event) => setSettings({ ...settings, webhook: event.currentTarget.value || null })}
        />
        {secret && <Once label={t("notify.secret")} value={secret} />}
        <Button onClick={() => void save()}>{t("common.save")}</Button>
        <Alert variant="light" color="gray">
          <Text size="xs">{t("notify.hint")}</Text>
        </Alert>
      </Stack>
    </Panel>
  );
}
