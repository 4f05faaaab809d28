// From an empty network to the first reading, step by step. What is there already is skipped, and what was begun goes on.
import { Grid, NavLink, Text, ThemeIcon } from "@mantine/core";
import { IconCheck } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { $api } from "../../api/queries";
import { usePreferences } from "../../api/preferences";
import { blocking, Loading, PageTitle, Problem } from "../../components/basics";
import { useFilters } from "../../navigation";
import { useSession } from "../../session";
import { useT } from "../../text";
import { useDevice, useDevices } from "../devices/api";
import { useStations, useSubscribers } from "../operator/api";
import { DeviceStep } from "./DeviceStep";
import { ForSubscriber, GoOn, PlanStep, SubscriberStep, UserStep } from "./NetworkSteps";
import { StationStep } from "./StationStep";
import {
  chosenStation,
  chosenSubscriber,
  current,
  deviceSteps,
  networkSteps,
  type Begun,
  type StepName,
} from "./steps";
import type { Step } from "./steps";
import { Waiting } from "./Waiting";

function useBegun(): [Begun, (change: Begun) => void] {
  const [preferences, setPreferences] = usePreferences();
  return [
    preferences.firstSteps ?? {},
    (change) => setPreferences(({ firstSteps = {} }) => ({ firstSteps: { ...firstSteps, ...change } })),
  ];
}

/** What an operator has: empty until it is known, and for others. */
function useNetwork(operator: boolean) {
  const subscribers = useSubscribers(operator);
  const plans = $api.useQuery("get", "/api/v1/operator/plans", undefined, { enabled: operator });
  const stations = useStations(2000, operator);
  const queries = [subscribers, plans, stations];
  return {
    failed: queries.find(blocking),
    known: !operator || queries.every((query) => query.data),
    of: { subscribers: subscribers.data ?? [], plans: plans.data ?? [], stations: stations.data ?? [] },
  };
}

/** As the operator sees it, up to the base station. */
export function NetworkFirstSteps() {
  const [filters, setFilters] = useFilters("/operator/first-steps");
  const [begun, keep] = useBegun();
  const network = useNetwork(true);
  if (network.failed) return <Problem error={network.failed.error} />;
  if (!network.known) return <Loading />;
  const own = networkSteps(network.of, begun);
  const subscriber = chosenSubscriber(network.of, begun);
  const later = deviceSteps(undefined).map((step) => ({
    ...step,
    done: step.name === "device" && (subscriber?.devices ?? 0) > 0,
  }));
  const steps = [...own, ...later];
  const at = filters.step ?? current(steps.slice(0, 5));
  const go = (step: StepName | undefined) => setFilters({ step });
  const next = () => go(undefined);
  const bodies: Record<StepName, ReactNode> = {
    subscriber: (
      <SubscriberStep
        subscribers={network.of.subscribers}
        chosen={subscriber?.customerId}
        onChosen={(customerId) => {
          keep({ customerId });
          next();
        }}
      />
    ),
    user: <ForSubscriber subscriber={subscriber} render={(of) => <UserStep subscriber={of} onDone={next} />} />,
    plan: (
      <ForSubscriber
        subscriber={subscriber}
        render={(of) => <PlanStep subscriber={of} plans={network.of.plans} onDone={next} />}
      />
    ),
    station: (
      <StationStep
        stations={network.of.stations}
        chosen={chosenStation(network.of, begun)}
        onChosen={(stationId) => {
          keep({ stationId });
          go("station");
        }}
        onDone={next}
      />
    ),
    device: null,
    reading: null,
  };
  const body = bodies[at] ?? <Handover subscriber={subscriber} />;
  return (
    <Frame steps={steps} at={at} onStep={go}>
      {body}
    </Frame>
  );
}

/** The rest is done as the subscriber. */
function Handover({ subscriber }: { subscriber: Parameters<typeof ForSubscriber>[0]["subscriber"] }) {
  const navigate = useNavigate();
  const { workFor } = useSession();
  const [, keep] = useBegun();
  return (
    <ForSubscriber
      subscriber={subscriber}
      render={({ customerId }) => (
        <AsSubscriber
          onGo={() => {
            keep({ customerId });
            workFor(customerId);
            void navigate({ to: "/first-steps" });
          }}
        />
      )}
    />
  );
}

/** As a subscriber sees it: device and first reading. An operator who works for one sees its own steps beside them. */
export function FirstSteps() {
  const navigate = useNavigate();
  const { user, customerId } = useSession();
  const operator = user?.kind === "operator";
  const [filters, setFilters] = useFilters("/first-steps");
  const [begun, keep] = useBegun();
  const network = useNetwork(operator);
  const kept = useDevice(begun.deviceRef ?? "", begun.deviceRef !== undefined);
  const newest = useDevices({ sort: "-created", pageSize: 1 });
  if (network.failed) return <Problem error={network.failed.error} />;
  if (blocking(newest)) return <Problem error={newest.error} retry={() => void newest.refetch()} />;
  if (!network.known || !newest.data || (begun.deviceRef !== undefined && kept.isLoading)) return <Loading />;
  // One that was deleted meanwhile, or belongs to another subscriber, is passed over.
  const device = (kept.error ? undefined : kept.data) ?? newest.data.devices[0];
  const own = operator ? networkSteps(network.of, { ...begun, customerId }) : [];
  const steps = [...own, ...deviceSteps(device)];
  const at = filters.step === "device" || filters.step === "reading" ? filters.step : current(steps.slice(own.length));
  const go = (step: StepName | undefined) => {
    if (own.some(({ name }) => name === step)) void navigate({ to: "/operator/first-steps", search: { step } });
    else setFilters({ step: step === "device" || step === "reading" ? step : undefined });
  };
  return (
    <Frame steps={steps} at={at} onStep={go}>
      {at === "device" || !device?.ref ? (
        <DeviceStep
          key={filters.deviceEUI ?? ""}
          initial={{ EUI: filters.deviceEUI ?? "", applicationEUI: filters.joinEUI ?? "" }}
          onCreated={(deviceRef) => keep({ deviceRef })}
          onDone={() => setFilters({ step: "reading", deviceEUI: undefined, joinEUI: undefined })}
        />
      ) : (
        <Waiting
          key={device.ref}
          device={device}
          operator={operator}
          onAnother={(unknown) =>
            setFilters({ step: "device", deviceEUI: unknown?.deviceEUI, joinEUI: unknown?.joinEUI })
          }
        />
      )}
    </Frame>
  );
}

function AsSubscriber({ onGo }: { onGo: () => void }) {
  const t = useT();
  return <GoOn text={t("firstSteps.asSubscriber")} label={t("firstSteps.continue")} onGo={onGo} />;
}

interface FrameProps {
  steps: Step[];
  at: StepName;
  onStep: (step: StepName) => void;
  children: ReactNode;
}

function Frame({ steps, at, onStep, children }: FrameProps) {
  const t = useT();
  return (
    <>
      <PageTitle title={t("firstSteps.title")} below={t("firstSteps.below")} />
      <Grid>
        <Grid.Col span={{ base: 12, md: 4, lg: 3 }}>
          <nav aria-label={t("firstSteps.title")}>
            {steps.map((step, index) => (
              <NavLink
                key={step.name}
                component="button"
                label={t(`firstSteps.${step.name}`)}
                description={step.found || undefined}
                active={step.name === at}
                aria-current={step.name === at ? "step" : undefined}
                onClick={() => onStep(step.name)}
                style={{ borderRadius: 8 }}
                leftSection={
                  <ThemeIcon size={26} radius="xl" variant={step.done ? "filled" : "default"} aria-hidden>
                    {step.done ? <IconCheck size={16} /> : <Text size="sm">{index + 1}</Text>}
                  </ThemeIcon>
                }
                rightSection={
                  step.done ? (
                    <Text size="xs" c="dimmed">
                      {t("firstSteps.done")}
                    </Text>
                  ) : undefined
                }
              />
            ))}
          </nav>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 8, lg: 9 }}>{children}</Grid.Col>
      </Grid>
    </>
  );
}
