import { ActionIcon, Box, Group, Menu, Tooltip, useComputedColorScheme } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { BarChart, LineChart, ScatterChart } from "echarts/charts";
import { DataZoomComponent, GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import * as echarts from "echarts/core";
import type { EChartsCoreOption } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import dutch from "echarts/i18n/langNL-obj.js";
import { useEffect, useRef } from "react";
import { save, saveLink } from "../download";
import { exact, localTime } from "../format";
import { useT, useTexts } from "../text";
import { chartTable } from "./chartTable";

echarts.use([
  BarChart,
  LineChart,
  ScatterChart,
  GridComponent,
  LegendComponent,
  TooltipComponent,
  DataZoomComponent,
  CanvasRenderer,
]);

// Names of months and days on axes of time; English ones come with the library.
echarts.registerLocale("NL", dutch);

export interface ChartProps {
  label: string;
  option: EChartsCoreOption;
  height?: number;
  onPick?: (index: number, series: string) => void;
  save?: boolean;
  /** Charts of one group have a common crosshair and zoom. */
  group?: string;
}

const palette = ["#2b9160", "#1c7ed6", "#f08c00", "#ae3ec9", "#e03131", "#0c8599", "#868e96"];

/** The moment that the crosshair is at, above what the curves say there. */
const moment = {
  label: { formatter: ({ value }: { value: unknown }) => localTime(new Date(Number(value)).toISOString()) },
};

/** An option of ours with the looks that all charts share. */
function styled(option: EChartsCoreOption, dark: boolean, saved: boolean): EChartsCoreOption {
  const ink = dark ? "#c9c9c9" : "#495057";
  const line = dark ? "#3b3b3b" : "#e9ecef";
  const axis = {
    axisLine: { lineStyle: { color: line } },
    axisLabel: { color: ink, hideOverlap: true },
    splitLine: { lineStyle: { color: line } },
    nameTextStyle: { color: ink },
  };
  const styledAxis = (given: object) => ({
    ...axis,
    ...given,
    ...("type" in given && given.type === "time" ? { axisPointer: moment } : {}),
    // A range that was asked for is not made wider for the bars in it, of which a single one would be days wide.
    ...("min" in given && "max" in given ? { containShape: false } : {}),
    // Times are written by the chart itself.
    ...("type" in given && given.type === "value" ? { axisLabel: { color: ink, formatter: exact } } : {}),
  });
  const style = (given: unknown) =>
    Array.isArray(given) ? given.map((one: object) => styledAxis(one)) : styledAxis(given ?? {});
  return {
    backgroundColor: "transparent",
    color: palette,
    animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    animationDuration: 300,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    grid: { left: 8, right: 16, top: 36, bottom: 8, containLabel: true },
    tooltip: {
      trigger: "axis",
      confine: true,
      valueFormatter: (value: unknown) => (value === null || value === undefined ? "–" : exact(value)),
      backgroundColor: dark ? "#25262b" : "#fff",
      borderColor: line,
      textStyle: { color: dark ? "#e9ecef" : "#212529" },
    },
    ...option,
    // One line, which is paged through where it is longer than a phone is wide.
    legend: {
      type: "scroll",
      top: 0,
      left: 0,
      // Beside the button that saves it.
      padding: [5, saved ? 33 : 5, 5, 5],
      pageIconColor: ink,
      pageIconInactiveColor: line,
      pageIconSize: 11,
      pageTextStyle: { color: ink },
      icon: "roundRect",
      itemWidth: 12,
      itemHeight: 12,
      textStyle: { color: ink },
      ...(option.legend as object),
    },
    xAxis: style(option.xAxis),
    yAxis: style(option.yAxis),
  };
}

export default function ChartCanvas({ label, option, height = 240, onPick, save: saved = false, group }: ChartProps) {
  const { language } = useTexts();
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<echarts.ECharts | null>(null);
  const scheme = useComputedColorScheme("light");
  useEffect(() => {
    if (!place.current) return;
    const dark = scheme === "dark";
    chart.current = echarts.init(place.current, dark ? "dark" : undefined, { locale: language.toUpperCase() });
    chart.current.setOption(styled(option, dark, saved));
    if (group) {
      chart.current.group = group;
      echarts.connect(group);
    }
    const resize = new ResizeObserver(() => chart.current?.resize());
    resize.observe(place.current);
    return () => {
      resize.disconnect();
      chart.current?.dispose();
      chart.current = null;
    };
  }, [option, scheme, group, language, saved]);
  useEffect(() => {
    const current = chart.current;
    if (!current || !onPick) return;
    const pick = (event: echarts.ECElementEvent) => onPick(event.dataIndex, event.seriesName ?? "");
    current.on("click", pick);
    return () => void current.off("click", pick);
  }, [onPick, option, scheme]);
  return (
    <Box pos="relative">
      <div ref={place} role="img" aria-label={label} style={{ height, width: "100%" }} />
      {saved && <Saving label={label} option={option} picture={() => pictureOf(chart.current, scheme)} />}
    </Box>
  );
}

function pictureOf(chart: echarts.ECharts | null, scheme: string): string | undefined {
  return chart?.getDataURL({ pixelRatio: 2, backgroundColor: scheme === "dark" ? "#1a1b1e" : "#ffffff" });
}

interface SavingProps {
  label: string;
  option: EChartsCoreOption;
  picture: () => string | undefined;
}

function Saving({ label, option, picture }: SavingProps) {
  const t = useT();
  const keep = () => {
    const url = picture();
    if (url) saveLink(`${label}.png`, url);
  };
  return (
    <Group pos="absolute" top={0} right={0}>
      <Menu withArrow position="bottom-end">
        <Menu.Target>
          <Tooltip label={t("chart.save")}>
            <ActionIcon variant="subtle" color="gray" size="sm" aria-label={t("chart.save")}>
              <IconDownload size={16} />
            </ActionIcon>
          </Tooltip>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={keep}>{t("chart.picture")}</Menu.Item>
          <Menu.Item onClick={() => save(`${label}.csv`, chartTable(option, t("common.time")))}>
            {t("chart.table")}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}
