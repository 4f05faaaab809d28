// Lines of the wireless logger; only those in sight are drawn.
import { Link } from "@tanstack/react-router";
import { ActionIcon, Badge, Box, Button, Group, Loader, Text, Tooltip, UnstyledButton } from "@mantine/core";
import {
  IconArrowBigDownFilled,
  IconArrowBigUpFilled,
  IconArrowUp,
  IconChevronDown,
  IconChevronRight,
  IconCircleXFilled,
  IconClock,
  IconFilter,
  IconHandStop,
  IconKey,
  IconRefresh,
  IconX,
} from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState, type RefObject } from "react";
import { Empty, Problem } from "../../components/basics";
import { clockTime, exact, hex, localTime, number, utcTime } from "../../format";
import { useSession } from "../../session";
import { useT, type Key } from "../../text";
import { useFrames, type Filters, type Frames, type Line } from "./useFrames";
import { FrameDetails } from "./FrameDetails";
import { outcomeText } from "./outcome";

interface Props {
  fixed?: Filters;
  filters?: Filters;
  live?: boolean;
  decode?: boolean;
  height?: number | string;
  onFilter?: (name: "deviceEUI", value: string) => void;
  onState?: (state: string, dropped: number) => void;
}

/** Draws the rows in sight, and asks for older lines when the last is near. */
function useRows(place: RefObject<HTMLDivElement | null>, frames: Frames) {
  const { lines } = frames;
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => place.current,
    estimateSize: () => 34,
    getItemKey: (index) => lines[index]?.id ?? index,
    overscan: 12,
  });
  const items = rows.getVirtualItems();
  const last = items[items.length - 1]?.index ?? 0;
  useEffect(() => {
    if (frames.more && !frames.loading && !frames.error && lines.length > 0 && last >= lines.length - 5) frames.older();
  }, [last, lines.length, frames]);
  return { rows, items };
}

function useOpened() {
  const [open, setOpen] = useState<Set<string>>(new Set());
  const toggle = (id: string) =>
    setOpen((before) => {
      const next = new Set(before);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  return { open, toggle };
}

export function FrameList(props: Props) {
  const { fixed = {}, filters = {}, live = false, decode = true, height = 600, onFilter, onState } = props;
  const t = useT();
  const frames = useFrames({ ...filters, ...fixed }, live, decode);
  // Without filters there is nothing to match: no frame has come yet.
  const filtered = Object.values(filters).some(Boolean);
  const { open, toggle } = useOpened();
  const place = useRef<HTMLDivElement>(null);
  const { lines, state, dropped, hold } = frames;
  const { rows, items } = useRows(place, frames);
  useEffect(() => onState?.(state, dropped), [state, dropped, onState]);
  const scroll = () => hold((place.current?.scrollTop ?? 0) > 40);
  return (
    <Box pos="relative">
      {frames.error ? <Problem error={frames.error} retry={frames.again} /> : null}
      {frames.held > 0 && <Waiting count={frames.held} show={() => place.current?.scrollTo({ top: 0 })} />}
      <Box
        ref={place}
        className="logger"
        onScroll={scroll}
        style={{
          height,
          overflow: "auto",
          border: "1px solid var(--mantine-color-default-border)",
          borderRadius: 8,
        }}
        tabIndex={0}
        role="region"
        aria-label={t("nav.logger")}
        data-testid="frames"
      >
        <Head again={live ? undefined : frames.again} />
        <div style={{ height: rows.getTotalSize(), position: "relative" }}>
          {items.map((item) => {
            const line = lines[item.index];
            if (!line) return null;
            return (
              <div
                key={item.key}
                ref={rows.measureElement}
                data-index={item.index}
                style={{
                  position: "absolute",
                  top: 0,
                  left: 0,
                  right: 0,
                  transform: `translateY(${item.start}px)`,
                }}
              >
                <Row line={line} open={open.has(line.id)} toggle={() => toggle(line.id)} onFilter={onFilter} />
                {open.has(line.id) && <FrameDetails line={line} />}
              </div>
            );
          })}
        </div>
        <End frames={frames} filtered={filtered} />
      </Box>
    </Box>
  );
}

/** `again` reads the history again. */
function Head({ again }: { again?: () => void }) {
  const t = useT();
  return (
    <div
      className="logger-row logger-head"
      style={{
        position: "sticky",
        top: 0,
        zIndex: 1,
        background: "var(--mantine-color-body)",
      }}
    >
      <span>
        {again && (
          <ActionIcon
            variant="transparent"
            color="gray"
            size={22}
            aria-label={t("common.refresh")}
            title={t("common.refresh")}
            onClick={again}
          >
            <IconRefresh size={16} />
          </ActionIcon>
        )}
      </span>
      <span />
      <span>{t("logger.type")}</span>
      <span>{t("common.time")}</span>
      <span>{t("logger.device")}</span>
      <span className="spare">DevAddr</span>
      <span className="spare">FPort</span>
      <span className="desk">FCnt</span>
      <span className="spare">RSSI dBm</span>
      <span>SNR dB</span>
      <span className="spare">ESP dBm</span>
      <span>SF</span>
      <span className="desk">{t("logger.station")}</span>
      <span>{t("logger.payload")}</span>
    </div>
  );
}

/** New lines that wait while somebody reads further down. */
function Waiting({ count, show }: { count: number; show: () => void }) {
  const t = useT();
  return (
    <Button
      pos="absolute"
      top={40}
      left="50%"
      style={{ transform: "translateX(-50%)", zIndex: 2 }}
      size="xs"
      radius="xl"
      leftSection={<IconArrowUp size={14} />}
      onClick={show}
    >
      {t("logger.newFrames", { count: count })}
    </Button>
  );
}

/** What stands below the last line: whether more follows. */
function End({ frames, filtered }: { frames: Frames; filtered: boolean }) {
  const t = useT();
  const { lines } = frames;
  return (
    <>
      {!lines.length && !frames.loading && !frames.error && (
        // In sight on a phone, too, where the columns are wider than the screen.
        <Box pos="sticky" left={0} w="min(100%, calc(100vw - 32px))">
          <Empty
            icon={IconFilter}
            title={t("logger.none")}
            text={
              filtered && frames.searchedTo
                ? t("logger.noneText", { time: localTime(frames.searchedTo) })
                : t(filtered ? "logger.noneAtAll" : "logger.noneYet")
            }
          />
        </Box>
      )}
      <Group justify="center" p="xs" mih={44}>
        {frames.loading ? (
          <Loader size="sm" />
        ) : frames.more ? (
          <Button size="xs" variant="subtle" onClick={frames.older}>
            {t("logger.older")}
          </Button>
        ) : lines.length ? (
          <Text size="xs" c="dimmed">
            {t("logger.end")}
          </Text>
        ) : null}
      </Group>
    </>
  );
}

function level(value: number | null, good: number, fair: number): string {
  return value === null ? "" : value >= good ? "good" : value >= fair ? "fair" : "poor";
}

interface RowProps extends Filtering {
  line: Line;
  open: boolean;
  toggle: () => void;
}

function Row({ line, open, toggle, onFilter }: RowProps) {
  const t = useT();
  const name = line.deviceName ?? line.deviceEUI ?? t("logger.unknown");
  return (
    <div
      className="logger-row"
      data-type={line.type}
      // For the mouse; the button does the same for everybody.
      role="presentation"
      onClick={(event) => {
        if (!(event.target as HTMLElement).closest("a, button")) toggle();
      }}
    >
      <UnstyledButton
        onClick={toggle}
        aria-expanded={open}
        aria-label={t("logger.details", {
          what: `${t(`packet.${line.type}` as Key)}, ${name}, ${clockTime(line.time)}`,
        })}
        style={{ display: "flex" }}
      >
        {open ? <IconChevronDown size={16} /> : <IconChevronRight size={16} />}
      </UnstyledButton>
      <Sign line={line} />
      <span>
        <Type type={line.type} />
      </span>
      <Tooltip label={`${utcTime(line.time)}`} openDelay={400}>
        <time className="time" dateTime={line.time}>
          {clockTime(line.time)}
        </time>
      </Tooltip>
      <Device line={line} name={name} onFilter={onFilter} />
      <span className="spare" style={{ fontFamily: "monospace" }}>
        {line.devAddr ?? "–"}
      </span>
      <span className="spare">{line.fPort ?? "–"}</span>
      <span className="desk">
        {line.type.startsWith("DOWN") ? (line.aFCntDown ?? line.nFCntDown ?? "–") : (line.fCntUp ?? "–")}
      </span>
      <span className="spare">{number(line.rssi)}</span>
      <span className={`snr ${level(line.snr, -8, -13)}`} data-unit={line.snr === null ? undefined : "dB"}>
        {number(line.snr)}
      </span>
      <span className={`spare ${level(line.esp, -100, -110)}`}>{number(line.esp)}</span>
      <DataRate line={line} />
      <Stations line={line} />
      <span className="content">
        <Content line={line} />
      </span>
    </div>
  );
}

function DataRate({ line }: { line: Line }) {
  return (
    <span
      className={`sf ${line.sf === null ? "" : line.sf >= 12 ? "poor" : line.sf === 11 ? "fair" : "good"}`}
      style={
        line.slot === "RX2"
          ? { background: "var(--mantine-color-orange-light)", borderRadius: 4 }
          : line.slot === "PING"
            ? { background: "var(--mantine-color-blue-light)", borderRadius: 4 }
            : undefined
      }
    >
      {line.sf ? `SF${line.sf}` : line.dataRate === null ? "–" : `DR${line.dataRate}`}
    </span>
  );
}

function Stations({ line }: { line: Line }) {
  return (
    <span className="desk" style={{ fontFamily: "monospace", fontSize: 12 }}>
      {line.baseStationId ?? "–"}
      {line.baseStations > 1 && (
        <Text span size="xs" c="dimmed">
          {" "}
          +{line.baseStations - 1}
        </Text>
      )}
    </span>
  );
}

function colorOf(type: string): string {
  if (type.includes("JOIN")) return "grape";
  if (type.includes("REFUSED")) return "red";
  if (type === "RESET") return "blue";
  return type.includes("MAC") ? "gray" : "veld";
}

function Type({ type }: { type: string }) {
  const t = useT();
  return (
    <Badge size="sm" variant="light" tt="none" color={colorOf(type)} style={{ color: "var(--mantine-color-text)" }}>
      {t(`packetShort.${type}` as Key)}
    </Badge>
  );
}

type Filtering = Pick<Props, "onFilter">;

function Device({ line, name, onFilter }: Filtering & { line: Line; name: string }) {
  const t = useT();
  const { customerId } = useSession();
  return (
    <span>
      {line.deviceRef && customerId ? (
        <Link to="/devices/$ref" params={{ ref: line.deviceRef }} className="link">
          {name}
        </Link>
      ) : (
        <span className={line.deviceRef ? undefined : "poor"}>
          {line.deviceRef || !line.deviceEUI ? name : <Unregistered line={line} />}
        </span>
      )}
      {onFilter && line.deviceEUI && (
        <ActionIcon
          size="xs"
          variant="subtle"
          color="gray"
          ml={4}
          aria-label={t("logger.only", { name })}
          onClick={() => onFilter("deviceEUI", line.deviceEUI ?? "")}
        >
          <IconFilter size={11} />
        </ActionIcon>
      )}
    </span>
  );
}

/** What a device says of itself that nobody has registered. */
function Unregistered({ line }: { line: Line }) {
  const t = useT();
  return (
    <Tooltip label={`${t("logger.unknown")}, JoinEUI ${line.joinEUI ?? "–"}`} openDelay={400}>
      <span style={{ fontFamily: "monospace", fontSize: 12 }}>{line.deviceEUI}</span>
    </Tooltip>
  );
}

/** The arrow or cross of a line, as ThingPark has them. */
export function Sign({ line }: { line: Line }) {
  const t = useT();
  const style = { flexShrink: 0 };
  const [label, icon] = ((): [string, React.ReactNode] => {
    if (line.type === "RESET")
      return [t("sign.reset"), <IconRefresh key="i" size={16} style={style} color="var(--severity-blue)" />];
    if (line.type.includes("REFUSED"))
      return [t("sign.refused"), <IconHandStop key="i" size={16} style={style} color="var(--poor)" />];
    if (line.type.startsWith("DOWN")) {
      return line.delivered === false
        ? [t("sign.notSent"), <IconX key="i" size={16} stroke={3} style={style} color="var(--poor)" />]
        : [t("sign.sent"), <IconArrowBigDownFilled key="i" size={16} style={style} color="var(--poor)" />];
    }
    if (line.outcome !== "accepted" && line.outcome !== "repeated")
      return [t("sign.refused"), <IconHandStop key="i" size={16} style={style} color="var(--poor)" />];
    if (line.deliveries === "ERROR")
      return [t("sign.undelivered"), <IconCircleXFilled key="i" size={16} style={style} color="var(--good)" />];
    if (line.deliveries === "PENDING")
      return [t("sign.pending"), <IconClock key="i" size={16} style={style} color="var(--fair)" />];
    return [
      t(line.deliveries === "OK" ? "sign.delivered" : "sign.received"),
      <IconArrowBigUpFilled key="i" size={16} style={style} color="var(--good)" />,
    ];
  })();
  return (
    <Tooltip label={label} openDelay={300}>
      <span role="img" aria-label={label} style={{ display: "flex" }}>
        {icon}
      </span>
    </Tooltip>
  );
}

function Content({ line }: { line: Line }) {
  const t = useT();
  const decoded = line.decoded as { data?: Record<string, unknown>; errors?: string[] } | null | undefined;
  if (decoded?.data)
    return (
      <>
        {Object.entries(decoded.data)
          .map(([name, value]) => `${name} ${exact(value)}`)
          .join(" · ")}
      </>
    );
  if (line.causes.length)
    return (
      <span className={line.delivered === false || line.type === "DOWNLINK_REFUSED" ? "poor" : undefined}>
        {line.causes.join(" · ")}
      </span>
    );
  if (line.type === "RESET" || (line.outcome !== "accepted" && !line.type.startsWith("DOWN")))
    return (
      <Text span inherit c="dimmed">
        {outcomeText(line.outcome, t)}
      </Text>
    );
  if (!line.payload)
    return (
      <Text span inherit c="dimmed">
        {line.mac ? `MAC ${hex(line.mac)}` : "–"}
      </Text>
    );
  return (
    <span style={{ fontFamily: "monospace" }}>
      {line.encrypted && (
        <Tooltip label={t("logger.encrypted")}>
          <IconKey size={13} style={{ verticalAlign: -2, marginRight: 4 }} />
        </Tooltip>
      )}
      {hex(line.payload)}
    </span>
  );
}
