// A series with its choices: which metric, how far back, totals or daily change, picture or table. All of them are in the URL.
import { Component, lazy, Suspense, type ReactNode } from "react";
import { useSearchParams } from "react-router";
import type { Answer } from "../api/use_api.ts";
import { counted, day, exact, signedExact } from "../format.ts";
import { dailyChanges, inRange, type MetricOf, type Point, type Range, summarise, usefulRanges } from "../series.ts";
import { paramsNow, readChart, writeChart } from "../url_state.ts";
import type { ChartProps } from "./chart.tsx";
import { Segments } from "./controls.tsx";
import { ChartIcon, TableIcon } from "./icons.tsx";
import { Trouble } from "./states.tsx";

const Chart = lazy(() => import("./chart.tsx")) as unknown as <P extends Point>(props: ChartProps<P>) => ReactNode;

const RANGE_TEXTS: Record<Range, { text: string; label: string }> = {
  "7": { text: "7D", label: "Last 7 days" },
  "30": { text: "30D", label: "Last 30 days" },
  "90": { text: "90D", label: "Last 90 days" },
  "365": { text: "1Y", label: "Last year" },
  all: { text: "All", label: "Everything" },
};

interface Props<P extends Point> {
  title: string;
  answer: Answer<P[]>;
  metrics: readonly { key: MetricOf<P>; name: string }[];
}

/** A chunk that can't be loaded (a new version was put in place meanwhile) must not take the page with it. */
class ChartGuard extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };
  static getDerivedStateFromError() {
    return { failed: true };
  }
  override render() {
    if (!this.state.failed) return this.props.children;
    return (
      <p className="chart chart-note" role="alert">
        The chart could not be loaded; the table has the same values.
        <button type="button" className="link" onClick={() => location.reload()}>
          Load the page again
        </button>
      </p>
    );
  }
}

const blank = <div className="chart skeleton" aria-hidden="true" />;

export function SeriesPanel<P extends Point>({ title, answer, metrics }: Props<P>) {
  const [params, setParams] = useSearchParams();
  const keys = metrics.map((metric) => metric.key) as [MetricOf<P>, ...MetricOf<P>[]];
  const state = readChart(params, keys);
  const name = metrics.find((metric) => metric.key === state.metric)?.name ?? state.metric;
  const choose = (change: Partial<typeof state>) => setParams(writeChart(paramsNow(), { ...readChart(paramsNow(), keys), ...change }, keys), { replace: true, preventScrollReset: true });

  const all = answer.reply?.data;
  const ranges = usefulRanges(all ?? []);
  const range = ranges.includes(state.range) ? state.range : "all";
  const points = all ? inRange(all, range) : undefined;
  const summary = points ? summarise(points, state.metric) : null;
  const gaps = summary?.gaps ?? 0;
  const inWords = summary
    ? `${name} from ${day(summary.first.date)}, ${exact(summary.first.value)}, to ${day(summary.last.date)}, ${exact(summary.last.value)}: ${signedExact(summary.change)}.`
    : "";

  return (
    <section className="panel series" aria-labelledby="series-title">
      <header className="panel-head">
        <h2 id="series-title">{title}</h2>
        <div className="panel-tools">
          <Segments label="Range" value={range} onChange={(value) => choose({ range: value })} options={ranges.map((value) => ({ value, ...RANGE_TEXTS[value] }))} unknown={!all} />
          <Segments
            label="Show as"
            value={state.view}
            onChange={(view) => choose({ view })}
            options={[
              { value: "chart", text: <ChartIcon />, label: "Chart" },
              { value: "table", text: <TableIcon />, label: "Table" },
            ]}
          />
        </div>
      </header>
      <div className="series-tools">
        <Segments label="Metric" value={state.metric} onChange={(metric) => choose({ metric })} options={metrics.map((metric) => ({ value: metric.key, text: metric.name }))} />
        <Segments
          label="Values"
          value={state.mode}
          onChange={(mode) => choose({ mode })}
          options={[
            { value: "total", text: "Total" },
            { value: "daily", text: "Gained a day" },
          ]}
        />
      </div>
      {points && !summary ? (
        <p className="chart chart-note muted">Nothing has been observed yet.</p>
      ) : answer.error && !points ? (
        <Trouble answer={answer} />
      ) : !points ? (
        blank
      ) : state.view === "table" ? (
        <SeriesTable points={points} metrics={metrics} />
      ) : (
        <ChartGuard>
          <Suspense fallback={blank}>
            <Chart points={points} metric={state.metric} name={name} mode={state.mode} description={inWords} />
          </Suspense>
        </ChartGuard>
      )}
      <p className="series-note muted">
        {answer.error && points ? <span role="status">{answer.error.message} What you see is the last answer.</span> : null}
        {summary ? (
          <>
            {day(summary.first.date)} – {day(summary.last.date)}
            {gaps > 0 ? (
              <span className="series-gaps">
                <span className="dash" aria-hidden="true" /> {counted(gaps, "day")} not observed
              </span>
            ) : null}
          </>
        ) : (
          "\u00a0"
        )}
      </p>
    </section>
  );
}

function SeriesTable<P extends Point>({ points, metrics }: { points: readonly P[]; metrics: Props<P>["metrics"] }) {
  const changes = metrics.map((metric) => dailyChanges(points, metric.key));
  const newestFirst = points.map((point, i) => ({ point, i })).reverse();
  return (
    // Scrolls, so it must be reachable by keyboard.
    <div className="chart series-scroll" tabIndex={0} role="group" aria-label="Values day by day">
      <table className="series-table">
        <thead>
          <tr>
            <th scope="col">Day</th>
            {metrics.map((metric) => [
              <th key={metric.key} scope="col" className="end">
                {metric.name}
              </th>,
              <th key={`${metric.key}-gained`} scope="col" className="end">
                Gained
              </th>,
            ])}
          </tr>
        </thead>
        <tbody>
          {newestFirst.map(({ point, i }) => (
            <tr key={point.date} className={point.gap ? "is-gap" : undefined}>
              <th scope="row">
                {day(point.date)}
                {point.gap ? <span className="gap-tag">not observed</span> : null}
              </th>
              {metrics.map((metric, k) => {
                const change = changes[k]?.[i];
                return [
                  <td key={metric.key} className="end">
                    {exact(point[metric.key] as number | null)}
                  </td>,
                  <td key={`${metric.key}-gained`} className="end muted">
                    {change?.value === null || change?.value === undefined ? "" : `${change.shared ? "≈ " : ""}${signedExact(Math.round(change.value))}`}
                  </td>,
                ];
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
