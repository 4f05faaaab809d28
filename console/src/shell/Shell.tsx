// What surrounds every page: where to go, who is signed in, whether the server answers.
import {
  ActionIcon,
  Alert,
  AppShell,
  Box,
  Burger,
  Button,
  Group,
  Kbd,
  Menu,
  ScrollArea,
  Select,
  Stack,
  Text,
  Tooltip,
  UnstyledButton,
  useComputedColorScheme,
  useMantineColorScheme,
} from "@mantine/core";
import { useDisclosure, useHotkeys } from "@mantine/hooks";
import {
  IconKey,
  IconLanguage,
  IconLogout,
  IconMoon,
  IconSearch,
  IconSun,
  IconUser,
  IconWifiOff,
} from "@tabler/icons-react";
import {
  Link,
  Outlet,
  useLocation,
  useNavigate,
  useRouter,
  useRouterState,
  type ErrorComponentProps,
} from "@tanstack/react-router";
import { useEffect, useRef, useSyncExternalStore, type ReactElement } from "react";
import { page, useOutdated } from "../api/build";
import { activity } from "../api/client";
import { $api } from "../api/queries";
import { Chart } from "../components/Chart";
import { Empty, Problem } from "../components/basics";
import { Updated } from "../components/problem";
import { WorldMap } from "../components/Map";
import { Dialog, Dialogs, openDialog } from "../components/dialogs";
import { leaveForms, UnsavedGuard } from "../components/unsaved";
import { ButtonLink, MenuLink } from "../components/links";
import { part, preloadWhenIdle } from "../components/lazy";
import { SignInAgain } from "../features/account/SignInAgain";
import type { PaletteProps } from "../features/search/Palette";
import { screens } from "../routes";
import { branding, logo } from "../branding";
import { useSession } from "../session";
import { useTexts, type Key } from "../text";

const Palette = part<PaletteProps>(
  () => import("../features/search/Palette").then((module) => module.Palette),
  () => 320,
);

export function Shell(): ReactElement | null {
  const { user } = useSession();
  return (
    user && (
      <>
        <Signed key={user.username} />
        <SignInAgain />
        <UnsavedGuard />
      </>
    )
  );
}

/** Which pages there are for whom, and where one is. */
function usePlace() {
  const { user, customerId, mayChange, mayManage } = useSession();
  const location = useLocation();
  const path = location.pathname.replace(/^\/console/, "") || "/";
  const operator = user?.kind === "operator";
  const desk = operator && !customerId;
  const pages = screens.flatMap((screen) => {
    const icon = desk ? screen.operator : screen.subscriber;
    return icon && (!screen.manages || mayManage) && (!screen.changes || mayChange) ? [{ ...screen, icon }] : [];
  });
  // Pages that the search leads to: an operator's user who works for a subscriber may go back to the network.
  const known = screens.flatMap((screen) => {
    const icon = (desk ? undefined : screen.subscriber) ?? (operator ? screen.operator : undefined);
    return icon ? [{ path: screen.path, title: screen.title, icon }] : [];
  });
  // What is shown, which is behind the address while a page is being loaded.
  const shown =
    useRouterState({ select: (state) => state.matches[state.matches.length - 1]?.pathname ?? "/" }).replace(
      /^\/console/,
      "",
    ) || "/";
  // Without a customer an operator has no devices; a customer has no network. While a page is being loaded the
  // address is where somebody goes, and what is shown is where they were.
  const outside = (place: string) =>
    desk ? !/^\/(operator|logger|account)/.test(place) : place.startsWith("/operator");
  const misplaced = outside(shown);
  return { path, operator, desk, pages, known, misplaced, lost: misplaced && outside(path) };
}

type Whereabouts = ReturnType<typeof usePlace>;

/** Leads away from pages that are not for the one who looks. */
function useRightPlace({ path, operator, desk, lost }: Whereabouts) {
  const navigate = useNavigate();
  const { customerId, workFor } = useSession();
  useEffect(() => {
    if (lost && (desk || !operator)) void navigate({ to: desk ? "/operator" : "/" });
  }, [lost, desk, operator, navigate]);
  // Who works for a customer and goes to the desk works for the network again.
  const before = useRef("");
  useEffect(() => {
    if (before.current !== path && operator && customerId && path.startsWith("/operator")) workFor("");
    before.current = path;
  }, [path, operator, customerId, workFor]);
}

/** So that a screen opens also while the server is away, and at once. */
function usePreloaded(operator: boolean) {
  useEffect(
    () =>
      preloadWhenIdle(
        [...screens.filter((screen) => operator || !screen.path.startsWith("/operator")), Palette, Chart, WorldMap],
        "screens-loaded",
      ),
    [operator],
  );
}

function useKeys(desk: boolean, search: () => void, openKeys: () => void) {
  const navigate = useNavigate();
  const { mayChange } = useSession();
  // Also while something is being typed.
  useHotkeys([["mod+K", search]], []);
  useHotkeys([
    ["/", search],
    ["shift+?", openKeys],
    ["alt+1", () => void navigate({ to: desk ? "/operator" : "/" })],
    ["alt+2", () => void navigate({ to: desk ? "/operator/base-stations" : "/devices" })],
    ["alt+3", () => void navigate({ to: "/logger" })],
    ["alt+4", () => void navigate({ to: desk ? "/operator/subscribers" : "/alarms" })],
    [
      "alt+N",
      () => {
        if (!desk && mayChange) void navigate({ to: "/devices/new" });
      },
    ],
  ]);
}

function Signed() {
  const { t } = useTexts();
  const [open, { toggle, close }] = useDisclosure();
  const [searching, { open: search, close: closeSearch }] = useDisclosure();
  const place = usePlace();
  const { path, operator, desk, pages, known, misplaced } = place;
  useEffect(close, [path, close]);
  useRightPlace(place);
  usePreloaded(operator);
  const openKeys = () => openDialog(t("keys.title"), <Keys operator={desk} />);
  useKeys(desk, search, openKeys);

  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 228, breakpoint: "sm", collapsed: { mobile: !open } }}
      padding="md"
    >
      <a className="skip" href="#content">
        {t("nav.skip")}
      </a>
      <PendingBar />
      <Dialogs />
      <Dialog
        opened={searching}
        onClose={closeSearch}
        title={t("search.title")}
        size="lg"
        transitionProps={{ duration: 0 }}
      >
        <Palette pages={known} close={closeSearch} />
      </Dialog>
      <AppShell.Header>
        <Header open={open} toggle={toggle} operator={operator} search={search} openKeys={openKeys} />
      </AppShell.Header>
      <AppShell.Navbar p={6}>
        <ScrollArea>
          <Navigation pages={pages} path={path} />
        </ScrollArea>
      </AppShell.Navbar>
      <AppShell.Main id="content">
        <Notices />
        {!misplaced && <Outlet />}
      </AppShell.Main>
    </AppShell>
  );
}

interface HeaderProps {
  /** Whether the menu of a narrow screen is open. */
  open: boolean;
  toggle: () => void;
  operator: boolean;
  search: () => void;
  openKeys: () => void;
}

function Header({ open, toggle, operator, search, openKeys }: HeaderProps) {
  const { t } = useTexts();
  const navigate = useNavigate();
  const { customerId, workFor } = useSession();
  return (
    <Group h="100%" px="md" justify="space-between" wrap="nowrap">
      <Group gap="sm" wrap="nowrap">
        <Burger opened={open} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={t("nav.menu")} />
        <Brand />
      </Group>
      <SearchButton open={search} />
      <Group gap={6} wrap="nowrap">
        <ActionIcon
          variant="subtle"
          color="gray"
          size="lg"
          hiddenFrom="md"
          aria-label={t("search.open")}
          aria-haspopup="dialog"
          onClick={search}
        >
          <IconSearch size={18} />
        </ActionIcon>
        {operator && (
          <WorkFor
            customerId={customerId}
            workFor={(customer) =>
              leaveForms(() => {
                workFor(customer);
                void navigate({ to: customer ? "/" : "/operator" });
              })
            }
          />
        )}
        <SchemeSwitch />
        <AccountMenu openKeys={openKeys} />
      </Group>
    </Group>
  );
}

function Brand() {
  return (
    <Link
      to="/"
      aria-label={branding.name}
      style={{
        display: "flex",
        gap: 8,
        alignItems: "center",
        color: "inherit",
        textDecoration: "none",
      }}
    >
      <img src={logo} alt="" width={28} height={28} />
      {/* However long it is, it stands in one line beside the search. */}
      <Text fw={700} size="lg" visibleFrom="xs" truncate maw={{ base: 140, md: 320 }} title={branding.name}>
        {branding.name}
      </Text>
    </Link>
  );
}

function SearchButton({ open }: { open: () => void }) {
  const { t } = useTexts();
  return (
    <UnstyledButton
      aria-haspopup="dialog"
      onClick={open}
      visibleFrom="md"
      style={{
        border: "1px solid var(--mantine-color-default-border)",
        borderRadius: 8,
        padding: "6px 12px",
        minWidth: 280,
      }}
    >
      <Group justify="space-between" wrap="nowrap">
        <Group gap={8} c="dimmed" wrap="nowrap">
          <IconSearch size={16} />
          <Text size="sm">{t("search.open")}</Text>
        </Group>
        <Kbd size="xs">Ctrl K</Kbd>
      </Group>
    </UnstyledButton>
  );
}

function AccountMenu({ openKeys }: { openKeys: () => void }) {
  const { t, language } = useTexts();
  const navigate = useNavigate();
  const { user, speak, signOut } = useSession();
  return (
    <Menu position="bottom-end" withArrow>
      <Menu.Target>
        <Button
          variant="subtle"
          color="gray"
          leftSection={<IconUser size={18} />}
          px="xs"
          aria-label={`${user?.displayName} – ${t("nav.account")}`}
        >
          <Text size="sm" visibleFrom="md">
            {user?.displayName}
          </Text>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {user?.username} · {t(`role.${user?.role ?? "ro"}` as "role.ro")}
        </Menu.Label>
        <Menu.Item leftSection={<IconKey size={16} />} onClick={() => void navigate({ to: "/account" })}>
          {t("nav.account")}
        </Menu.Item>
        <Menu.Item leftSection={<IconLanguage size={16} />} onClick={() => speak(language === "en" ? "nl" : "en")}>
          {language === "en" ? "Nederlands" : "English"}
        </Menu.Item>
        <Menu.Item leftSection={<Kbd size="xs">?</Kbd>} aria-haspopup="dialog" onClick={openKeys}>
          {t("keys.title")}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => leaveForms(() => void signOut())}>
          {t("nav.signOut")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function Navigation({ pages, path }: Pick<Whereabouts, "pages" | "path">) {
  const { t } = useTexts();
  const active = (target: string) =>
    target === "/" || target === "/operator" ? path === target : path === target || path.startsWith(`${target}/`);
  return (
    <nav aria-label={t("nav.menu")}>
      {pages.map(({ path: target, title, icon: IconOf }) => (
        <MenuLink
          key={target}
          to={target}
          activeOptions={{ exact: true }}
          label={t(title)}
          leftSection={<IconOf size={18} stroke={1.7} />}
          active={active(target)}
          aria-current={active(target) ? "page" : undefined}
          px={8}
          styles={{ section: { marginInlineEnd: 8 } }}
          style={{ borderRadius: 8 }}
        />
      ))}
    </nav>
  );
}

/** What holds for every page: an older console, a server that does not answer, a user who may only read. */
function Notices() {
  const { t } = useTexts();
  const { reachable, mayChange } = useSession();
  const outdated = useOutdated();
  return (
    <>
      {outdated && <Updated reload={() => leaveForms(page.reload)} />}
      {!reachable && (
        <Box className="stays-in-view" mb="md">
          <Alert color="orange" icon={<IconWifiOff size={20} />} role="status" title={t("connection.lost")}>
            {t("connection.text")}
          </Alert>
        </Box>
      )}
      {!mayChange && (
        <Text size="xs" c="dimmed" mb="xs">
          {t("role.roText")}
        </Text>
      )}
    </>
  );
}

function subscribe(listener: () => void): () => void {
  activity.listeners.add(listener);
  return () => activity.listeners.delete(listener);
}

/** Shown while a page or an answer lets one wait. */
function PendingBar() {
  const { t } = useTexts();
  const waiting = useSyncExternalStore(subscribe, () => activity.count > 0);
  return waiting ? <div className="pending" role="progressbar" aria-label={t("common.loading")} /> : null;
}

/** Instead of a screen that failed. */
export function Broken({ error, reset }: ErrorComponentProps): ReactElement {
  const router = useRouter();
  if (useOutdated()) return <Updated />;
  return (
    <Problem
      error={error}
      retry={() => {
        reset();
        void router.invalidate();
      }}
    />
  );
}

function SchemeSwitch() {
  const { t } = useTexts();
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme("light");
  const label = t(scheme === "dark" ? "nav.light" : "nav.dark");
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant="subtle"
        color="gray"
        size="lg"
        aria-label={label}
        onClick={() => setColorScheme(scheme === "dark" ? "light" : "dark")}
      >
        {scheme === "dark" ? <IconSun size={18} /> : <IconMoon size={18} />}
      </ActionIcon>
    </Tooltip>
  );
}

function WorkFor({ customerId, workFor }: { customerId: string; workFor: (customerId: string) => void }) {
  const { t } = useTexts();
  const { data } = $api.useQuery("get", "/api/v1/operator/subscribers");
  return (
    <Select
      aria-label={t("nav.workFor")}
      size="xs"
      w={{ base: 120, xs: 210 }}
      searchable
      clearable
      clearButtonProps={{ "aria-label": t("nav.network") }}
      placeholder={t("nav.workForShort")}
      title={t("nav.workFor")}
      value={customerId || null}
      data={(data ?? []).map((customer) => ({
        value: customer.customerId,
        label: `${customer.name} (${customer.customerId})`,
      }))}
      onChange={(value) => workFor(value ?? "")}
    />
  );
}

function Keys({ operator }: { operator: boolean }) {
  const { t } = useTexts();
  const keys: [string, Key][] = [
    ["Ctrl K", "keys.search"],
    ["Alt 1 … 4", operator ? "keys.pagesOperator" : "keys.pages"],
    ...(operator ? [] : ([["Alt N", "keys.new"]] as [string, Key][])),
    ["↑ ↓", "keys.rows"],
    ["Enter", "keys.open"],
    ["Space", "keys.select"],
    ["Esc", "keys.close"],
    ["?", "keys.title"],
  ];
  return (
    <Stack gap="xs">
      {keys.map(([key, label]) => (
        <Group key={key} justify="space-between">
          <Text size="sm">{t(label)}</Text>
          <Kbd>{key}</Kbd>
        </Group>
      ))}
    </Stack>
  );
}

export function NotFound(): ReactElement {
  const { t } = useTexts();
  return (
    <Box>
      <Empty icon={IconSearch} heading title={t("notFound.title")} text={t("notFound.text")}>
        <ButtonLink to="/">{t("nav.home")}</ButtonLink>
      </Empty>
    </Box>
  );
}
