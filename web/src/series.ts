// Daily series as the charts draw them: what was observed, what was not, and what that means for a day's change.

/** A day of a series; `gap` says that nobody looked, and then the values are those of the day before. */
export interface Point {
  date: string;
  gap: boolean;
}

export type MetricOf<P> = Exclude<keyof P, keyof Point> & string;
export type ChartPoint = [date: string, value: number | null];

/** Ranges in days, counted back from the newest day. "all" is everything. */
export const RANGES = ["7", "30", "90", "365", "all"] as const;
export type Range = (typeof RANGES)[number];

const DAY_MS = 86_400_000;
const dayNumber = (date: string) => Date.parse(`${date}T00:00:00Z`) / DAY_MS;

const dateOf = (n: number) => new Date(n * DAY_MS).toISOString().slice(0, 10);

/** Days from `a` to `b`. */
export const daysBetween = (a: string, b: string) => Math.round(dayNumber(b) - dayNumber(a));

/** The points of the last `range` days; the day before them stays as the base that the growth counts from. */
export function inRange<P extends Point>(points: readonly P[], range: Range): readonly P[] {
  const last = points.at(-1);
  if (!last || range === "all") return points;
  const days = Number(range);
  return points.filter((point) => daysBetween(point.date, last.date) <= days);
}

/** Ranges that show less than everything, and "all". */
export function usefulRanges(points: readonly Point[]): Range[] {
  const first = points[0];
  const last = points.at(-1);
  const span = first && last ? daysBetween(first.date, last.date) : 0;
  return RANGES.filter((range) => range === "all" || Number(range) < span);
}

const valueOf = <P extends Point>(point: P, metric: MetricOf<P>) => point[metric] as number | null;
const isObserved = <P extends Point>(point: P, metric: MetricOf<P>) => !point.gap && valueOf(point, metric) !== null;

export interface Ticks {
  dates: string[];
  unit: "day" | "month";
}

const DAY_STEPS = [1, 2, 3, 7, 14, 28];
// Beyond that, days say less than months.
const LONGEST_IN_DAYS = 150;
const MONTH_STEPS = [1, 2, 3, 6, 12, 24, 60, 120];

/** Dates for an axis to name, at most `most` (1 or more): evenly spaced days that end with the last, or beginnings of months where days would be too many. */
export function axisTicks(first: string, last: string, most: number): Ticks {
  const span = daysBetween(first, last);
  const step = span > LONGEST_IN_DAYS ? undefined : DAY_STEPS.find((days) => Math.floor(span / days) + 1 <= most);
  if (step !== undefined) {
    const count = Math.floor(span / step) + 1;
    const dates = Array.from({ length: count }, (_, i) => dateOf(dayNumber(last) - (count - 1 - i) * step));
    return { dates, unit: "day" };
  }
  const monthOf = (date: string) => Number(date.slice(0, 4)) * 12 + Number(date.slice(5, 7)) - 1;
  const begin = monthOf(first) + (first.endsWith("-01") ? 0 : 1);
  const months = monthOf(last) - begin + 1;
  const every = MONTH_STEPS.find((n) => Math.ceil(months / n) <= most) ?? 240;
  // Counted from a year's beginning, so that the same months are named whatever the range.
  const from = Math.ceil(begin / every) * every;
  const dates: string[] = [];
  for (let m = from; m <= monthOf(last); m += every) dates.push(`${String(Math.floor(m / 12)).padStart(4, "0")}-${String((m % 12) + 1).padStart(2, "0")}-01`);
  return { dates, unit: "month" };
}

export interface Lines {
  /** Observed values; null on the days nobody looked, so that the line breaks there. */
  solid: ChartPoint[];
  /** Straight bridges over the breaks, to be drawn dashed; null between the bridges. */
  dashed: ChartPoint[];
}

/**
 * Splits a metric into observed stretches and bridges over the gaps. A hole in the dates themselves (the API leaves long ones open) gets no
 * bridge: over months, a straight line would be an invention.
 */
export function lines<P extends Point>(points: readonly P[], metric: MetricOf<P>): Lines {
  const solid: ChartPoint[] = [];
  const dashed: ChartPoint[] = [];
  let observed: P | undefined;
  let before: P | undefined;
  for (const point of points) {
    if (before && daysBetween(before.date, point.date) > 1) {
      solid.push([dateOf(dayNumber(before.date) + 1), null]);
      observed = undefined;
    }
    if (isObserved(point, metric)) {
      if (observed && observed !== before) {
        if (dashed.length) dashed.push([observed.date, null]);
        dashed.push([observed.date, valueOf(observed, metric)], [point.date, valueOf(point, metric)]);
      }
      solid.push([point.date, valueOf(point, metric)]);
      observed = point;
    } else {
      solid.push([point.date, null]);
    }
    before = point;
  }
  return { solid, dashed };
}

export interface Change {
  date: string;
  /** Gained that day; null before the first observation and over open holes. */
  value: number | null;
  /** True where the days between two observations share their change evenly, because nobody looked in between. */
  shared: boolean;
}

/** What each day gained. */
export function dailyChanges<P extends Point>(points: readonly P[], metric: MetricOf<P>): Change[] {
  const changes: Change[] = points.map((point) => ({ date: point.date, value: null, shared: false }));
  let observedAt = -1;
  points.forEach((point, i) => {
    const before = points[i - 1];
    if (before && daysBetween(before.date, point.date) > 1) observedAt = -1;
    if (!isObserved(point, metric)) return;
    const base = points[observedAt];
    if (base) {
      const days = i - observedAt;
      const change = ((valueOf(point, metric) as number) - (valueOf(base, metric) as number)) / days;
      for (let k = observedAt + 1; k <= i; k++) changes[k] = { date: points[k]!.date, value: change, shared: days > 1 };
    }
    observedAt = i;
  });
  return changes;
}

export interface Summary {
  first: { date: string; value: number };
  last: { date: string; value: number };
  change: number;
  observed: number;
  gaps: number;
}

/** Null without an observation. */
export function summarise<P extends Point>(points: readonly P[], metric: MetricOf<P>): Summary | null {
  const seen = points.filter((point) => isObserved(point, metric));
  const [first, last] = [seen[0], seen.at(-1)];
  if (!first || !last) return null;
  const [a, b] = [valueOf(first, metric) as number, valueOf(last, metric) as number];
  const gaps = points.length - seen.length;
  return { first: { date: first.date, value: a }, last: { date: last.date, value: b }, change: b - a, observed: seen.length, gaps };
}
