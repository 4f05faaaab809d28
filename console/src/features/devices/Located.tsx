// What the network knows of where a device is: how it found out, how sure that is, and why there is nothing new.
import { Alert, Stack } from "@mantine/core";
import { Facts, Time } from "../../components/basics";
import { number } from "../../format";
import { useT } from "../../text";
import type { Locations } from "./located";

export function Located({ found }: { found: Locations }) {
  const t = useT();
  const last = found.locations[0];
  if (!found.allowed && !last) return null;
  return (
    <Stack gap="sm" mt="md" data-testid="located">
      {found.problem && (
        <Alert color="orange" title={t("location.problem")}>
          {t(`location.reason.${found.problem.reason}`)} {t("location.since")} <Time at={found.problem.since} short />
        </Alert>
      )}
      {last && (
        <Facts
          items={[
            [t("location.network"), `${last.lat.toFixed(5)}, ${last.lon.toFixed(5)}`],
            [t("location.accuracy"), `± ${number(Math.round(last.hRadius), "m")}`],
            [t("location.method"), t(`location.method.${last.method}`)],
            [t("location.time"), <Time key="t" at={last.time} />],
            [t("location.stations"), number(last.baseStations)],
            [t("location.speed"), number(Math.round(last.velocity.speed * 10) / 10, "m/s")],
            ...found.methods.map((each): [string, string] => [
              each.method,
              t("location.counted", { count: each.count, radius: number(Math.round(each.medianRadius), "m") }),
            ]),
          ]}
        />
      )}
      {!last && !found.problem && t("location.none")}
    </Stack>
  );
}
