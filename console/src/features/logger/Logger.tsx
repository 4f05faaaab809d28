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
  "DOWNLINK_MULTICAST",
  "MULTICAST_SUMMARY",
  "RESET",
  "REFUSED",
  "DOWNLINK_REFUSED",
  "LOCATION",
];
const names = ["deviceEUI", "devAddr", "baseStationId", "asId", "from", "to", "packetType"] as const;
type Name = (typeof names)[number];

/** A local time of an input as the API wants it. */
function iso(local: string | undefined): string | undefined {
  const moment = local ? new Date(local) : null;
  return moment && !Number.isNaN(moment.getTime()) ? moment.toISOString() : undefined;
}

/** The frames that are asked for; `desk` may ask for those of devices of nobody. */
function useWanted(filters: FiltersOf<"/logger">, desk: boolean) {
  const { deviceEUI, devAddr, baseStationId, asId, from, to, packetType } = filters;
  const unknown = (desk && filters.unknown === "true") || undefined;
  return useMemo(
    () => ({ deviceEUI, devAddr, baseStationId, asId, from: iso(from), to: iso(to), packetType, unknown }),
    [deviceEUI, devAddr, baseStationId, asId, from, to, packetType, unknown],
  );
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
  const wanted = useWanted(filters, desk);
  const onState = useCallback((now: string, dropped: number) => setState({ state: now, dropped }), []);
  const only = useCallback((name: Name, value: string) => put({ [name]: value }), [put]);
  const any = names.some((name) => filters[name]);
  return (
    <ListPage
      title={t("nav.logger")}
      below={t("logger.below")}
      signs={
        <Live
          on={live}
          {...state}
          onTurn={() => setFilters(live ? { live: "off" } : { live: undefined, to: undefined, asId: undefined })}
        />
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
        <FrameFilters typed={typed} type={type} put={put} desk={desk} filters={filters} setFilters={setFilters} />
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

interface LiveProps {
  on: boolean;
  state: string;
  /** How many lines could not be shown. */
  dropped: number;
  onTurn: () => void;
}

/** Whether lines come as they happen. */
function Live({ on, state, dropped, onTurn }: LiveProps) {
  const t = useT();
  const now = on ? state : "off";
  return (
    <>
      <Badge
        variant="light"
        color={now === "off" ? "gray" : now === "live" ? "veld" : "orange"}
        size="lg"
        tt="none"
        role="status"
        style={{ color: "var(--mantine-color-text)" }}
        data-testid="live-state"
      >
        {t(`live.${now}` as Key)}
        {dropped ? ` · ${t("live.dropped", { count: dropped })}` : ""}
      </Badge>
      <Button
        variant="default"
        leftSection={on ? <IconPlayerPause size={16} /> : <IconPlayerPlay size={16} />}
        onClick={onTurn}
      >
        {t(on ? "live.pause" : "live.start")}
      </Button>
    </>
  );
}

interface FiltersProps extends SwitchesProps {
  typed: Partial<Record<Name, string>>;
  type: (name: Name, text: string) => void;
  put: (change: Partial<Record<Name, string>>) => void;
}

function FrameFilters({ typed, type, put, filters, ...switches }: FiltersProps) {
  const t = useT();
  const field = (name: Name, label: string, width: number, placeholder?: string, kind?: string) => (
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
            onClick={() => put({ [name]: "" })}
          >
            <IconX size={12} />
          </ActionIcon>
        ) : undefined
      }
    />
  );
  return (
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
      <Switches filters={filters} {...switches} />
    </>
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
