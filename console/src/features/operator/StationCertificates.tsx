// Certificates by which a base station proves who it is: of the internal authority.
import { Badge, Group, Text } from "@mantine/core";
import { IconCertificate } from "@tabler/icons-react";
import type { Schemas } from "../../api/client";
import { Mono, Once, Time } from "../../components/basics";
import { useT } from "../../text";
import { useIssueStationCertificate, useRevokeStationCertificate, useStationCertificates } from "./api";
import { Credentials, Revocation, useCredentials } from "./Credentials";

const SOON = 30 * 86_400_000;

export function StationCertificates({ station }: { station: Schemas["StationView"] }) {
  const t = useT();
  const found = useStationCertificates(station.id);
  const issuing = useIssueStationCertificate(station.id);
  const revoking = useRevokeStationCertificate(station.id);
  const { issued, issue, revoke } = useCredentials<Schemas["IssuedCertificate"]>({
    issue: () => issuing.mutateAsync(),
    revoke: (ref) => revoking.mutateAsync(ref),
    hides: () => true,
    question: "certificates.revokeTitle",
    revoked: "certificates.revoked",
  });
  const good = (found.data ?? []).filter((one) => one.revokedAt === null);
  return (
    <Credentials
      title={t("certificates.title")}
      icon={IconCertificate}
      issue={{ label: t("certificates.issue"), pending: issuing.isPending, act: issue }}
      issued={
        issued && (
          <>
            <Once label={t("certificates.certificate")} value={issued.certificate} />
            <Once label={t("certificates.key")} value={issued.privateKey} />
            <Once label={t("certificates.trust")} value={issued.trust} />
          </>
        )
      }
      none={t("certificates.none")}
    >
      {good.map((one) => (
        <Group key={one.ref} justify="space-between" gap={8} wrap="nowrap" align="flex-start">
          <div>
            <Text size="xs" style={{ overflowWrap: "anywhere" }}>
              <Mono>{one.serial}</Mono>
            </Text>
            <Group gap={8}>
              <Text size="sm">
                {t("certificates.expires")} <Time at={one.expiresAt} short />
              </Text>
              <Expiry at={one.expiresAt} />
            </Group>
          </div>
          <Revocation label={t("certificates.revokeOf", { serial: one.serial })} onRevoke={() => revoke(one.ref)} />
        </Group>
      ))}
    </Credentials>
  );
}

function Expiry({ at }: { at: string }) {
  const t = useT();
  const left = Date.parse(at) - Date.now();
  if (left > SOON) return null;
  return (
    <Badge variant="light" color={left > 0 ? "orange" : "red"}>
      {t(left > 0 ? "certificates.soon" : "certificates.expired")}
    </Badge>
  );
}
