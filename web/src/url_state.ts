// What a page shows is in its URL, so that links, reloads and the back button lead to the same view. Defaults are left out; what can't be read
// counts as the default, because URLs are typed by hand, too.
import { RANGES, type Range } from "./series.ts";

export interface RowSort {
  by: string;
  direction: "ASC" | "DESC";
}

export const BOARD_SORTS = ["followers", "followers_lifetime", "views_change", "views"] as const;
export type BoardSort = (typeof BOARD_SORTS)[number];

export interface BoardState {
  /** A month's first day; undefined is the newest. */
  month: string | undefined;
  category: string | undefined;
  language: string | undefined;
  sort: BoardSort;
  page: number;
  cursor: string | undefined;
}

/** The URL's own: what a component has read may be older, for the router draws a change of URL when there is time, and a second choice must not undo the first. */
export const paramsNow = () => new URLSearchParams(window.location.search);

function oneOf<T extends string>(text: string | null, allowed: readonly T[], fallback: T): T {
  return allowed.includes(text as T) ? (text as T) : fallback;
}

const textOf = (params: URLSearchParams, name: string) => params.get(name)?.trim() || undefined;

function pageOf(params: URLSearchParams): number {
  const text = params.get("page") ?? "";
  return /^[1-9]\d{0,5}$/.test(text) ? Number(text) : 1;
}

/** A cursor without its page number has lost its place; then the list begins at the beginning. */
function placeOf(params: URLSearchParams): { page: number; cursor: string | undefined } {
  const page = pageOf(params);
  return { page, cursor: page > 1 ? textOf(params, "cursor") : undefined };
}

export function readBoard(params: URLSearchParams): BoardState {
  const month = params.get("month") ?? "";
  return {
    month: /^\d{4}-(0[1-9]|1[0-2])$/.test(month) ? `${month}-01` : undefined,
    category: textOf(params, "category"),
    language: textOf(params, "language"),
    sort: oneOf(params.get("sort"), BOARD_SORTS, "followers"),
    ...placeOf(params),
  };
}

function write(entries: Record<string, string | undefined>): URLSearchParams {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(entries)) if (value) params.set(name, value);
  return params;
}

const pageText = (page: number) => (page > 1 ? String(page) : undefined);

export function writeBoard(state: BoardState): URLSearchParams {
  return write({
    month: state.month?.slice(0, 7),
    category: state.category,
    language: state.language,
    sort: state.sort === "followers" ? undefined : state.sort,
    page: pageText(state.page),
    cursor: state.page > 1 ? state.cursor : undefined,
  });
}

/** A list that is sorted by its columns: search results, a creator's videos. */
export interface ListState {
  text: string | undefined;
  category: string | undefined;
  sort: RowSort;
  page: number;
  cursor: string | undefined;
}

/** `sorts` are the keys allowed; the first, downwards, is the default. */
export function readList(params: URLSearchParams, sorts: readonly [string, ...string[]]): ListState {
  return {
    text: textOf(params, "q"),
    category: textOf(params, "category"),
    sort: { by: oneOf(params.get("sort"), sorts, sorts[0]), direction: oneOf(params.get("dir"), ["ASC", "DESC"], "DESC") },
    ...placeOf(params),
  };
}

export function writeList(state: ListState, sorts: readonly [string, ...string[]]): URLSearchParams {
  return write({
    q: state.text,
    category: state.category,
    sort: state.sort.by === sorts[0] ? undefined : state.sort.by,
    dir: state.sort.direction === "DESC" ? undefined : state.sort.direction,
    page: pageText(state.page),
    cursor: state.page > 1 ? state.cursor : undefined,
  });
}

/** Pressing the head of the sorted column turns the order; another column begins downwards. */
export function nextSort(now: RowSort, by: string): RowSort {
  return { by, direction: now.by === by && now.direction === "DESC" ? "ASC" : "DESC" };
}

export interface ChartState<M extends string> {
  metric: M;
  range: Range;
  mode: "total" | "daily";
  view: "chart" | "table";
}

export function readChart<M extends string>(params: URLSearchParams, metrics: readonly [M, ...M[]]): ChartState<M> {
  return {
    metric: oneOf(params.get("metric"), metrics, metrics[0]),
    range: oneOf(params.get("range"), RANGES, "all"),
    mode: oneOf(params.get("mode"), ["total", "daily"], "total"),
    view: oneOf(params.get("view"), ["chart", "table"], "chart"),
  };
}

/** The chart's choices set in `params`, everything else in them kept. */
export function writeChart<M extends string>(params: URLSearchParams, state: ChartState<M>, metrics: readonly [M, ...M[]]): URLSearchParams {
  const result = new URLSearchParams(params);
  const choices = { metric: metrics[0] as string, range: "all", mode: "total", view: "chart" };
  for (const [name, fallback] of Object.entries(choices)) {
    const value = state[name as keyof ChartState<M>];
    if (value === fallback) result.delete(name);
    else result.set(name, value);
  }
  return result;
}

const segment = encodeURIComponent;
export const creatorPath = (row: { platform: string; platformProfileId: string }) => `/creator/${segment(row.platform)}/${segment(row.platformProfileId)}`;
export const videoPath = (row: { platform: string; shortcode: string }) => `/video/${segment(row.platform)}/${segment(row.shortcode)}`;
