// Firmware of base stations: upload, signatures, orders and how far they have come.
import { Badge, Button, FileButton, Group, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { postOctets, type Schemas } from "../../api/client";
import { blocking, IfMayChange, Loading, Mono, Panel, Problem, Time } from "../../components/basics";
import { useConfirm, useTell } from "../../components/notify";
import { openDialog } from "../../components/dialogs";
import { withQuery } from "../../format";
import { useT } from "../../text";
import { useFirmware, useFleetUpdates, useOrderUpdates, useRemoveFirmware, useSignFirmware, useUpload } from "./api";
import { RowButton, RowRemoval } from "../../components/actions";
import { useSaving } from "../../components/saving";

type Stored = Schemas["FirmwareView"];
const states = ["confirmed", "fetched", "ordered", "failed"] as const;
const colours = { confirmed: "green", fetched: "yellow", ordered: "gray", failed: "red" } as const;

export function FirmwarePanel() {
  const t = useT();
  const found = useFirmware();
  if (blocking(found)) return <Problem error={found.error} />;
  if (!found.data) return <Loading rows={2} />;
  return (
    <Panel
      title={t("firmware.title")}
      right={
        <IfMayChange>
          <RowButton style={{ flexShrink: 0 }} onClick={() => openDialog(t("firmware.upload"), <UploadForm />)}>
            {t("firmware.upload")}
          </RowButton>
        </IfMayChange>
      }
    >
      <Stack gap="sm">
        {found.data.length === 0 && (
          <Text size="sm" c="dimmed">
            {t("firmware.empty")}
          </Text>
        )}
        {found.data.map((file) => (
          <OneFile key={file.ref} file={file} />
        ))}
      </Stack>
    </Panel>
  );
}

const nameOf = ({ model, version }: Stored) => `${model} ${version}`;

/** What the file is, how far its orders have come, and by whom it is signed. */
function About({ file, orders }: { file: Stored; orders: { state: string }[] }) {
  const t = useT();
  return (
    <div>
      <Group gap={8}>
        <Text size="sm" fw={600}>
          {nameOf(file)}
        </Text>
        {states.map((state) => {
          const count = orders.filter((update) => update.state === state).length;
          return (
            count > 0 && (
              <Badge key={state} variant="light" color={colours[state]}>
                {t(`updates.${state}`)}: {count}
              </Badge>
            )
          );
        })}
      </Group>
      <Text size="xs" c="dimmed">
        {t("firmware.size", { count: Math.ceil(file.size / 1024) })} · <Time at={file.createdAt} short /> ·{" "}
        {file.keys.length ? (
          <>
            {t("firmware.signedBy")} <Mono>{file.keys.join(" ")}</Mono>
          </>
        ) : (
          t("firmware.unsigned")
        )}
      </Text>
    </div>
  );
}

function OneFile({ file }: { file: Stored }) {
  const t = useT();
  const confirm = useConfirm();
  const { run } = useTell();
  const fleet = useFleetUpdates();
  const ordering = useOrderUpdates();
  const removing = useRemoveFirmware();
  const ofModel = fleet.data?.filter((one) => one.contact?.model === file.model).length ?? 0;
  const orders = fleet.data?.flatMap((one) => one.updates.filter((update) => update.firmware === file.ref)) ?? [];
  const name = nameOf(file);
  const order = () =>
    confirm(
      t("firmware.orderTitle", { name }),
      t("firmware.orderText", { count: ofModel }),
      t("firmware.order"),
      () => void run(ordering.mutateAsync({ firmware: file.ref }), t("updates.ordered.done")),
    );
  const remove = () =>
    confirm(
      t("firmware.removeTitle", { name }),
      t("firmware.removeText"),
      t("common.delete"),
      () => void run(removing.mutateAsync(file.ref), t("firmware.removed")),
    );
  return (
    <Group justify="space-between" gap={8}>
      <About file={file} orders={orders} />
      <IfMayChange>
        <Group gap={4}>
          {file.keys.length > 0 && (
            <RowButton disabled={ofModel === 0} aria-label={t("firmware.orderOf", { name })} onClick={order}>
              {t("firmware.order")}
            </RowButton>
          )}
          <RowButton
            aria-label={t("firmware.signOf", { name })}
            onClick={() => openDialog(t("firmware.signOf", { name }), <SignForm file={file} />)}
          >
            {t("firmware.sign")}
          </RowButton>
          <RowRemoval aria-label={`${t("common.delete")} ${name}`} onClick={remove}>
            {t("common.delete")}
          </RowRemoval>
        </Group>
      </IfMayChange>
    </Group>
  );
}

function UploadForm() {
  const t = useT();
  const [model, setModel] = useState("");
  const [version, setVersion] = useState("");
  const [file, setFile] = useState<File | null>(null);
  const upload = useUpload();
  const save = useSaving(Boolean(model || version || file));
  const send = async () => {
    if (!file) return;
    const path = withQuery("/api/v1/operator/firmware", { model: model.trim(), version: version.trim() });
    const sending = async () => {
      await postOctets(path, file);
      return upload();
    };
    await save<unknown>(sending(), t("firmware.uploaded"));
  };
  return (
    <Stack>
      <TextInput
        label={t("updates.model")}
        description={t("firmware.modelText")}
        placeholder="linux"
        value={model}
        onChange={(event) => setModel(event.currentTarget.value)}
        data-autofocus
        required
      />
      <TextInput
        label={t("firmware.version")}
        description={t("firmware.versionText")}
        placeholder="2.1.0"
        value={version}
        onChange={(event) => setVersion(event.currentTarget.value)}
        required
      />
      <Group gap="sm">
        <FileButton onChange={setFile}>
          {(button) => (
            <Button {...button} variant="default">
              {t("firmware.choose")}
            </Button>
          )}
        </FileButton>
        <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
          {file?.name ?? t("firmware.noFile")}
        </Text>
      </Group>
      <Button onClick={() => void send()} disabled={!model.trim() || !version.trim() || !file}>
        {t("firmware.upload")}
      </Button>
    </Stack>
  );
}

/** The signature as a file of openssl, or its base64. */
function SignForm({ file }: { file: Stored }) {
  const t = useT();
  const signing = useSignFirmware(file.ref);
  const [signature, setSignature] = useState("");
  const [publicKey, setKey] = useState("");
  const save = useSaving(Boolean(signature || publicKey));
  const take = async (given: File | null) => {
    if (!given) return;
    const octets = new Uint8Array(await given.slice(0, 1024).arrayBuffer());
    setSignature(btoa(String.fromCharCode(...octets)));
  };
  const sign = () => save(signing.mutateAsync({ signature, publicKey }), t("firmware.signed"));
  return (
    <Stack>
      <Text size="sm" c="dimmed">
        {t("firmware.signText")}
      </Text>
      <Mono>openssl dgst -sha512 -sign firmware.pem -out update.sig update.bin</Mono>
      <Textarea
        label={t("firmware.publicKey")}
        placeholder="-----BEGIN PUBLIC KEY-----"
        value={publicKey}
        onChange={(event) => setKey(event.currentTarget.value)}
        autosize
        minRows={3}
        required
      />
      <Textarea
        label={t("firmware.signature")}
        description={t("firmware.signatureText")}
        value={signature}
        onChange={(event) => setSignature(event.currentTarget.value)}
        autosize
        minRows={2}
        required
      />
      <FileButton onChange={(given) => void take(given)}>
        {(button) => (
          <Button {...button} variant="default" style={{ alignSelf: "flex-start" }}>
            {t("firmware.chooseSignature")}
          </Button>
        )}
      </FileButton>
      <Button onClick={() => void sign()} disabled={!signature.trim() || !publicKey.trim()} loading={signing.isPending}>
        {t("firmware.sign")}
      </Button>
    </Stack>
  );
}
