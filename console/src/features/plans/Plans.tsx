import { Badge, Group, Progress, SimpleGrid } from "@mantine/core";
import { IconListDetails } from "@tabler/icons-react";
import { $api } from "../../api/queries";
import { Empty, Facts, Loading, Mono, PageTitle, Panel, Problem, blocking } from "../../components/basics";
import { number } from "../../format";
import { useT, type Key } from "../../text";
import { TextLink } from "../../components/links";

export function Plans() {
  const t = useT();
  const found = $api.useQuery("get", "/data/lora/thingpark/connectivityPlans");
  if (blocking(found)) return <Problem error={found.error} retry={() => void found.refetch()} />;
  return (
    <>
      <PageTitle title={t("nav.plans")} below={t("plans.below")} />
      {!found.data ? (
        <Loading />
      ) : !found.data.length ? (
        <Empty icon={IconListDetails} title={t("plans.none")} text={t("plans.noneText")} />
      ) : (
        <SimpleGrid cols={{ base: 1, md: 2, xl: 3 }}>
          {found.data.map((plan) => {
            const share = plan.grantedConnections ? (100 * plan.usedConnections) / plan.grantedConnections : 100;
            return (
              <Panel
                key={plan.ref}
                title={plan.name}
                right={<Badge variant="light">{t(`plans.${plan.communicationType}` as Key)}</Badge>}
              >
                <Facts
                  items={[
                    ["ID", <Mono key="i">{plan.id}</Mono>],
                    [t("plans.granted"), number(plan.grantedConnections)],
                    [t("plans.used"), number(plan.usedConnections)],
                    [t("plans.leftLabel"), number(plan.grantedConnections - plan.usedConnections)],
                  ]}
                />
                <Progress
                  value={share}
                  mt="sm"
                  color={share >= 100 ? "red" : share > 90 ? "orange" : "veld"}
                  aria-label={t("plans.used")}
                />
                <Group justify="flex-end" mt="xs">
                  <TextLink to="/devices" search={{ connectivityPlanId: plan.id }} size="sm">
                    {t("plans.devices")}
                  </TextLink>
                </Group>
              </Panel>
            );
          })}
        </SimpleGrid>
      )}
    </>
  );
}
