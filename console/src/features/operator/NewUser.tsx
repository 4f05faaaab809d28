// A new user: of the operator, or of a subscriber.
import { Button, Radio, Select, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { closeDialogs } from "../../components/dialogs";
import { useUnsaved } from "../../components/edits";
import { useConfirm, useTell } from "../../components/notify";
import { PasswordField } from "../../components/PasswordField";
import { useT } from "../../text";
import { useCreateUser, useSubscribers, type Person } from "./api";

type Role = Schemas["NewUser"]["role"];

interface Form {
  kind: Person["kind"] | "";
  username: string;
  displayName: string;
  password: string;
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
  const { kind, username, displayName, password, role } = form;
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
      <TextInput
        label={t("signIn.username")}
        value={username}
        onChange={(event) => put({ username: event.currentTarget.value })}
        required
        autoComplete="off"
      />
      <TextInput
        label={t("common.name")}
        value={displayName}
        onChange={(event) => put({ displayName: event.currentTarget.value })}
      />
      <PasswordField
        label={t("signIn.password")}
        description={t("account.short")}
        value={password}
        onChange={(next) => put({ password: next })}
        required
        autoComplete="new-password"
      />
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
