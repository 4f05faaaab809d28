import { useNavigate, useParams } from "@tanstack/react-router";
import {
  ActionIcon,
  Alert,
  Badge,
  Button,
  Checkbox,
  Code,
  Grid,
  Group,
  PasswordInput,
  Select,
  Stack,
  TagsInput,
  Text,
  TextInput,
  Textarea,
} from "@mantine/core";
import { IconKey, IconPlus, IconTestPipe, IconTrash } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { api, ApiError, type Schemas } from "../../api/client";
import { options, useHsmGroups } from "../../api/catalogues";
import { Facts, IfMayChange, Loading, Mono, Once, PageTitle, Panel, Problem } from "../../components/basics";
import { NumberField } from "../../components/NumberField";
import { done, useConfirm, useTell } from "../../components/notify";
import { useSession } from "../../session";
import { useDeleteProfile, useGenerateAsKey, useSaveProfile, useTryProfile } from "./api";
import { useT } from "../../text";
import { same, useUnsaved } from "../../components/unsaved";

type Route = Schemas["Route"];
type Profile = Schemas["RoutingProfile"];

const newRoute: Route = { sourcePorts: "*", strategy: "SEQUENTIAL", contentType: "JSON", addresses: [] };

export function RoutingProfilePage() {
  const t = useT();
  const navigate = useNavigate();
  const confirm = useConfirm();
  const { mayChange } = useSession();
  const { failed, run } = useTell();
  const { ref } = useParams({ from: "/routing/$ref" });
  const isNew = ref === "new";
  const [opened, setOpened] = useState<{ profile: Profile; etag: string } | null>(
    isNew ? { profile: { routes: [newRoute] }, etag: "*" } : null,
  );
  const [name, setName] = useState("");
  const [isDefault, setDefault] = useState(false);
  const [routes, setRoutes] = useState<Route[]>(isNew ? [newRoute] : []);
  const [conflict, setConflict] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const saving = useSaveProfile(isNew ? null : ref);
  const deletion = useDeleteProfile(ref);
  const saved = useUnsaved(
    mayChange &&
      opened !== null &&
      !same(
        { name, isDefault, routes },
        {
          name: opened.profile.name ?? "",
          isDefault: opened.profile.default ?? false,
          routes: opened.profile.routes ?? [],
        },
      ),
  );
  const path = { params: { path: { routingProfileRef: ref } } };
  const load = async () => {
    if (isNew) return;
    try {
      const { data, response } = await api.GET("/data/lora/thingpark/routingProfiles/{routingProfileRef}", path);
      if (!data) return;
      setOpened({ profile: data, etag: response.headers.get("etag") ?? "*" });
      setName(data.name ?? "");
      setDefault(data.default ?? false);
      setRoutes(data.routes ?? []);
      setConflict(false);
      setProblem(null);
    } catch (error) {
      setProblem(error);
    }
  };
  useEffect(() => void load(), [ref]); // eslint-disable-line react-hooks/exhaustive-deps
  if (problem) return <Problem error={problem} retry={() => void load()} />;
  if (!opened) return <Loading />;
  const change = (index: number, part: Partial<Route>) =>
    setRoutes((before) => before.map((route, at) => (at === index ? { ...route, ...part } : route)));
  const save = async () => {
    // A key that is left empty stays as it is.
    const body: Profile = {
      name,
      default: isDefault,
      routes: routes.map(
        (route) =>
          Object.fromEntries(Object.entries(route).filter(([, value]) => value !== "" && value !== undefined)) as Route,
      ),
    };
    try {
      const answer = await saving.mutateAsync({ body, etag: opened.etag });
      done(t("routing.saved"));
      saved();
      if (isNew && answer.data?.ref) void navigate({ to: "/routing/$ref", params: { ref: answer.data.ref } });
      else await load();
    } catch (error) {
      if (error instanceof ApiError && error.status === 412) setConflict(true);
      else failed(error);
    }
  };
  const remove = () =>
    confirm(
      t("routing.deleteTitle", { name }),
      t("routing.deleteText"),
      t("common.delete"),
      () =>
        void run(deletion.mutateAsync(), t("routing.deleted")).then((answer) => {
          if (!answer) return;
          saved();
          void navigate({ to: "/routing" });
        }),
    );
  if (!mayChange) return <ReadOnly profile={opened.profile} />;
  return (
    <>
      <PageTitle
        title={isNew ? t("routing.new") : opened.profile.name}
        below={!isNew && <Mono>{opened.profile.id}</Mono>}
      >
        <IfMayChange>
          {!isNew && (
            <Button variant="subtle" color="red" leftSection={<IconTrash size={16} />} onClick={remove}>
              {t("common.delete")}
            </Button>
          )}
          <Button onClick={() => void save()} loading={saving.isPending} disabled={!name.trim()}>
            {t("common.save")}
          </Button>
        </IfMayChange>
      </PageTitle>
      {conflict && (
        <Alert color="orange" title={t("conflict.title")} mb="md" role="alert">
          <Text size="sm">{t("conflict.text")}</Text>
          <Button size="xs" mt="xs" variant="default" onClick={() => void load()}>
            {t("conflict.load")}
          </Button>
        </Alert>
      )}
      <Grid>
        <Grid.Col span={{ base: 12, lg: 7 }}>
          <Stack>
            <Panel>
              <Group align="flex-end" grow preventGrowOverflow={false}>
                <TextInput
                  label={t("common.name")}
                  value={name}
                  onChange={(event) => setName(event.currentTarget.value)}
                  required
                  maxLength={100}
                  style={{ flex: 1 }}
                />
                <Checkbox
                  label={t("routing.isDefault")}
                  checked={isDefault}
                  onChange={(event) => setDefault(event.currentTarget.checked)}
                  mb={8}
                />
              </Group>
            </Panel>
            {routes.map((route, index) => (
              <Panel
                key={index}
                title={t("routing.route", { number: index + 1 })}
                right={
                  <IfMayChange>
                    <ActionIcon
                      variant="subtle"
                      color="red"
                      aria-label={t("routing.removeRoute", { number: index + 1 })}
                      onClick={() => setRoutes((before) => before.filter((_, at) => at !== index))}
                    >
                      <IconTrash size={16} />
                    </ActionIcon>
                  </IfMayChange>
                }
              >
                <Stack gap="sm">
                  <TagsInput
                    label={t("routing.addresses")}
                    description={t("routing.addressesText")}
                    placeholder="https://as.example/uplink"
                    value={route.addresses ?? []}
                    onChange={(addresses) => change(index, { addresses })}
                  />
                  <Group grow>
                    <TextInput
                      label={t("routing.ports")}
                      description={t("routing.portsText")}
                      value={route.sourcePorts ?? ""}
                      onChange={(event) => change(index, { sourcePorts: event.currentTarget.value })}
                    />
                    <Select
                      label={t("routing.strategy")}
                      description={t(`routing.${route.strategy ?? "SEQUENTIAL"}`)}
                      allowDeselect={false}
                      data={["SEQUENTIAL", "BLAST"]}
                      value={route.strategy ?? "SEQUENTIAL"}
                      onChange={(value) => change(index, { strategy: value as Route["strategy"] })}
                    />
                    <Select
                      label={t("routing.contentType")}
                      description=" "
                      allowDeselect={false}
                      data={["JSON", "XML"]}
                      value={route.contentType ?? "XML"}
                      onChange={(value) => change(index, { contentType: value as Route["contentType"] })}
                    />
                  </Group>
                  <Group grow align="flex-start">
                    <TextInput
                      label="AS ID"
                      value={route.asId ?? ""}
                      onChange={(event) => change(index, { asId: event.currentTarget.value })}
                    />
                    <PasswordInput
                      label={t("routing.key")}
                      description={isNew ? t("routing.keyText") : t("routing.keyKept")}
                      value={route.asKey ?? ""}
                      onChange={(event) => change(index, { asKey: event.currentTarget.value })}
                      autoComplete="new-password"
                      visibilityToggleButtonProps={{ "aria-label": t("signIn.show") }}
                    />
                    <NumberField
                      label={t("routing.deviation")}
                      description={t("routing.deviationText")}
                      value={route.maxDeviation}
                      onChange={(value) => change(index, { maxDeviation: value ?? undefined })}
                      min={0}
                    />
                  </Group>
                </Stack>
              </Panel>
            ))}
            <IfMayChange>
              <Button
                variant="default"
                leftSection={<IconPlus size={16} />}
                onClick={() => setRoutes((before) => [...before, newRoute])}
              >
                {t("routing.addRoute")}
              </Button>
            </IfMayChange>
          </Stack>
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

/** What a profile says, for those who may not change it. */
function ReadOnly({ profile }: { profile: Profile }) {
  const t = useT();
  return (
    <>
      <PageTitle title={profile.name} below={<Mono>{profile.id}</Mono>} />
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

function Trial({ profileRef }: { profileRef: string }) {
  const t = useT();
  const { run } = useTell();
  const [results, setResults] = useState<Schemas["RouteTrialView"][] | null>(null);
  const trial = useTryProfile(profileRef);
  const send = async () => {
    const answer = await run(trial.mutateAsync());
    setResults(answer?.data ?? null);
  };
  return (
    <Panel
      title={t("trial.title")}
      right={
        <Button
          size="xs"
          leftSection={<IconTestPipe size={14} />}
          onClick={() => void send()}
          loading={trial.isPending}
        >
          {t("trial.send")}
        </Button>
      }
    >
      <Text size="sm" c="dimmed">
        {t("trial.text")}
      </Text>
      {results?.map((route) =>
        route.answers.map((answer, index) => (
          <Stack key={`${route.route}-${index}`} gap={4} mt="sm" data-testid="trial">
            <Group gap={8}>
              <Badge color={answer.delivered ? "veld" : "red"} variant="light">
                {answer.status}
              </Badge>
              <Text size="sm" style={{ wordBreak: "break-all" }}>
                {answer.url}
              </Text>
              <Text size="xs" c="dimmed">
                {t(route.signed ? "trial.signed" : "trial.unsigned")} · {route.ms} ms
              </Text>
            </Group>
            {answer.error && (
              <Text size="sm" className="poor">
                {answer.error}
              </Text>
            )}
            {answer.answer && (
              <Code block style={{ whiteSpace: "pre-wrap" }}>
                {answer.answer}
              </Code>
            )}
          </Stack>
        )),
      )}
      {results && !results.some((route) => route.answers.length) && (
        <Text size="sm" mt="sm">
          {t("trial.nothing")}
        </Text>
      )}
    </Panel>
  );
}

/** The key of the application server from the HSM: paste a public key, generate, copy what comes once. */
function AsKey({ profile, onMade }: { profile: Profile; onMade: () => void }) {
  const t = useT();
  const { run } = useTell();
  const confirm = useConfirm();
  const groups = useHsmGroups();
  const [group, setGroup] = useState<string | null>(null);
  const [pem, setPem] = useState("");
  const [made, setMade] = useState<string | null>(null);
  const generation = useGenerateAsKey(profile.ref ?? "");
  const chosen = group ?? profile.hsmGroupId ?? groups[0]?.id ?? "";
  const wrong =
    pem.trim() !== "" && !/-----BEGIN (RSA )?PUBLIC KEY-----[\s\S]+-----END (RSA )?PUBLIC KEY-----/.test(pem);
  const generate = async () => {
    const answer = await run(generation.mutateAsync({ hsmGroupId: chosen, rsaPublicKey: pem.trim() }));
    if (answer?.data?.rsaEncryptedASKey) {
      setMade(answer.data.rsaEncryptedASKey);
      onMade();
    }
  };
  const ask = () =>
    profile.hsmGroupId
      ? confirm(t("asKey.again"), t("asKey.againText"), t("asKey.generate"), () => void generate())
      : void generate();
  return (
    <Panel
      title={t("asKey.title")}
      right={
        profile.hsmGroupId && (
          <Badge variant="light" tt="none" leftSection={<IconKey size={12} />}>
            {profile.hsmGroupId}
          </Badge>
        )
      }
    >
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {t("asKey.text")}
        </Text>
        <Select
          label={t("device.hsm")}
          data={options(groups)}
          value={chosen || null}
          onChange={setGroup}
          allowDeselect={false}
        />
        <Textarea
          label={t("asKey.pem")}
          placeholder={"-----BEGIN PUBLIC KEY-----\n…\n-----END PUBLIC KEY-----"}
          autosize
          minRows={4}
          maxRows={10}
          value={pem}
          onChange={(event) => setPem(event.currentTarget.value)}
          error={wrong && t("asKey.wrong")}
          styles={{ input: { fontFamily: "monospace", fontSize: 12 } }}
        />
        <Button
          onClick={ask}
          loading={generation.isPending}
          disabled={!pem.trim() || wrong || !chosen}
          leftSection={<IconKey size={16} />}
        >
          {t("asKey.generate")}
        </Button>
        {made && <Once label={t("asKey.made")} value={made} />}
      </Stack>
    </Panel>
  );
}
