// Subscriber, user and connectivity plan: made here, or chosen where there are some.
import { Button, Group, NumberInput, Select, Stack, Text, TextInput } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { anyMembers, type Schemas } from "../../api/client";
import { Panel } from "../../components/basics";
import { useTell } from "../../components/notify";
import { useUnsaved } from "../../components/edits";
import { useT } from "../../text";
import { NewUser } from "../operator/NewUser";
import { useGrantPlan, useGrantNewPlan } from "../operator/api";
import { NewSubscriber } from "../operator/Subscribers";
import { NameField } from "../../components/NameField";

type Subscriber = Schemas["Subscriber"];

interface CardProps {
  title?: string;
  text: string;
  label: string;
  onGo: () => void;
}

/** Something is done already, or goes on elsewhere. */
export function GoOn({ title, text, label, onGo }: CardProps) {
  return (
    <Panel title={title}>
      <Group justify="space-between">
        <Text size="sm">{text}</Text>
        <Button onClick={onGo}>{label}</Button>
      </Group>
    </Panel>
  );
}

/** What needs a subscriber, once there is one. */
export function ForSubscriber({
  subscriber,
  render,
}: {
  subscriber: Subscriber | undefined;
  render: (of: Subscriber) => ReactNode;
}) {
  const t = useT();
  if (subscriber) return <>{render(subscriber)}</>;
  return (
    <Panel>
      <Text size="sm">{t("firstSteps.subscriberFirst")}</Text>
    </Panel>
  );
}

interface SubscriberProps {
  subscribers: Subscriber[];
  chosen: string | undefined;
  onChosen: (customerId: string) => void;
}

export function SubscriberStep({ subscribers, chosen, onChosen }: SubscriberProps) {
  const t = useT();
  return (
    <Stack>
      {subscribers.length > 0 && (
        <Panel title={t("firstSteps.existing")}>
          <Select
            label={t("account.of")}
            searchable
            allowDeselect={false}
            value={chosen ?? null}
            onChange={(customerId) => customerId && onChosen(customerId)}
            data={subscribers.map(({ customerId, name }) => ({ value: customerId, label: `${name} (${customerId})` }))}
          />
        </Panel>
      )}
      <Panel title={t("subscribers.new")}>
        <Stack>
          <Text size="sm" c="dimmed">
            {t("firstSteps.subscriberText")}
          </Text>
          <NewSubscriber onCreated={onChosen} />
        </Stack>
      </Panel>
    </Stack>
  );
}

export function UserStep({ subscriber, onDone }: { subscriber: Subscriber; onDone: () => void }) {
  const t = useT();
  return (
    <Stack>
      {subscriber.users > 0 && (
        <GoOn
          text={t("firstSteps.users", { count: subscriber.users, name: subscriber.name })}
          label={t("firstSteps.continue")}
          onGo={onDone}
        />
      )}
      <Panel title={t("users.new")}>
        <Stack>
          <Text size="sm" c="dimmed">
            {t("firstSteps.userText", { name: subscriber.name })}
          </Text>
          <NewUser customer={subscriber.customerId} onCreated={onDone} />
        </Stack>
      </Panel>
    </Stack>
  );
}

interface PlanProps {
  subscriber: Subscriber;
  plans: Schemas["Plan"][];
  onDone: () => void;
}

export function PlanStep({ subscriber, plans, onDone }: PlanProps) {
  const t = useT();
  const granted = plans.find((plan) =>
    plan.grants.some((grant) => grant.customerId === subscriber.customerId && grant.granted > 0),
  );
  return (
    <Stack>
      {granted && (
        <GoOn
          text={t("firstSteps.granted", { plan: granted.name, name: subscriber.name })}
          label={t("firstSteps.continue")}
          onGo={onDone}
        />
      )}
      {plans.length > 0 && !granted && <GrantStep subscriber={subscriber} plans={plans} onDone={onDone} />}
      <NewPlan subscriber={subscriber} onDone={onDone} />
    </Stack>
  );
}

function GrantStep({ subscriber, plans, onDone }: PlanProps) {
  const t = useT();
  const { run } = useTell();
  const [ref, setRef] = useState(plans[0]?.ref ?? "");
  const [connections, setConnections] = useState<number | string>(100);
  useUnsaved(connections !== 100);
  const grant = useGrantPlan(ref);
  const save = async () => {
    const body = { customerId: subscriber.customerId, granted: Number(connections) };
    if (await run(grant.mutateAsync(body), t("plans.grantSaved"))) onDone();
  };
  return (
    <Panel title={t("firstSteps.existing")}>
      <Stack>
        <Select
          label={t("device.plan")}
          allowDeselect={false}
          value={ref}
          onChange={(value) => setRef(value ?? "")}
          data={plans.map((plan) => ({ value: plan.ref, label: plan.name }))}
        />
        <NumberInput label={t("plans.granted")} min={1} value={connections} onChange={setConnections} />
        <Button onClick={() => void save()} disabled={!ref || !connections} loading={grant.isPending}>
          {t("plans.grant")}
        </Button>
      </Stack>
    </Panel>
  );
}

function NewPlan({ subscriber, onDone }: Omit<PlanProps, "plans">) {
  const t = useT();
  const { run } = useTell();
  const [id, setId] = useState("");
  const [name, setName] = useState("");
  const [connections, setConnections] = useState<number | string>(100);
  const saving = useGrantNewPlan();
  const saved = useUnsaved(Boolean(id || name));
  const save = async () => {
    const grant = { customerId: subscriber.customerId, granted: Number(connections) };
    const answer = await run(
      saving.mutateAsync({ plan: { id, name, settings: anyMembers({}), communicationType: "UNICAST" }, grant }),
      t("plans.saved"),
    );
    if (!answer) return;
    saved();
    onDone();
  };
  return (
    <Panel title={t("plans.new")}>
      <Stack>
        <Text size="sm" c="dimmed">
          {t("firstSteps.planText")}
        </Text>
        <Group grow align="flex-start">
          <NameField value={name} onChange={setName} />
          <TextInput
            label="ID"
            placeholder="acme-cs/basic"
            value={id}
            onChange={(event) => setId(event.currentTarget.value)}
            required
          />
        </Group>
        <NumberInput label={t("plans.granted")} min={1} value={connections} onChange={setConnections} />
        <Button onClick={() => void save()} disabled={!id || !name || !connections} loading={saving.isPending}>
          {t("firstSteps.createPlan")}
        </Button>
      </Stack>
    </Panel>
  );
}
