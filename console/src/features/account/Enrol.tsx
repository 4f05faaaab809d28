// Setting up a second factor: password, QR code, first code, recovery codes.
import { Alert, Box, Button, Code, Group, Stack, Text, TextInput } from "@mantine/core";
import { useState, type FormEvent } from "react";
import { api, type Schemas } from "../../api/client";
import { useUnsaved } from "../../components/edits";
import { PasswordField } from "../../components/PasswordField";
import { messageOf } from "../../components/problem";
import { useT } from "../../text";
import { Wrong } from "./form";

/** Codes that are shown this once. */
export function RecoveryCodes({ codes, onDone }: { codes: string[]; onDone: () => void }) {
  const t = useT();
  return (
    <Stack>
      <Alert color="yellow" variant="light" title={t("factor.recovery")}>
        {t("factor.recoveryText")}
      </Alert>
      <Code block data-testid="recovery">
        {codes.join("\n")}
      </Code>
      <Group>
        <Button variant="default" onClick={() => void navigator.clipboard.writeText(codes.join("\n"))}>
          {t("common.copy")}
        </Button>
        <Button onClick={onDone}>{t("factor.kept")}</Button>
      </Group>
    </Stack>
  );
}

/** One's own password, before the ways to sign in are changed. */
export function OwnPassword({ value, onChange }: { value: string; onChange: (password: string) => void }) {
  const t = useT();
  return (
    <PasswordField
      label={t("account.current")}
      description={t("factor.passwordText")}
      value={value}
      onChange={onChange}
      autoComplete="current-password"
      name="password"
      data-autofocus
    />
  );
}

export function Enrol({ onDone }: { onDone: () => void }) {
  const t = useT();
  const [password, setPassword] = useState("");
  const [made, setMade] = useState<Schemas["Enrolment"] | null>(null);
  const [code, setCode] = useState("");
  const [codes, setCodes] = useState<string[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  useUnsaved((password !== "" || code !== "") && codes === null);
  const attempt = (work: () => Promise<void>) => (event: FormEvent) => {
    event.preventDefault();
    setProblem(null);
    work().catch((error: unknown) => setProblem(messageOf(error, t)));
  };
  const begin = attempt(async () => {
    const { data } = await api.POST("/api/v1/secondFactor/enrolment", { body: { password } });
    setMade(data ?? null);
  });
  const confirm = attempt(async () => {
    const { data } = await api.PUT("/api/v1/secondFactor", { body: { code } });
    setCodes(data?.recoveryCodes ?? []);
  });
  if (codes) return <RecoveryCodes codes={codes} onDone={onDone} />;
  if (!made)
    return (
      <form onSubmit={begin}>
        <Stack>
          <Text size="sm">{t("factor.beginText")}</Text>
          <Wrong text={problem} />
          <OwnPassword value={password} onChange={setPassword} />
          <Button type="submit">{t("factor.begin")}</Button>
        </Stack>
      </form>
    );
  return (
    <form onSubmit={confirm}>
      <FirstCode made={made} problem={problem} code={code} setCode={setCode} />
    </form>
  );
}

interface CodeProps {
  made: Schemas["Enrolment"];
  problem: string | null;
  code: string;
  setCode: (code: string) => void;
}

/** What the app is to scan, and the first code it shows. */
function FirstCode({ made, problem, code, setCode }: CodeProps) {
  const t = useT();
  return (
    <Stack>
      <Text size="sm">{t("factor.scan")}</Text>
      <Box ta="center">
        <img src={made.qr} alt={t("factor.qr")} width={230} height={230} style={{ borderRadius: 8 }} />
      </Box>
      <Text size="xs" c="dimmed" style={{ overflowWrap: "anywhere" }}>
        {t("factor.secret")} <Code data-testid="secret">{made.secret}</Code>
      </Text>
      <Wrong text={problem} />
      <TextInput
        label={t("factor.first")}
        value={code}
        onChange={(event) => setCode(event.currentTarget.value)}
        autoComplete="one-time-code"
        inputMode="numeric"
        name="code"
        maxLength={10}
        required
      />
      <Button type="submit" disabled={code.trim().length < 6}>
        {t("factor.confirm")}
      </Button>
    </Stack>
  );
}
