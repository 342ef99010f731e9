// The leaderboard: creators by what they gained in a month, and the tab of videos by what they gained in views.
import type { ReactNode } from "react";
import { NavLink, useSearchParams } from "react-router";
import { leaderboardRequest, metaRequest, PAGE_SIZE, statusRequest, topPostsRequest } from "../api/requests.ts";
import type { LeaderboardRow, TopPost } from "../api/types.ts";
import { useApi, type Answer } from "../api/use_api.ts";
import { Pager, Segments, Select } from "../components/controls.tsx";
import { Bar, Change, Movement, Num, Percent, Rate } from "../components/figures.tsx";
import { CreatorCell, VideoCell } from "../components/cells.tsx";
import { Notice, StaleNote, Trouble } from "../components/states.tsx";
import { Table, type Column } from "../components/table.tsx";
import { Totals } from "../components/totals.tsx";
import { day, language as languageName, month as monthName } from "../format.ts";
import { useTitle } from "../use_title.ts";
import { BOARD_SORTS, creatorPath, paramsNow, readBoard, videoPath, writeBoard, type BoardSort, type BoardState } from "../url_state.ts";

const SORT_TEXTS: Record<BoardSort, string> = {
  followers: "Followers gained",
  followers_lifetime: "Followers",
  views_change: "Views gained",
  views: "Views",
};

const mostOf = (values: (number | null)[]) => Math.max(0, ...values.map((value) => Math.abs(value ?? 0)));

function creatorColumns(sort: BoardSort, rows: readonly LeaderboardRow[] | undefined, compared: boolean): Column<LeaderboardRow>[] {
  const figures: Record<BoardSort, { value: (row: LeaderboardRow) => number | null; cell: (row: LeaderboardRow) => ReactNode }> = {
    followers: {
      value: (row) => row.followersChange,
      cell: (row) => (
        <>
          <Change value={row.followersChange} /> <Rate change={row.followersChange} now={row.followers} />
        </>
      ),
    },
    followers_lifetime: { value: (row) => row.followers, cell: (row) => <Num value={row.followers} /> },
    views_change: {
      value: (row) => row.viewsChange,
      cell: (row) => (
        <>
          <Change value={row.viewsChange} /> <Rate change={row.viewsChange} now={row.views} />
        </>
      ),
    },
    views: { value: (row) => row.views, cell: (row) => <Num value={row.views} /> },
  };
  const main = figures[sort];
  const most = mostOf((rows ?? []).map(main.value));
  const related: Record<BoardSort, BoardSort> = { followers: "followers_lifetime", followers_lifetime: "followers", views_change: "views", views: "views_change" };
  return [
    {
      key: "rank",
      head: "Rank",
      className: "rank",
      cell: (row) => (
        <>
          <span className="rank-number num">{row.rank}</span>
          <Movement rank={row.rank} previous={row.previousRank} compared={compared} />
        </>
      ),
    },
    { key: "creator", head: "Creator", className: "main", cell: (row) => <CreatorCell row={row} /> },
    ...BOARD_SORTS.map((key): Column<LeaderboardRow> => {
      const { value, cell } = figures[key];
      if (key !== sort) return { key, head: SORT_TEXTS[key], align: "end", from: key === related[sort] ? "tablet" : "wide", cell };
      return {
        key,
        head: SORT_TEXTS[key],
        align: "end",
        className: "ranked",
        cell: (row) => (
          <>
            {cell(row)}
            <Bar value={value(row)} most={most} />
          </>
        ),
      };
    }),
    { key: "uploads", head: "Uploads", align: "end", from: "wide", cell: (row) => <Num value={row.uploads} /> },
    { key: "engagement", head: "Engagement", align: "end", from: "wide", cell: (row) => <Percent value={row.engagementRate} /> },
  ];
}

function videoColumns(rows: readonly TopPost[] | undefined): Column<TopPost>[] {
  const most = mostOf((rows ?? []).map((row) => row.viewsGrowth));
  return [
    { key: "rank", head: "Rank", className: "rank", cell: (row) => <span className="rank-number num">{row.rank}</span> },
    { key: "video", head: "Video", className: "main", cell: (row) => <VideoCell row={row} line={row.channelTitle} more={row.category} /> },
    {
      key: "growth",
      head: "Views gained",
      align: "end",
      className: "ranked",
      cell: (row) => (
        <>
          <Change value={row.viewsGrowth} /> <Rate change={row.viewsGrowth} now={row.lastViews} />
          <Bar value={row.viewsGrowth} most={most} />
        </>
      ),
    },
    { key: "views", head: "Views", align: "end", from: "tablet", cell: (row) => <Num value={row.lastViews} /> },
    { key: "likes", head: "Likes gained", align: "end", from: "wide", cell: (row) => <Change value={row.likesGrowth} /> },
    { key: "comments", head: "Comments gained", align: "end", from: "wide", cell: (row) => <Change value={row.commentsGrowth} /> },
    {
      key: "seen",
      head: "Observed",
      align: "end",
      from: "wide",
      className: "muted nowrap",
      cell: (row) => (row.firstDate === row.lastDate ? day(row.lastDate) : `${day(row.firstDate)} – ${day(row.lastDate)}`),
    },
  ];
}

/** Why a list is empty, from what has been collected so far. */
function Nothing({ filtered, onClear }: { filtered: boolean; onClear: () => void }) {
  const status = useApi(statusRequest, { refreshMs: 5_000 }).reply?.data;
  if (filtered)
    return (
      <Notice title="Nothing matches">
        <p>There is nobody in this month and category.</p>
        <p>
          <button type="button" className="button button-main" onClick={onClear}>
            Show all
          </button>
        </p>
      </Notice>
    );
  if (status && status.profileLogs + status.postLogs > 0 && !status.publication)
    return (
      <Notice title="Stirring the first ranks">
        <p>Logs are coming in. The ranks appear here with the first publication; there is nothing to press.</p>
      </Notice>
    );
  return (
    <Notice title="Nothing collected yet">
      <p>As soon as the first profile is crawled, it is here.</p>
    </Notice>
  );
}

interface ListProps<Row> {
  answer: Answer<Row[]>;
  what: string;
  caption: string;
  columns: readonly Column<Row>[];
  rowKey: (row: Row) => string;
  href: (row: Row) => string;
  state: BoardState;
  filtered: boolean;
  onClear: () => void;
}

function List<Row>({ answer, what, caption, columns, rowKey, href, state, filtered, onClear }: ListProps<Row>) {
  const rows = answer.reply?.data;
  if (answer.error && !rows) return <Trouble answer={answer} />;
  if (rows?.length === 0 && !answer.isPrevious) return <Nothing filtered={filtered} onClear={onClear} />;
  return (
    <>
      {rows ? <StaleNote answer={answer} /> : null}
      <div className="panel panel-table">
        <Table caption={caption} columns={columns} rows={rows} question={answer.question} expected={PAGE_SIZE} rowKey={rowKey} href={href} isPrevious={answer.isPrevious} />
      </div>
      <Pager
        what={what}
        page={state.page}
        size={PAGE_SIZE}
        count={rows?.length ?? 0}
        total={answer.reply?.totalCount ?? 0}
        totalIsExact={answer.reply?.status.totalCountExact ?? true}
        nextCursor={answer.isPrevious ? null : (answer.reply?.status.nextCursor ?? null)}
        search={(page, cursor) => writeBoard({ ...state, page, cursor }).toString()}
      />
    </>
  );
}

export function Home({ tab }: { tab: "creators" | "videos" }) {
  const [params, setParams] = useSearchParams();
  const state = readBoard(params);
  const meta = useApi(metaRequest).reply?.data;
  useTitle(tab === "creators" ? "Leaderboard" : "Top videos");

  // Another question begins at its first page.
  const choose = (change: Partial<BoardState>) => setParams(writeBoard({ ...readBoard(paramsNow()), page: 1, cursor: undefined, ...change }));
  const clear = () => setParams(new URLSearchParams());
  const newest = meta?.months[0];
  const month = state.month ?? newest;
  const compared = !!meta && !!month && meta.months.indexOf(month) < meta.months.length - 1 && !state.language;
  const carried = new URLSearchParams(state.category ? { category: state.category } : {}).toString();

  return (
    <div className="page">
      <div className="page-head">
        <div>
          <h1 tabIndex={-1}>Leaderboard</h1>
          <Totals />
        </div>
      </div>
      <div className="toolbar">
        <nav className="tabs" aria-label="Leaderboards">
          <NavLink to={{ pathname: "/", search: carried }} end>
            Creators
          </NavLink>
          <NavLink to={{ pathname: "/videos", search: carried }}>Videos</NavLink>
        </nav>
        <div className="filters">
          {/* First, so that it moves nobody when it comes; whether there are languages is known late. */}
          {tab === "creators" && (meta?.languages.length ?? 0) > 0 ? (
            <Select
              className="select-late"
              label="Language"
              value={state.language ?? ""}
              onChange={(value) => choose({ language: value || undefined })}
              options={[{ value: "", text: "All languages" }, ...(meta?.languages ?? []).map((value) => ({ value, text: languageName(value) }))]}
            />
          ) : null}
          {tab === "creators" ? (
            <Select
              label="Month"
              value={month ?? ""}
              onChange={(value) => choose({ month: value === newest ? undefined : value })}
              options={(meta?.months ?? []).map((value) => ({ value, text: monthName(value) }))}
            />
          ) : null}
          <Select
            label="Category"
            value={state.category ?? ""}
            onChange={(value) => choose({ category: value || undefined })}
            options={[{ value: "", text: "All categories" }, ...(meta?.categories ?? []).map((value) => ({ value, text: value }))]}
          />
        </div>
        {tab === "creators" ? (
          <Segments label="Rank by" value={state.sort} onChange={(sort) => choose({ sort })} options={BOARD_SORTS.map((value) => ({ value, text: SORT_TEXTS[value] }))} />
        ) : null}
      </div>
      {tab === "creators" ? <Creators state={state} compared={compared} onClear={clear} month={month} /> : <Videos state={state} onClear={clear} />}
    </div>
  );
}

function Creators({ state, compared, onClear, month }: { state: BoardState; compared: boolean; onClear: () => void; month: string | undefined }) {
  const answer = useApi(leaderboardRequest(state, state), { keepPrevious: true, refreshMs: 60_000 });
  return (
    <List
      answer={answer}
      what="creators"
      caption={`Creators by ${SORT_TEXTS[state.sort].toLowerCase()}${month ? `, ${monthName(month)}` : ""}${state.category ? `, ${state.category}` : ""}`}
      columns={creatorColumns(state.sort, answer.reply?.data, compared)}
      rowKey={(row) => row.platformProfileId}
      href={creatorPath}
      state={state}
      filtered={!!(state.month || state.category || state.language)}
      onClear={onClear}
    />
  );
}

function Videos({ state, onClear }: { state: BoardState; onClear: () => void }) {
  const answer = useApi(topPostsRequest(state.category, state), { keepPrevious: true, refreshMs: 60_000 });
  return (
    <List
      answer={answer}
      what="videos"
      caption={`Videos by growth of views${state.category ? `, ${state.category}` : ""}`}
      columns={videoColumns(answer.reply?.data)}
      rowKey={(row) => row.shortcode}
      href={videoPath}
      state={state}
      filtered={!!state.category}
      onClear={onClear}
    />
  );
}
