// A new user: of the operator, of a subscriber, or like another one.
import { Button, Radio, Select, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { closeDialogs } from "../../components/dialogs";
import { useUnsaved } from "../../components/edits";
import { useConfirm, useTell } from "../../components/notify";
import { PasswordField } from "../../components/PasswordField";
import { useSaving } from "../../components/saving";
import { useT } from "../../text";
import { useCopyUser, useCreateUser, useSubscribers, type Person } from "./api";

type Role = Schemas["NewUser"]["role"];

interface Named {
  username: string;
  displayName: string;
  password: string;
}

interface Form extends Named {
  kind: Person["kind"] | "";
  role: Role;
  customerId: string | null;
}

interface Props {
  /** Where the subscriber is known. */
  customer?: string;
  onCreated?: () => void;
}

function useNewUser({ customer, onCreated }: Props) {
  const t = useT();
  const { run } = useTell();
  const confirm = useConfirm();
  const creation = useCreateUser();
  const [form, setForm] = useState<Form>({
    kind: customer ? "subscriber" : "",
    username: "",
    displayName: "",
    password: "",
    role: customer ? "admin" : "ro",
    customerId: customer ?? null,
  });
  const { kind, username, displayName, password, role, customerId } = form;
  const put = (change: Partial<Form>) => setForm((before) => ({ ...before, ...change }));
  const saved = useUnsaved(Boolean((kind && !customer) || username || displayName || password));
  const save = async () => {
    if (!kind) return;
    const person = { kind, username, displayName: displayName || username, password, role };
    const answer = await run(
      creation.mutateAsync(kind === "subscriber" ? { ...person, customerId } : person),
      t("users.created"),
    );
    if (!answer) return;
    saved();
    closeDialogs();
    onCreated?.();
  };
  const ask = () => {
    if (kind !== "operator") return void save();
    const text = t(role === "rw" ? "users.confirmRw" : "users.confirmRo", { name: username });
    confirm(t("users.confirmTitle", { name: username }), text, t("users.confirm"), () => void save());
  };
  const complete = kind !== "" && (kind === "operator" || customerId) && username.length >= 3 && password.length >= 8;
  return { form, put, ask, complete };
}

export function NewUser({ customer, onCreated }: Props) {
  const t = useT();
  const { form, put, ask, complete } = useNewUser({ customer, onCreated });
  const { kind, role } = form;
  return (
    <Stack>
      {!customer && (
        <Kind
          value={kind}
          onChange={(value) =>
            put({ kind: value, ...(value === "operator" && role === "admin" ? { role: "rw" } : {}) })
          }
        />
      )}
      {kind === "subscriber" && !customer && (
        <Subscriber value={form.customerId} onChange={(customerId) => put({ customerId })} />
      )}
      <Credentials value={form} onChange={put} />
      <Select
        label={t("account.role")}
        allowDeselect={false}
        value={role}
        onChange={(value) => put({ role: value as Role })}
        data={[
          ...(kind === "subscriber" ? [{ value: "admin", label: t("role.admin") }] : []),
          { value: "ro", label: t("role.ro") },
          { value: "rw", label: t("role.rw") },
        ]}
      />
      <Button aria-haspopup={kind === "operator" ? "dialog" : undefined} onClick={ask} disabled={!complete}>
        {t("common.create")}
      </Button>
    </Stack>
  );
}

/** A user of the same organisation, with the same role. */
export function CopyUser({ person }: { person: Person }) {
  const t = useT();
  const copying = useCopyUser(person);
  const [form, setForm] = useState<Named>({ username: "", displayName: "", password: "" });
  const { username, displayName, password } = form;
  const save = useSaving(Boolean(username || displayName || password));
  const submit = () =>
    save(
      copying.mutateAsync({ username, displayName: displayName || username, password }),
      t("users.copied", { name: username }),
    );
  return (
    <Stack>
      <Text size="sm">{t("users.copyText")}</Text>
      <Credentials value={form} onChange={(part) => setForm((before) => ({ ...before, ...part }))} focused />
      <Button onClick={() => void submit()} disabled={username.length < 3 || password.length < 8}>
        {t("common.create")}
      </Button>
    </Stack>
  );
}

interface CredentialsProps {
  value: Named;
  onChange: (change: Partial<Named>) => void;
  /** The first field has the focus when the dialog opens. */
  focused?: boolean;
}

/** What somebody signs in with, and is called. */
function Credentials({ value, onChange, focused }: CredentialsProps) {
  const t = useT();
  return (
    <>
      <TextInput
        label={t("signIn.username")}
        value={value.username}
        onChange={(event) => onChange({ username: event.currentTarget.value })}
        required
        data-autofocus={focused}
        autoComplete="off"
      />
      <TextInput
        label={t("common.name")}
        value={value.displayName}
        onChange={(event) => onChange({ displayName: event.currentTarget.value })}
      />
      <PasswordField
        label={t("signIn.password")}
        description={t("account.short")}
        value={value.password}
        onChange={(next) => onChange({ password: next })}
        required
        autoComplete="new-password"
      />
    </>
  );
}

interface KindProps {
  value: Form["kind"];
  onChange: (value: Person["kind"]) => void;
}

function Kind({ value, onChange }: KindProps) {
  const t = useT();
  return (
    <Radio.Group
      label={t("users.kind")}
      value={value}
      onChange={(chosen) => onChange(chosen as Person["kind"])}
      required
    >
      <Stack gap="xs" mt={6}>
        <Radio value="subscriber" label={t("users.kindSubscriber")} description={t("users.kindSubscriberText")} />
        <Radio value="operator" label={t("users.kindOperator")} description={t("users.kindOperatorText")} />
      </Stack>
    </Radio.Group>
  );
}

interface SubscriberProps {
  value: string | null;
  onChange: (customerId: string | null) => void;
}

function Subscriber({ value, onChange }: SubscriberProps) {
  const t = useT();
  const customers = useSubscribers();
  return (
    <Select
      label={t("users.of")}
      required
      searchable
      value={value}
      onChange={onChange}
      data={(customers.data ?? []).map((one) => ({
        value: one.customerId,
        label: `${one.name} (${one.customerId})`,
      }))}
    />
  );
}
