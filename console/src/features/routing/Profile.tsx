import { useNavigate, useParams } from "@tanstack/react-router";
import { Button, Checkbox, Grid, Group, Stack } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { api, ApiError, type Schemas } from "../../api/client";
import { Facts, IfMayChange, Loading, Mono, PageTitle, Panel } from "../../components/basics";
import { TextLink } from "../../components/links";
import { NotShown } from "../../components/missing";
import { done, useConfirm, useTell } from "../../components/notify";
import { useSession } from "../../session";
import { useDeleteProfile, useSaveProfile } from "./api";
import { AsKey } from "./AsKey";
import { RouteFields, type Route } from "./RouteFields";
import { Trial } from "./Trial";
import { useT } from "../../text";
import { DeleteButton } from "../../components/actions";
import { same, useUnsaved } from "../../components/edits";
import { Conflict } from "../../components/Conflict";
import { NameField } from "../../components/NameField";

type Profile = Schemas["RoutingProfile"];

const newRoute: Route = { sourcePorts: "*", strategy: "SEQUENTIAL", contentType: "JSON", addresses: [] };

interface Form {
  name: string;
  isDefault: boolean;
  routes: Route[];
}

function formOf(profile: Profile): Form {
  return { name: profile.name ?? "", isDefault: profile.default ?? false, routes: profile.routes ?? [] };
}

/** What is sent: fields that are left empty stay as they are. */
function bodyOf({ name, isDefault, routes }: Form): Profile {
  return {
    name,
    default: isDefault,
    routes: routes.map(
      (route) =>
        Object.fromEntries(Object.entries(route).filter(([, value]) => value !== "" && value !== undefined)) as Route,
    ),
  };
}

/** The profile as it was read, what the form makes of it, and whether somebody else changed it meanwhile. */
function useProfileForm(ref: string) {
  const t = useT();
  const navigate = useNavigate();
  const { mayChange } = useSession();
  const { failed } = useTell();
  const isNew = ref === "new";
  const [opened, setOpened] = useState<{ profile: Profile; etag: string } | null>(
    isNew ? { profile: { routes: [newRoute] }, etag: "*" } : null,
  );
  const [form, put] = useState<Form>(formOf(opened?.profile ?? {}));
  const [conflict, setConflict] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const saving = useSaveProfile(isNew ? null : ref);
  const saved = useUnsaved(mayChange && opened !== null && !same(form, formOf(opened.profile)));
  const load = async () => {
    if (isNew) return;
    try {
      const { data, response } = await api.GET("/data/lora/thingpark/routingProfiles/{routingProfileRef}", {
        params: { path: { routingProfileRef: ref } },
      });
      if (!data) return;
      setOpened({ profile: data, etag: response.headers.get("etag") ?? "*" });
      put(formOf(data));
      setConflict(false);
      setProblem(null);
    } catch (error) {
      setProblem(error);
    }
  };
  useEffect(() => void load(), [ref]); // eslint-disable-line react-hooks/exhaustive-deps
  const save = async () => {
    try {
      const answer = await saving.mutateAsync({ body: bodyOf(form), etag: opened?.etag ?? "*" });
      done(t("routing.saved"));
      saved();
      if (isNew && answer.data?.ref) void navigate({ to: "/routing/$ref", params: { ref: answer.data.ref } });
      else await load();
    } catch (error) {
      if (error instanceof ApiError && error.status === 412) setConflict(true);
      else failed(error);
    }
  };
  return { isNew, opened, form, put, conflict, problem, load, save, saving: saving.isPending, saved };
}

export function RoutingProfilePage() {
  const t = useT();
  const { mayChange } = useSession();
  const { ref } = useParams({ from: "/routing/$ref" });
  const { isNew, opened, form, put, conflict, problem, load, save, saving, saved } = useProfileForm(ref);
  if (problem) return <NotShown error={problem} retry={() => void load()} list="/routing" />;
  if (!opened) return <Loading />;
  if (!mayChange) return <ReadOnly profile={opened.profile} />;
  return (
    <>
      <PageTitle
        title={isNew ? t("routing.new") : opened.profile.name}
        below={!isNew && <Below id={opened.profile.id ?? ""} />}
      >
        <IfMayChange>
          {!isNew && <Deletion profileRef={ref} name={form.name} onDeleted={saved} />}
          <Button onClick={() => void save()} loading={saving} disabled={!form.name.trim()}>
            {t("common.save")}
          </Button>
        </IfMayChange>
      </PageTitle>
      {conflict && <Conflict mb="md" onLoad={() => void load()} />}
      <Grid>
        <Grid.Col span={{ base: 12, lg: 7 }}>
          <Fields form={form} put={put} isNew={isNew} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 5 }}>
          {!isNew && (
            <Stack>
              <IfMayChange>
                <Trial profileRef={ref} />
                <AsKey profile={opened.profile} onMade={() => void load()} />
              </IfMayChange>
            </Stack>
          )}
        </Grid.Col>
      </Grid>
    </>
  );
}

/** What names the profile, and the devices that have to have another one before it can go. */
function Below({ id }: { id: string }) {
  const t = useT();
  return (
    <Group gap="sm">
      <Mono>{id}</Mono>
      <TextLink to="/devices" search={{ routingProfileId: id }} size="sm">
        {t("routing.devices")}
      </TextLink>
    </Group>
  );
}

/** `onDeleted` before the page is left. */
function Deletion({ profileRef, name, onDeleted }: { profileRef: string; name: string; onDeleted: () => void }) {
  const t = useT();
  const navigate = useNavigate();
  const confirm = useConfirm();
  const { run } = useTell();
  const deletion = useDeleteProfile(profileRef);
  const remove = () =>
    confirm(
      t("routing.deleteTitle", { name }),
      t("routing.deleteText"),
      t("common.delete"),
      () =>
        void run(deletion.mutateAsync(), t("routing.deleted")).then((answer) => {
          if (!answer) return;
          onDeleted();
          void navigate({ to: "/routing" });
        }),
    );
  return <DeleteButton onClick={remove} />;
}

function Fields({ form, put, isNew }: { form: Form; put: (form: Form) => void; isNew: boolean }) {
  const t = useT();
  const { name, isDefault, routes } = form;
  const change = (index: number, part: Partial<Route>) =>
    put({ ...form, routes: routes.map((route, at) => (at === index ? { ...route, ...part } : route)) });
  return (
    <Stack>
      <Panel>
        <Group align="flex-end" grow preventGrowOverflow={false}>
          <NameField value={name} onChange={(name) => put({ ...form, name })} style={{ flex: 1 }} />
          <Checkbox
            label={t("routing.isDefault")}
            checked={isDefault}
            onChange={(event) => put({ ...form, isDefault: event.currentTarget.checked })}
            mb={8}
          />
        </Group>
      </Panel>
      {routes.map((route, index) => (
        <RouteFields
          key={index}
          number={index + 1}
          route={route}
          isNew={isNew}
          onChange={(part) => change(index, part)}
          onRemove={() => put({ ...form, routes: routes.filter((_, at) => at !== index) })}
        />
      ))}
      <IfMayChange>
        <Button
          variant="default"
          leftSection={<IconPlus size={16} />}
          onClick={() => put({ ...form, routes: [...routes, newRoute] })}
        >
          {t("routing.addRoute")}
        </Button>
      </IfMayChange>
    </Stack>
  );
}

/** What a profile says, for those who may not change it. */
function ReadOnly({ profile }: { profile: Profile }) {
  const t = useT();
  return (
    <>
      <PageTitle title={profile.name} below={<Below id={profile.id ?? ""} />} />
      <Stack maw={800}>
        {profile.routes?.map((route, index) => (
          <Panel key={index} title={t("routing.route", { number: index + 1 })}>
            <Facts
              items={[
                [t("routing.addresses"), route.addresses?.join(", ")],
                [t("routing.ports"), route.sourcePorts],
                [t("routing.strategy"), t(`routing.${route.strategy ?? "SEQUENTIAL"}`)],
                [t("routing.contentType"), route.contentType],
                ["AS ID", route.asId],
                [t("routing.deviation"), route.maxDeviation],
              ]}
            />
          </Panel>
        ))}
      </Stack>
    </>
  );
}
