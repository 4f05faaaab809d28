import { Grid, Stack } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { refresh } from "../../api/changes";
import type { Schemas } from "../../api/client";
import { IfMayChange, Panel } from "../../components/basics";
import { useConfirm, useTell } from "../../components/notify";
import { useFilters } from "../../navigation";
import { useT } from "../../text";
import { useDownlinks, useFlushDownlinks, useLiveDownlinks } from "../downlinks/api";
import { DownlinkTable } from "../downlinks/DownlinkTable";
import { Follow } from "../downlinks/Follow";
import { merged } from "../downlinks/model";
import { Send } from "../downlinks/Send";
import { RowRemoval } from "../../components/actions";

export function DeviceDownlinks({ device }: { device: Schemas["Device"] }) {
  const t = useT();
  const queries = useQueryClient();
  const ref = device.ref ?? "";
  const [filters, setFilters] = useFilters("/devices/$ref");
  const { changes } = useLiveDownlinks(ref, () => refresh(queries, ["/api/v1/downlinks"]));
  const waiting = useDownlinks({ deviceRef: ref, status: ["queued"] }, null, 1);
  const queued = merged(waiting.data?.downlinks ?? [], changes, (one) => one.status === "queued");
  return (
    <Grid>
      <Grid.Col span={{ base: 12, lg: 4 }}>
        <Stack>
          {filters.downlink && (
            <Follow
              id={filters.downlink}
              changes={changes}
              deviceClass={device.deviceClass}
              onClose={() => setFilters({ downlink: undefined })}
            />
          )}
          <IfMayChange>
            <Send device={device} onQueued={(downlink) => setFilters({ downlink })} />
          </IfMayChange>
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 8 }} style={{ minWidth: 0 }}>
        <Panel title={t("downlinks.list")} right={queued.length > 0 && <Flush deviceRef={ref} />}>
          <DownlinkTable
            wanted={{ deviceRef: ref }}
            changes={changes}
            onOpen={(downlink) => setFilters({ downlink })}
          />
        </Panel>
      </Grid.Col>
    </Grid>
  );
}

function Flush({ deviceRef }: { deviceRef: string }) {
  const t = useT();
  const confirm = useConfirm();
  const { run } = useTell();
  const flushing = useFlushDownlinks(deviceRef);
  const flush = () =>
    confirm(
      t("downlinks.flushTitle"),
      t("downlinks.flushText"),
      t("downlinks.flush"),
      () => void run(flushing.mutateAsync(), t("downlinks.flushed")),
    );
  return (
    <IfMayChange>
      <RowRemoval leftSection={<IconTrash size={14} />} onClick={flush}>
        {t("downlinks.flush")}
      </RowRemoval>
    </IfMayChange>
  );
}
