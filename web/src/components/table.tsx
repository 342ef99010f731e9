// A table of rows that lead somewhere. The link in the row's main cell serves keyboard and screen readers; the mouse may press anywhere in the row.
import type { MouseEvent, ReactNode } from "react";
import { useNavigate } from "react-router";
import type { RowSort } from "../url_state.ts";
import { DownIcon, UpIcon } from "./icons.tsx";

export interface Column<Row> {
  key: string;
  head: string;
  cell: (row: Row) => ReactNode;
  align?: "start" | "end";
  /** Narrower than this the column is left out: "tablet" below 700 px, "wide" below 1000 px; always there when absent. */
  from?: "tablet" | "wide";
  /** The sort key this column's head turns the order by. */
  sort?: string;
  className?: string;
}

interface Props<Row> {
  caption: string;
  columns: readonly Column<Row>[];
  /** undefined: not known yet, drawn as a skeleton of `expected` rows. */
  rows: readonly Row[] | undefined;
  /** What the rows answer. Rows of another order take the place of those before; only within one answer's refreshes do rows move. */
  question: string;
  expected: number;
  rowKey: (row: Row) => string;
  href: (row: Row) => string;
  /** Rows of the question before, shown while the answer to the new one is on its way. */
  isPrevious?: boolean;
  sort?: RowSort;
  onSort?: (by: string) => void;
}

const SPARED = "a, button, input, select";

export function Table<Row>({ caption, columns, rows, question, expected, rowKey, href, isPrevious = false, sort, onSort }: Props<Row>) {
  const navigate = useNavigate();
  const open = (event: MouseEvent, to: string) => {
    if (event.defaultPrevented || (event.target as Element).closest(SPARED)) return;
    // Marking text in a row is no press on it.
    if (window.getSelection()?.toString()) return;
    if (event.ctrlKey || event.metaKey || event.button === 1) window.open(to, "_blank", "noopener");
    else void navigate(to);
  };
  const classOf = (column: Column<Row>) => [column.align === "end" ? "end" : "", column.from ? `from-${column.from}` : "", column.className ?? ""].join(" ");
  return (
    <table className={`table ${isPrevious ? "is-previous" : ""}`} aria-busy={!rows || isPrevious}>
      <caption className="visually-hidden">{caption}</caption>
      <thead>
        <tr>
          {columns.map((column) => (
            <th
              key={column.key}
              scope="col"
              className={classOf(column)}
              aria-sort={column.sort && sort?.by === column.sort ? (sort.direction === "DESC" ? "descending" : "ascending") : undefined}
            >
              {column.sort && onSort ? (
                <button type="button" className="sort" onClick={() => onSort(column.sort as string)}>
                  {column.head}
                  {sort?.by === column.sort ? sort?.direction === "DESC" ? <DownIcon /> : <UpIcon /> : <span className="sort-room" />}
                </button>
              ) : (
                column.head
              )}
            </th>
          ))}
        </tr>
      </thead>
      <tbody key={question}>
        {rows
          ? rows.map((row) => {
              const to = href(row);
              return (
                <tr key={rowKey(row)} className="row" onClick={(event) => open(event, to)} onAuxClick={(event) => event.button === 1 && open(event, to)}>
                  {columns.map((column) => (
                    <td key={column.key} className={classOf(column)}>
                      {column.cell(row)}
                    </td>
                  ))}
                </tr>
              );
            })
          : Array.from({ length: expected }, (_, i) => (
              <tr key={i} className="row" aria-hidden="true">
                {columns.map((column, k) => (
                  <td key={column.key} className={classOf(column)}>
                    <span className={`skeleton ${k === 1 ? "skeleton-main" : "skeleton-figure"}`} />
                  </td>
                ))}
              </tr>
            ))}
      </tbody>
    </table>
  );
}
