// One creator: who, how big, how fast growing, where ranked, and what they published.
import { useParams, useSearchParams } from "react-router";
import { contentRequest, PAGE_SIZE, profileRequest, profileSeriesRequest } from "../api/requests.ts";
import type { ContentRow, Growth, Profile, RankSet } from "../api/types.ts";
import { useApi } from "../api/use_api.ts";
import { nameOf, VideoCell } from "../components/cells.tsx";
import { Pager } from "../components/controls.tsx";
import { Movement, Num, Percent, Change } from "../components/figures.tsx";
import { Description, Facts, Tile } from "../components/header_parts.tsx";
import { Avatar } from "../components/pictures.tsx";
import { SeriesPanel } from "../components/series_panel.tsx";
import { NotFound, StaleNote, Trouble } from "../components/states.tsx";
import { Table, type Column } from "../components/table.tsx";
import { country, day, exact, language, moment, month } from "../format.ts";
import { nextSort, paramsNow, readList, videoPath, writeList, type ListState } from "../url_state.ts";
import { useTitle } from "../use_title.ts";

const METRICS = [
  { key: "followers", name: "Followers" },
  { key: "views", name: "Views" },
  { key: "uploads", name: "Uploads" },
] as const;

const CONTENT_SORTS = ["publishedAt", "views", "viewsGrowth", "likes", "comments"] as const;
const REFRESH_MS = 15_000;

export function Creator() {
  const { platform = "", id = "" } = useParams();
  const answer = useApi(profileRequest(platform, id), { refreshMs: REFRESH_MS });
  const series = useApi(answer.error?.status === 404 ? null : profileSeriesRequest(platform, id), { refreshMs: REFRESH_MS });
  const profile = answer.reply?.data;
  useTitle(profile ? nameOf(profile) : answer.error?.status === 404 ? "No such creator" : undefined);
  if (answer.error?.status === 404) return <NotFound what="creator" />;
  if (answer.error && !profile)
    return (
      <div className="page">
        <Trouble answer={answer} />
      </div>
    );
  return (
    <div className="page" key={id}>
      {profile ? <StaleNote answer={answer} /> : null}
      <Header profile={profile} id={id} />
      <Tiles profile={profile} />
      <div className="columns">
        <SeriesPanel title="Growth" answer={series} metrics={METRICS} />
        <aside className="panel side">
          <Ranks profile={profile} />
          {profile?.description?.trim() ? (
            <section className="about" aria-labelledby="about-title">
              <h2 id="about-title">About</h2>
              <Description text={profile.description} />
            </section>
          ) : null}
        </aside>
      </div>
      <Videos platform={platform} id={id} />
    </div>
  );
}

function Header({ profile, id }: { profile: Profile | undefined; id: string }) {
  if (!profile)
    return (
      <header className="who" aria-busy="true">
        <span className="avatar avatar-large skeleton" />
        <div className="who-text">
          <h1 tabIndex={-1}>
            <span className="skeleton skeleton-title" />
            <span className="visually-hidden">Loading</span>
          </h1>
          <p className="facts">
            <span className="skeleton skeleton-main" />
          </p>
        </div>
      </header>
    );
  const name = nameOf(profile);
  return (
    <header className="who">
      <Avatar seed={id} name={name} url={profile.thumbnailUrl} large />
      <div className="who-text">
        <h1 tabIndex={-1} dir="auto">
          {name}
        </h1>
        <Facts
          parts={[
            profile.handle !== name ? profile.handle : null,
            profile.category,
            profile.country ? country(profile.country) : null,
            profile.language ? language(profile.language) : null,
            profile.publishedAt ? `since ${day(profile.publishedAt)}` : null,
            profile.observedAt ? <span title={moment(profile.observedAt)}>seen {day(profile.observedAt)}</span> : null,
          ]}
        />
      </div>
    </header>
  );
}

function Tiles({ profile }: { profile: Profile | undefined }) {
  const growth = (metric: keyof Growth & ("followers" | "views" | "uploads")) =>
    (["7d", "30d"] as const).map((span) => ({
      span,
      label: span === "7d" ? "7 days" : "30 days",
      change: profile?.growth?.[span]?.[metric] ?? null,
      now: profile?.[metric] ?? null,
      title: profile?.growth?.[span] ? `${day(profile.growth[span].startDate)} to ${day(profile.growth[span].endDate)}` : "Not observed for that long",
    }));
  return (
    <div className="tiles">
      <Tile name="Followers" value={profile && <Num value={profile.followers} />} growth={growth("followers")} />
      <Tile name="Views" value={profile && <Num value={profile.views} />} growth={growth("views")} />
      <Tile name="Uploads" value={profile && <Num value={profile.uploads} />} growth={growth("uploads")} />
      <Tile name="Engagement" value={profile && <Percent value={profile.engagementRate} />} note="likes and comments per view" />
    </div>
  );
}

const RANKS = [
  { name: "Followers gained", overall: "followersChangeRank", within: "followersChangeRankByCategory" },
  { name: "Followers", overall: "followersRank", within: "followersRankByCategory" },
  { name: "Views gained", overall: "viewsChangeRank", within: "viewsChangeRankByCategory" },
  { name: "Views", overall: "viewsRank", within: "viewsRankByCategory" },
] as const satisfies readonly { name: string; overall: keyof RankSet; within: keyof RankSet }[];

/** `now` undefined is not known yet: a blank as high as a rank, so that nothing moves when it comes. */
function Rank({ now, before }: { now: number | null | undefined; before: number | null | undefined }) {
  if (now === null) return <span className="unknown">–</span>;
  return (
    <span className="rank-figure">
      <span className="num">{now === undefined ? <span className="skeleton skeleton-figure" /> : `#${exact(now)}`}</span>
      <Movement rank={now ?? 0} previous={before} compared={before !== undefined} />
    </span>
  );
}

function Ranks({ profile }: { profile: Profile | undefined }) {
  const ranks = profile?.ranks;
  return (
    <section className="ranks" aria-labelledby="ranks-title">
      <header className="panel-head">
        <h2 id="ranks-title">Ranks</h2>
        <span className="muted">{ranks ? month(ranks.month) : ""}</span>
      </header>
      {profile && !ranks ? (
        <p className="muted">Not ranked yet: ranks come with the next publication.</p>
      ) : (
        <table className="ranks-table">
          <thead>
            <tr>
              <th scope="col">By</th>
              <th scope="col" className="end">
                Overall
              </th>
              <th scope="col" className="end">
                <span className="ellipsis" title={profile?.category ?? undefined}>{profile?.category ?? "Category"}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {RANKS.map(({ name, overall, within }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {[overall, within].map((key) => (
                  <td key={key} className="end">
                    <Rank now={ranks?.[key]} before={ranks?.previous?.[key]} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {ranks ? <p className="series-note muted">{ranks.previous ? "Movement against the month before" : "First month in the ranks"}</p> : null}
    </section>
  );
}

const CONTENT_COLUMNS: Column<ContentRow>[] = [
  { key: "video", head: "Video", className: "main", cell: (row) => <VideoCell row={row} line={row.category} seconds={row.durationSeconds} /> },
  { key: "published", head: "Published", sort: "publishedAt", align: "end", from: "tablet", className: "muted nowrap", cell: (row) => day(row.publishedAt) },
  { key: "views", head: "Views", sort: "views", align: "end", cell: (row) => <Num value={row.views} /> },
  { key: "growth", head: "Views gained", sort: "viewsGrowth", align: "end", from: "tablet", cell: (row) => <Change value={row.viewsGrowth} /> },
  { key: "likes", head: "Likes", sort: "likes", align: "end", from: "wide", cell: (row) => <Num value={row.likes} /> },
  { key: "comments", head: "Comments", sort: "comments", align: "end", from: "wide", cell: (row) => <Num value={row.comments} /> },
  { key: "engagement", head: "Engagement", align: "end", from: "wide", cell: (row) => <Percent value={row.engagementRate} /> },
];

function Videos({ platform, id }: { platform: string; id: string }) {
  const [params, setParams] = useSearchParams();
  const state = readList(params, CONTENT_SORTS);
  const answer = useApi(contentRequest(platform, id, state.sort, state), { keepPrevious: true });
  const rows = answer.reply?.data;
  // The chart's choices live in the same URL and stay.
  const searchOf = (next: ListState) => {
    const merged = paramsNow();
    for (const name of ["sort", "dir", "page", "cursor"]) merged.delete(name);
    for (const [name, value] of writeList(next, CONTENT_SORTS)) merged.set(name, value);
    return merged.toString();
  };
  return (
    <section aria-labelledby="videos-title">
      <header className="section-head">
        <h2 id="videos-title">Videos</h2>
        <span className="muted num">{rows ? exact(answer.reply?.totalCount) : ""}</span>
      </header>
      {answer.error && !rows ? (
        <Trouble answer={answer} />
      ) : rows?.length === 0 && !answer.isPrevious ? (
        <p className="panel muted">No video of this creator has been collected yet.</p>
      ) : (
        <>
          <div className="panel panel-table">
            <Table
              caption="The creator's videos"
              columns={CONTENT_COLUMNS}
              rows={rows}
              question={answer.question}
              expected={4}
              rowKey={(row) => row.shortcode}
              href={videoPath}
              isPrevious={answer.isPrevious}
              sort={state.sort}
              onSort={(by) => setParams(searchOf({ ...state, sort: nextSort(state.sort, by), page: 1, cursor: undefined }), { replace: true })}
            />
          </div>
          {(answer.reply?.totalCount ?? 0) > PAGE_SIZE || state.page > 1 ? (
            <Pager
              what="videos"
              page={state.page}
              size={PAGE_SIZE}
              count={rows?.length ?? 0}
              total={answer.reply?.totalCount ?? 0}
              totalIsExact={answer.reply?.status.totalCountExact ?? true}
              nextCursor={answer.isPrevious ? null : (answer.reply?.status.nextCursor ?? null)}
              search={(page, cursor) => searchOf({ ...state, page, cursor })}
            />
          ) : null}
        </>
      )}
    </section>
  );
}
