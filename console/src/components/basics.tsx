// Small things that every page shows.
import {
  ActionIcon,
  Alert,
  Badge,
  Box,
  Card,
  Code,
  CopyButton,
  Group,
  Stack,
  Text,
  ThemeIcon,
  Title,
  Tooltip,
} from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useEffect, type ReactNode } from "react";
import { setTitle } from "../branding";
import { localTime, relative, utcTime } from "../format";
import { TextLink } from "./links";
import { useSession } from "../session";
import { useT, useTexts, type Key } from "../text";
import { healthColor, severityColor, type Severity } from "../theme";

export { blocking, Loading, messageOf, Problem } from "./problem";

/** A time in the viewer's zone, with UTC on hover. */
export function Time({ at, short = false }: { at?: string | null; short?: boolean }) {
  const { language } = useTexts();
  if (!at)
    return (
      <Text span c="dimmed" inherit>
        –
      </Text>
    );
  return (
    <Tooltip label={`${utcTime(at)}${short ? ` · ${localTime(at)}` : ""}`} withArrow openDelay={200}>
      <Text span inherit component="time" dateTime={at} style={{ whiteSpace: "nowrap" }}>
        {short ? relative(at, language) : localTime(at)}
      </Text>
    </Tooltip>
  );
}

export function SeverityBadge({ state, count }: { state: string; count?: number }) {
  const t = useT();
  const color = severityColor[state as Severity] ?? "gray";
  return (
    <Badge variant="light" color={color} autoContrast style={{ color: `var(--severity-${color})` }}>
      {t(`severity.${state}` as Key)}
      {count === undefined ? "" : ` ${count}`}
    </Badge>
  );
}

export function HealthBadge({ state }: { state?: string | null }) {
  const t = useT();
  if (!state) return null;
  return (
    <Badge variant="dot" color={healthColor[state] ?? "gray"} tt="none" fw={500}>
      {t(`health.${state}` as Key)}
    </Badge>
  );
}

/** The heading of a screen, and the title of the browser's tab. */
export function PageTitle({
  title,
  tab,
  children,
  below,
}: {
  title: string | undefined;
  tab?: string;
  children?: ReactNode;
  below?: ReactNode;
}) {
  useEffect(() => {
    if (title) setTitle(`${tab ? `${tab} · ` : ""}${title}`);
  }, [title, tab]);
  return (
    <Group justify="space-between" mb="md" gap="sm" align="flex-start">
      <Box style={{ minWidth: 0 }}>
        <Title order={1} size="h2">
          {title}
        </Title>
        {below && (
          <Text c="dimmed" size="sm" component="div">
            {below}
          </Text>
        )}
      </Box>
      <Group gap="xs">{children}</Group>
    </Group>
  );
}

/** What to do where there is nothing yet. */
export function Empty({
  icon: Icon,
  title,
  text,
  heading = false,
  children,
}: {
  icon: typeof IconCheck;
  title: string;
  text: string;
  /** Whether the title is that of the whole screen. */
  heading?: boolean;
  children?: ReactNode;
}) {
  useEffect(() => {
    if (heading) setTitle(title);
  }, [heading, title]);
  return (
    <Stack align="center" gap="xs" py={48} px="md" ta="center">
      <ThemeIcon size={56} radius="xl" variant="light">
        <Icon size={30} stroke={1.5} />
      </ThemeIcon>
      <Text fw={600} size="lg" component={heading ? "h1" : "p"} m={0}>
        {title}
      </Text>
      <Text c="dimmed" maw={460}>
        {text}
      </Text>
      {children && <Group mt="xs">{children}</Group>}
    </Stack>
  );
}

export function Panel({
  title,
  children,
  right,
  ...rest
}: {
  title?: ReactNode;
  children: ReactNode;
  right?: ReactNode;
  h?: string;
}) {
  return (
    <Card withBorder padding="md" {...rest}>
      {(title || right) && (
        <Group justify="space-between" mb="sm" gap="xs">
          <Title order={2} size="h5">
            {title}
          </Title>
          {right}
        </Group>
      )}
      {children}
    </Card>
  );
}

/** Names and values, one below the other. */
export function Facts({ items }: { items: [ReactNode, ReactNode][] }) {
  return (
    <Box
      component="dl"
      m={0}
      style={{ display: "grid", gridTemplateColumns: "minmax(110px, max-content) 1fr", gap: "6px 16px" }}
    >
      {items.map(([name, value], index) => (
        <Box key={index} style={{ display: "contents" }}>
          <Text component="dt" c="dimmed" size="sm" style={{ overflowWrap: "anywhere", hyphens: "auto" }}>
            {name}
          </Text>
          <Text component="dd" size="sm" m={0} style={{ overflowWrap: "anywhere" }}>
            {value ?? "–"}
          </Text>
        </Box>
      ))}
    </Box>
  );
}

export function Mono({ children, dimmed = false }: { children: ReactNode; dimmed?: boolean }) {
  return (
    <Text span inherit ff="monospace" fz="0.92em" c={dimmed ? "dimmed" : undefined}>
      {children}
    </Text>
  );
}

export function Copy({ value, label }: { value: string; label?: string }) {
  const t = useT();
  return (
    <CopyButton value={value}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? t("common.copied") : t("common.copy")}>
          <ActionIcon
            variant="subtle"
            color={copied ? "veld" : "gray"}
            onClick={copy}
            aria-label={label ?? t("common.copy")}
            size="sm"
          >
            {copied ? <IconCheck size={15} /> : <IconCopy size={15} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}

/** A secret that is shown this once. */
export function Once({ label, value }: { label: string; value: string }) {
  const t = useT();
  return (
    <Alert color="yellow" variant="light" title={label}>
      <Group gap="xs" wrap="nowrap">
        <Code block style={{ flex: 1, whiteSpace: "pre-wrap", overflowWrap: "anywhere" }} data-testid="once">
          {value}
        </Code>
        <Copy value={value} />
      </Group>
      <Text size="xs" mt={6}>
        {t("common.once")}
      </Text>
    </Alert>
  );
}

/** A link that opens a device. */
export function DeviceLink({ deviceRef, name }: { deviceRef: string; name: string }) {
  return (
    <TextLink to="/devices/$ref" params={{ ref: deviceRef }} inherit style={{ overflowWrap: "anywhere" }}>
      {name}
    </TextLink>
  );
}

/** Buttons that change things are shown to those who may. */
export function IfMayChange({ children }: { children: ReactNode }) {
  return useSession().mayChange ? <>{children}</> : null;
}
