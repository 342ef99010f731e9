// The chart of one daily series. A chunk of its own: it is the only place that loads ECharts, and of it only what is used here.
// The Content-Security-Policy allows no inline style in markup, so the tooltip is built of nodes; see docs/traps.md.
import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import { init, use, type ECharts } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { axisDay, axisMonth, axisNumber, day, exact, signedExact } from "../format.ts";
import { axisTicks, dailyChanges, lines, type ChartPoint, type MetricOf, type Point } from "../series.ts";
import { useTheme } from "../theme.ts";

use([BarChart, LineChart, GridComponent, TooltipComponent, CanvasRenderer]);

export interface ChartProps<P extends Point> {
  points: readonly P[];
  metric: MetricOf<P>;
  name: string;
  mode: "total" | "daily";
  /** Says in words what the picture shows. */
  description: string;
}

/** What is told of one day, on hover and to screen readers. */
interface Told {
  date: string;
  figure: string;
  more: string;
}

function tellTotal<P extends Point>(points: readonly P[], metric: MetricOf<P>): Told[] {
  return points.map((point, i) => {
    const value = point[metric] as number | null;
    const before = points[i - 1]?.[metric] as number | null | undefined;
    const change = !point.gap && value !== null && typeof before === "number" ? `${signedExact(value - before)} since the day before` : "";
    return { date: point.date, figure: exact(value), more: point.gap ? "not observed: the last known value" : change };
  });
}

function tellDaily<P extends Point>(points: readonly P[], metric: MetricOf<P>): Told[] {
  return dailyChanges(points, metric).map(({ date, value, shared }) => ({
    date,
    figure: value === null ? "not known" : signedExact(Math.round(value)),
    more: shared ? "mean of days not observed one by one" : "",
  }));
}

function tooltipNode(told: Told, name: string): HTMLElement {
  const node = document.createElement("div");
  node.className = "chart-tip";
  for (const [tag, text] of [["span", day(told.date)], ["strong", `${told.figure} ${name.toLowerCase()}`], ["span", told.more]] as const) {
    if (!text) continue;
    const line = document.createElement(tag);
    line.textContent = text;
    node.append(line);
  }
  return node;
}

const PADDING = 0.06;
const LABEL_PX = 66;
const MANY_POINTS = 45;

// ECharts reads a bare date as local time; as milliseconds, with useUTC, days stay days in every zone.
const msOf = (date: string) => Date.parse(`${date}T00:00:00Z`);
const timed = (data: readonly ChartPoint[]) => data.map(([date, value]) => [msOf(date), value] as [number, number | null]);
const isoOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);

export default function Chart<P extends Point>({ points, metric, name, mode, description }: ChartProps<P>) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<ECharts | null>(null);
  const [spoken, setSpoken] = useState("");
  const at = useRef(-1);
  const theme = useTheme();
  const [width, setWidth] = useState(0);
  const labels = Math.max(2, Math.floor((width - 60) / LABEL_PX));
  const told = mode === "total" ? tellTotal(points, metric) : tellDaily(points, metric);

  useEffect(() => {
    const node = box.current;
    if (!node) return;
    const drawn = init(node, null, { renderer: "canvas" });
    chart.current = drawn;
    setWidth(node.clientWidth);
    const observer = new ResizeObserver(() => {
      drawn.resize();
      setWidth(node.clientWidth);
    });
    observer.observe(node);
    return () => {
      observer.disconnect();
      drawn.dispose();
      chart.current = null;
    };
  }, []);

  useEffect(() => {
    const drawn = chart.current;
    if (!drawn || width === 0) return;
    const style = getComputedStyle(document.documentElement);
    const colour = (token: string) => style.getPropertyValue(token).trim();
    const font = { fontFamily: style.getPropertyValue("--font").trim(), fontSize: 12, color: colour("--muted") };
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const toldOf = new Map(told.map((entry) => [msOf(entry.date), entry]));
    const { solid, dashed } = lines(points, metric);
    const accent = colour("--accent");
    const [first, last] = [points[0], points.at(-1)];
    const ticks = first && last ? axisTicks(first.date, last.date, labels) : { dates: [], unit: "day" };
    const isMany = solid.length > MANY_POINTS;
    // A point between two gaps has no line to lie on, so it is always marked.
    const isAlone = (i: number) => (solid[i - 1]?.[1] ?? null) === null && (solid[i + 1]?.[1] ?? null) === null;
    const total = [
      {
        type: "line" as const,
        id: "observed",
        data: timed(solid),
        showAllSymbol: true,
        symbol: "circle",
        symbolSize: (_: unknown, { dataIndex }: { dataIndex: number }) => (isMany && !isAlone(dataIndex) ? 0 : 5),
        lineStyle: { width: 2.25, color: accent },
        itemStyle: { color: accent },
        areaStyle: {
          color: { type: "linear" as const, x: 0, y: 0, x2: 0, y2: 1, colorStops: [{ offset: 0, color: colour("--chart-fill") }, { offset: 1, color: colour("--chart-fill-end") }] },
        },
        emphasis: { disabled: true },
      },
      { type: "line" as const, id: "bridges", data: timed(dashed), showSymbol: false, silent: true, lineStyle: { width: 1.75, type: [5, 5] as [number, number], color: colour("--chart-bridge") }, emphasis: { disabled: true } },
    ];
    const daily = [
      {
        type: "bar" as const,
        id: "daily",
        barMaxWidth: 22,
        barCategoryGap: "22%",
        data: dailyChanges(points, metric).map(({ date, value, shared }) => ({
          value: [msOf(date), value] as [number, number | null],
          itemStyle: { color: shared ? colour("--chart-bridge") : value !== null && value < 0 ? colour("--down") : accent, borderRadius: 2, opacity: shared ? 0.55 : 1 },
        })),
        emphasis: { disabled: true },
      },
    ];
    drawn.setOption(
      {
        animation: !still,
        animationDuration: 350,
        animationDurationUpdate: 200,
        useUTC: true,
        textStyle: font,
        grid: { left: 4, right: 12, top: 14, bottom: 4, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
        xAxis: {
          type: "time",
          axisLine: { lineStyle: { color: colour("--line") } },
          axisTick: { show: false },
          axisLabel: { ...font, hideOverlap: true, margin: 12, customValues: ticks.dates.map(msOf), formatter: (ms: number) => (ticks.unit === "month" ? axisMonth : axisDay)(isoOf(ms)) },
          splitLine: { show: false },
        },
        yAxis: {
          type: "value",
          scale: mode === "total",
          // Growth is what the chart is for, so the axis need not begin at zero; it never goes below it for counts.
          min: mode === "total" ? ({ min, max }: { min: number; max: number }) => Math.max(0, min - (max - min || max || 1) * PADDING) : undefined,
          max: mode === "total" ? ({ min, max }: { min: number; max: number }) => max + (max - min || max || 1) * PADDING : undefined,
          axisLabel: { ...font, showMinLabel: mode === "daily", showMaxLabel: mode === "daily", formatter: axisNumber },
          splitLine: { showMinLine: false, showMaxLine: false, lineStyle: { color: colour("--chart-grid") } },
          splitNumber: 4,
          minInterval: 1,
        },
        tooltip: {
          trigger: "axis",
          confine: true,
          transitionDuration: still ? 0 : 0.12,
          backgroundColor: colour("--surface"),
          borderColor: colour("--line"),
          padding: 0,
          axisPointer: { type: "line", lineStyle: { color: colour("--muted"), type: [3, 3] } },
          formatter: (hovered: unknown) => {
            const first = (Array.isArray(hovered) ? hovered[0] : hovered) as { value?: [number, number | null] } | undefined;
            const entry = first?.value ? toldOf.get(first.value[0]) : undefined;
            return entry ? tooltipNode(entry, name) : "";
          },
        },
        series: mode === "total" ? total : daily,
      },
      { notMerge: true },
    );
    // The font may come after the first drawing; canvas text does not follow by itself.
    void document.fonts.ready.then(() => {
      if (chart.current === drawn) drawn.resize();
    });
    at.current = -1;
    setSpoken("");
    // `told` follows from the rest.
  }, [points, metric, name, mode, theme, labels, width === 0]);

  const onKeyDown = (event: KeyboardEvent) => {
    const last = told.length - 1;
    const moves: Record<string, number> = { ArrowLeft: at.current < 0 ? last : at.current - 1, ArrowRight: at.current < 0 ? 0 : at.current + 1, Home: 0, End: last };
    const to = moves[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    at.current = Math.min(last, Math.max(0, to));
    const entry = told[at.current];
    if (!entry) return;
    const data = mode === "total" ? lines(points, metric).solid : told.map(({ date }) => [date, null] as const);
    chart.current?.dispatchAction({ type: "showTip", seriesIndex: 0, dataIndex: data.findIndex(([date]) => date === entry.date) });
    setSpoken(`${day(entry.date)}: ${entry.figure} ${name.toLowerCase()}${entry.more ? `, ${entry.more}` : ""}`);
  };

  return (
    <>
      <div
        ref={box}
        className="chart"
        role="img"
        aria-label={`${description} Arrow keys go from day to day; the table has all values.`}
        tabIndex={0}
        onKeyDown={onKeyDown}
        onBlur={() => chart.current?.dispatchAction({ type: "hideTip" })}
      />
      <p className="visually-hidden" role="status">
        {spoken}
      </p>
    </>
  );
}
