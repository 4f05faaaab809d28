// Codes on devices, by camera and by paste. A hand-held scanner types, so it works like a paste.
import { Alert, Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { IconCamera, IconCameraOff } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { useUnsaved } from "../../components/edits";
import { later } from "../../components/lazy";
import { useT } from "../../text";
import { helpFirst } from "../../theme";

type Detect = (video: HTMLVideoElement) => Promise<string | null>;

interface Detector {
  detect: (source: HTMLVideoElement) => Promise<{ rawValue: string }[]>;
}

interface DetectorKind {
  new (options: { formats: string[] }): Detector;
  getSupportedFormats: () => Promise<string[]>;
}

/** Reads with what the browser has, or else with a library that is loaded now. */
async function detection(): Promise<Detect> {
  const kind = (window as { BarcodeDetector?: DetectorKind }).BarcodeDetector;
  if (kind && (await kind.getSupportedFormats().catch((): string[] => [])).includes("qr_code")) {
    const detector = new kind({ formats: ["qr_code"] });
    return async (video) => (await detector.detect(video))[0]?.rawValue ?? null;
  }
  const { decodeQR } = await later(() => import("qr/decode.js"));
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return (video) => {
    // Half of a large picture is enough to find a code in.
    const scale = Math.min(1, 800 / Math.max(video.videoWidth, 1));
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    if (!context || !canvas.width || !canvas.height) return Promise.resolve(null);
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
    try {
      return Promise.resolve(decodeQR({ data, width, height }));
    } catch {
      // There is no code in the picture.
      return Promise.resolve(null);
    }
  };
}

function Camera({ onCode, onFailed }: { onCode: (text: string) => void; onFailed: (error: unknown) => void }) {
  const t = useT();
  const video = useRef<HTMLVideoElement>(null);
  const told = useRef({ onCode, onFailed });
  useEffect(() => {
    told.current = { onCode, onFailed };
  });
  useEffect(() => {
    const ended = new AbortController();
    let stream: MediaStream | null = null;
    let timer: ReturnType<typeof setTimeout>;
    let last = "";
    const start = async () => {
      // A camera that nothing reads is not switched on.
      const detect = await detection();
      const opened = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: "environment", width: { ideal: 1280 } },
      });
      stream = opened;
      const element = video.current;
      if (ended.signal.aborted || !element) return stop();
      element.srcObject = opened;
      await element.play();
      const look = async () => {
        const text = await detect(element).catch(() => null);
        if (ended.signal.aborted) return;
        // The same code stays before the camera for a while.
        if (text && text !== last) told.current.onCode(text);
        if (text) last = text;
        timer = setTimeout(() => void look(), 150);
      };
      await look();
    };
    const stop = () => stream?.getTracks().forEach((track) => track.stop());
    start().catch((error: unknown) => {
      stop();
      if (!ended.signal.aborted) told.current.onFailed(error);
    });
    return () => {
      ended.abort();
      clearTimeout(timer);
      stop();
    };
  }, []);
  return (
    <video
      ref={video}
      muted
      playsInline
      aria-label={t("scan.picture")}
      style={{ width: "100%", maxHeight: 320, borderRadius: 8, background: "#000", objectFit: "cover" }}
    />
  );
}

const denied = (error: unknown) => error instanceof DOMException && error.name === "NotAllowedError";

/** Codes without a camera, or of a scanner that types. */
function Paste({ onCode }: { onCode: (text: string) => void }) {
  const t = useT();
  const [text, setText] = useState("");
  useUnsaved(text !== "");
  const read = () => {
    const given = text.trim();
    if (!given) return;
    setText("");
    onCode(given);
  };
  return (
    <Group align="flex-end" wrap="nowrap">
      <TextInput
        label={t("scan.paste")}
        description={t("scan.pasteText")}
        inputWrapperOrder={helpFirst}
        placeholder="LW:D0:70B3D5E75E000001:70B3D5E75E00A1F2:002A0001"
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter") return;
          event.preventDefault();
          read();
        }}
        maxLength={600}
        autoComplete="off"
        style={{ flex: 1 }}
        styles={{ input: { fontFamily: "monospace" } }}
      />
      <Button variant="default" onClick={read} disabled={!text.trim()}>
        {t("scan.read")}
      </Button>
    </Group>
  );
}

/** Calls `onCode` for each code. */
export function Scanner({ onCode, problem }: { onCode: (text: string) => void; problem?: string | null }) {
  const t = useT();
  const [on, setOn] = useState(false);
  const [failed, setFailed] = useState("");
  const camera = "mediaDevices" in navigator;
  return (
    <Stack>
      {on && (
        <Camera
          onCode={onCode}
          onFailed={(error) => {
            setOn(false);
            setFailed(t(denied(error) ? "scan.denied" : "scan.noCamera"));
          }}
        />
      )}
      <Group>
        <Button
          variant="default"
          leftSection={on ? <IconCameraOff size={16} /> : <IconCamera size={16} />}
          disabled={!camera}
          onClick={() => {
            setFailed("");
            setOn(!on);
          }}
        >
          {t(on ? "scan.stop" : "scan.start")}
        </Button>
      </Group>
      {!camera && (
        <Text size="sm" c="dimmed">
          {t("scan.insecure")}
        </Text>
      )}
      {failed && <Alert color="orange">{failed}</Alert>}
      <Paste onCode={onCode} />
      {problem && (
        <Alert color="red" role="alert">
          {problem}
        </Alert>
      )}
    </Stack>
  );
}
