import { useNavigate } from "@tanstack/react-router";
import { ActionIcon, Badge, Button, MultiSelect, Switch, TextInput } from "@mantine/core";
import { IconPlayerPause, IconPlayerPlay, IconX } from "@tabler/icons-react";
import { useCallback, useMemo, useState } from "react";
import { withQuery } from "../../format";
import { usePreferences } from "../../api/preferences";
import { useSession } from "../../session";
import { useT, type Key } from "../../text";
import { ListPage } from "../../components/ListPage";
import { FrameList } from "./FrameList";
import { cleared, useFilters, useTyped, type FiltersOf } from "../../navigation";

const packetTypes = [
  "UPLINK_DATA",
  "UPLINK_MAC_DATA",
  "UPLINK_MAC",
  "UPLINK_JOIN",
  "DOWNLINK_DATA",
  "DOWNLINK_MAC_DATA",
  "DOWNLINK_MAC",
  "DOWNLINK_JOIN",
  "RESET",
  "REFUSED",
  "DOWNLINK_REFUSED",
];
const names = ["deviceEUI", "devAddr", "baseStationId", "asId", "from", "to", "packetType"] as const;

/** A local time of an input as the API wants it. */
function iso(local: string | undefined): string | undefined {
  const moment = local ? new Date(local) : null;
  return moment && !Number.isNaN(moment.getTime()) ? moment.toISOString() : undefined;
}

export function Logger() {
  const t = useT();
  const navigate = useNavigate();
  const [filters, setFilters] = useFilters("/logger");
  const [preferences, setPreferences] = usePreferences();
  const [state, setState] = useState({ state: "off", dropped: 0 });
  const live = filters.live !== "off" && !filters.to && !filters.asId;
  const decode = filters.decode !== "off";
  const { typed, type, put } = useTyped(names, filters, setFilters, 400);
  const { user, customerId } = useSession();
  // Devices of nobody are seen by those who look after the network.
  const desk = user?.kind === "operator" && !customerId;
  const { deviceEUI, devAddr, baseStationId, asId, from, to, packetType } = filters;
  const unknown = (desk && filters.unknown === "true") || undefined;
  const wanted = useMemo(
    () => ({ deviceEUI, devAddr, baseStationId, asId, from: iso(from), to: iso(to), packetType, unknown }),
    [deviceEUI, devAddr, baseStationId, asId, from, to, packetType, unknown],
  );
  const onState = useCallback((now: string, dropped: number) => setState({ state: now, dropped }), []);
  const only = useCallback((name: (typeof names)[number], value: string) => put({ [name]: value }), [put]);
  const any = names.some((name) => filters[name]);
  const field = (name: (typeof names)[number], label: string, width: number, placeholder?: string, kind?: string) => (
    <TextInput
      size="xs"
      label={label}
      type={kind}
      placeholder={placeholder}
      value={typed[name] ?? ""}
      onChange={(event) => type(name, event.currentTarget.value)}
      w={width}
      rightSection={
        typed[name] && kind === undefined ? (
          <ActionIcon
            size="xs"
            variant="subtle"
            color="gray"
            aria-label={t("common.clear")}
            onClick={() => only(name, "")}
          >
            <IconX size={12} />
          </ActionIcon>
        ) : undefined
      }
    />
  );
  return (
    <ListPage
      title={t("nav.logger")}
      below={t("logger.below")}
      signs={
        <>
          <Live state={live ? state.state : "off"} dropped={state.dropped} />
          <Button
            variant="default"
            leftSection={live ? <IconPlayerPause size={16} /> : <IconPlayerPlay size={16} />}
            onClick={() => setFilters(live ? { live: "off" } : { live: undefined, to: undefined, asId: undefined })}
          >
            {t(live ? "live.pause" : "live.start")}
          </Button>
        </>
      }
      views={{
        kept: preferences.loggerViews ?? [],
        current: filters,
        onOpen: (search) => {
          put({ ...cleared(names), ...search });
          void navigate({ to: "/logger", search });
        },
        onKeep: (change) => setPreferences(({ loggerViews = [] }) => ({ loggerViews: change(loggerViews) })),
      }}
      exported={{
        label: t("logger.export"),
        path: withQuery("/api/v1/frames/export", { ...wanted, decode }),
        file: "frames.csv",
      }}
      filters={
        <>
          {field("deviceEUI", "DevEUI", 180, "70B3*, *A1F2")}
          {field("devAddr", "DevAddr", 110, "0412*")}
          {field("baseStationId", t("logger.station"), 120, "FF000001")}
          {field("asId", "AS ID", 110)}
          <MultiSelect
            size="xs"
            label={t("logger.types")}
            miw={200}
            maw={360}
            clearable
            value={filters.packetType?.split(",") ?? []}
            onChange={(value) => put({ packetType: value.join(",") })}
            data={packetTypes.map((value) => ({ value, label: t(`packet.${value}` as Key) }))}
            placeholder={filters.packetType ? "" : t("logger.allTypes")}
          />
          {field("from", t("logger.from"), 190, undefined, "datetime-local")}
          {field("to", t("logger.to"), 190, undefined, "datetime-local")}
          <Switches desk={desk} filters={filters} setFilters={setFilters} />
        </>
      }
      onClear={any ? () => put(cleared(names)) : undefined}
    >
      <FrameList
        filters={wanted}
        live={live}
        decode={decode}
        height="calc(100vh - 255px)"
        onFilter={only}
        onState={onState}
      />
    </ListPage>
  );
}

/** Whether lines come as they happen, and how many could not be shown. */
function Live({ state, dropped }: { state: string; dropped: number }) {
  const t = useT();
  return (
    <Badge
      variant="light"
      color={state === "off" ? "gray" : state === "live" ? "veld" : "orange"}
      size="lg"
      tt="none"
      role="status"
      style={{ color: "var(--mantine-color-text)" }}
      data-testid="live-state"
    >
      {t(`live.${state}` as Key)}
      {dropped ? ` · ${t("live.dropped", { count: dropped })}` : ""}
    </Badge>
  );
}

interface SwitchesProps {
  desk: boolean;
  filters: FiltersOf<"/logger">;
  setFilters: (change: Pick<FiltersOf<"/logger">, "unknown" | "decode">) => void;
}

function Switches({ desk, filters, setFilters }: SwitchesProps) {
  const t = useT();
  return (
    <>
      {desk && (
        <Switch
          size="sm"
          label={t("logger.onlyUnknown")}
          checked={filters.unknown === "true"}
          onChange={(event) => setFilters({ unknown: event.currentTarget.checked ? "true" : undefined })}
          mb={6}
        />
      )}
      <Switch
        size="sm"
        label={t("logger.decode")}
        checked={filters.decode !== "off"}
        onChange={(event) => setFilters({ decode: event.currentTarget.checked ? undefined : "off" })}
        mb={6}
      />
    </>
  );
}
