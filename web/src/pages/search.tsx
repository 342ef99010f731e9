// The page of search results: creators by name, narrowed by category, sorted by a column.
import { useSearchParams } from "react-router";
import { metaRequest, PAGE_SIZE, searchRequest } from "../api/requests.ts";
import type { SearchRow } from "../api/types.ts";
import { useApi } from "../api/use_api.ts";
import { CreatorCell } from "../components/cells.tsx";
import { Pager, Select } from "../components/controls.tsx";
import { Num, Percent } from "../components/figures.tsx";
import { Notice, StaleNote, Trouble } from "../components/states.tsx";
import { Table, type Column } from "../components/table.tsx";
import { country, counted, exact } from "../format.ts";
import { creatorPath, nextSort, paramsNow, readList, writeList, type ListState } from "../url_state.ts";
import { useTitle } from "../use_title.ts";

const SORTS = ["followers", "views", "uploads", "engagementRate"] as const;

const COLUMNS: Column<SearchRow>[] = [
  { key: "creator", head: "Creator", className: "main", cell: (row) => <CreatorCell row={row} /> },
  { key: "country", head: "Country", from: "wide", className: "muted", cell: (row) => (row.country ? country(row.country) : "") },
  { key: "followers", head: "Followers", sort: "followers", align: "end", cell: (row) => <Num value={row.followers} /> },
  { key: "views", head: "Views", sort: "views", align: "end", from: "tablet", cell: (row) => <Num value={row.views} /> },
  { key: "uploads", head: "Uploads", sort: "uploads", align: "end", from: "wide", cell: (row) => <Num value={row.uploads} /> },
  { key: "engagement", head: "Engagement", sort: "engagementRate", align: "end", from: "wide", cell: (row) => <Percent value={row.engagementRate} /> },
];

export function Search() {
  const [params, setParams] = useSearchParams();
  const state = readList(params, SORTS);
  const meta = useApi(metaRequest).reply?.data;
  const answer = useApi(searchRequest({ name: state.text, category: state.category, sort: state.sort }, state), { keepPrevious: true });
  const choose = (change: Partial<ListState>) => setParams(writeList({ ...readList(paramsNow(), SORTS), page: 1, cursor: undefined, ...change }, SORTS));
  const rows = answer.reply?.data;
  const total = answer.reply?.totalCount ?? 0;
  const isExact = answer.reply?.status.totalCountExact ?? true;
  useTitle(state.text ? `“${state.text}”` : "All creators");

  return (
    <div className="page">
      <div className="page-head">
        <div>
          <h1 tabIndex={-1} className="title-long">
            {state.text ? (
              <>
                Creators with <q dir="auto">{state.text}</q>
              </>
            ) : (
              "All creators"
            )}
          </h1>
          <p className="totals muted" role="status">
            {rows && !answer.isPrevious ? (isExact ? counted(total, "creator") : `more than ${exact(total)} creators`) : "\u00a0"}
          </p>
        </div>
        <div className="filters">
          <Select
            label="Category"
            value={state.category ?? ""}
            onChange={(value) => choose({ category: value || undefined })}
            options={[{ value: "", text: "All categories" }, ...(meta?.categories ?? []).map((value) => ({ value, text: value }))]}
          />
        </div>
      </div>
      {answer.error && !rows ? (
        <Trouble answer={answer} />
      ) : rows?.length === 0 && !answer.isPrevious ? (
        <Notice title="No creator found">
          <p>
            {state.text ? (
              <>
                Nobody has <q dir="auto">{state.text}</q> in their name or handle{state.category ? `, in ${state.category}` : ""}.
              </>
            ) : (
              "There is nobody here."
            )}
          </p>
          {state.category ? (
            <p>
              <button type="button" className="button button-main" onClick={() => choose({ category: undefined })}>
                Look in all categories
              </button>
            </p>
          ) : null}
        </Notice>
      ) : (
        <>
          {rows ? <StaleNote answer={answer} /> : null}
          <div className="panel panel-table">
            <Table
              caption="Creators found"
              columns={COLUMNS}
              rows={rows}
              question={answer.question}
              expected={8}
              rowKey={(row) => row.platformProfileId}
              href={creatorPath}
              isPrevious={answer.isPrevious}
              sort={state.sort}
              onSort={(by) => choose({ sort: nextSort(state.sort, by) })}
            />
          </div>
          <Pager
            what="creators"
            page={state.page}
            size={PAGE_SIZE}
            count={rows?.length ?? 0}
            total={total}
            totalIsExact={isExact}
            nextCursor={answer.isPrevious ? null : (answer.reply?.status.nextCursor ?? null)}
            search={(page, cursor) => writeList({ ...state, page, cursor }, SORTS).toString()}
          />
        </>
      )}
    </div>
  );
}
