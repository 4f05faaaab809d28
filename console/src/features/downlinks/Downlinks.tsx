// The downlinks of all devices, live.
import { Badge, Grid, Group, MultiSelect } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { refresh } from "../../api/changes";
import { PageTitle } from "../../components/basics";
import { DevicePicker } from "../../components/DevicePicker";
import { useFilters } from "../../navigation";
import { useT } from "../../text";
import { useLiveDownlinks } from "./api";
import { DownlinkTable } from "./DownlinkTable";
import { Follow } from "./Follow";
import { statuses, type Status } from "./model";

/** `path` is that of subscribers, or that of operators, who look at the downlinks of all of theirs. */
function Page({ path }: { path: "/downlinks" | "/operator/downlinks" }) {
  const t = useT();
  const queries = useQueryClient();
  const [filters, setFilters] = useFilters(path);
  const { changes, live } = useLiveDownlinks(filters.device, () => refresh(queries, ["/api/v1/downlinks"]));
  const chosen = (filters.status ?? "").split(",");
  const status = statuses.filter((one): one is Status => chosen.includes(one));
  const looking = path === "/operator/downlinks";
  return (
    <>
      <PageTitle title={t("downlinks.title")} below={t(looking ? "downlinks.belowAll" : "downlinks.below")}>
        <Badge variant="dot" color={live ? "veld" : "gray"} tt="none" role="status">
          {t(live ? "downlinks.live" : "downlinks.connecting")}
        </Badge>
      </PageTitle>
      <Group mb="sm" align="flex-start">
        <MultiSelect
          aria-label={t("downlinks.status")}
          placeholder={status.length ? undefined : t("downlinks.anyStatus")}
          clearable
          w={{ base: "100%", sm: 320 }}
          value={status}
          onChange={(value) => setFilters({ status: value.join(",") || undefined })}
          data={statuses.map((value) => ({ value, label: t(`downlinks.status.${value}`) }))}
        />
        {!looking && (
          <DevicePicker
            value={filters.device ?? null}
            onChange={(device) => setFilters({ device: device ?? undefined })}
          />
        )}
      </Group>
      <Grid>
        {filters.downlink && (
          <Grid.Col span={{ base: 12, lg: 4 }} order={{ base: 1, lg: 2 }}>
            <Follow id={filters.downlink} changes={changes} onClose={() => setFilters({ downlink: undefined })} />
          </Grid.Col>
        )}
        <Grid.Col span={{ base: 12, lg: "auto" }} order={{ base: 2, lg: 1 }} style={{ minWidth: 0 }}>
          <DownlinkTable
            key={`${filters.status} ${filters.device}`}
            wanted={{ deviceRef: filters.device, status }}
            changes={changes}
            looking={looking}
            onOpen={(downlink) => setFilters({ downlink })}
          />
        </Grid.Col>
      </Grid>
    </>
  );
}

export function Downlinks() {
  return <Page path="/downlinks" />;
}

export function NetworkDownlinks() {
  return <Page path="/operator/downlinks" />;
}
