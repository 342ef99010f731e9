// Choices: segments for few, a select for many, and the pager under lists.
import { useId, type ReactNode } from "react";
import { Link, useLocation } from "react-router";
import { exact } from "../format.ts";
import { LeftIcon, RightIcon } from "./icons.tsx";

interface SegmentsProps<T extends string> {
  label: string;
  options: readonly { value: T; text: ReactNode; label?: string }[];
  value: T;
  onChange: (value: T) => void;
  /** What there is to choose is not known yet: the row's height is kept, nothing is shown. */
  unknown?: boolean;
}

/** A group of radio buttons in one row; arrow keys move, as everywhere. */
export function Segments<T extends string>({ label, options, value, onChange, unknown = false }: SegmentsProps<T>) {
  const name = useId();
  return (
    <fieldset className={unknown ? "segments is-unknown" : "segments"}>
      <legend className="visually-hidden">{label}</legend>
      {options.map((option) => (
        <label key={option.value} className="segment" title={option.label}>
          <input type="radio" name={name} value={option.value} checked={option.value === value} onChange={() => onChange(option.value)} aria-label={option.label} />
          <span>{option.text}</span>
        </label>
      ))}
    </fieldset>
  );
}

interface SelectProps {
  label: string;
  value: string;
  options: readonly { value: string; text: string }[];
  onChange: (value: string) => void;
  className?: string;
}

export function Select({ label, value, options, onChange, className = "" }: SelectProps) {
  const known = options.some((option) => option.value === value);
  return (
    <label className={`select ${className}`}>
      <span className="select-label">{label}</span>
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        {known ? null : <option value={value}>{value}</option>}
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.text}
          </option>
        ))}
      </select>
    </label>
  );
}

interface PagerProps {
  page: number;
  size: number;
  /** Rows shown now. */
  count: number;
  total: number;
  totalIsExact: boolean;
  nextCursor: string | null;
  /** The query string of that page; without a cursor the page is asked for by its number. */
  search: (page: number, cursor: string | undefined) => string;
  what: string;
}

/**
 * Pages follow each other by cursor. The cursors passed on the way lie in the history entry, so "Previous" is exact, too; after a deep link, which has
 * no such way, it goes by the page's number.
 */
export function Pager({ page, size, count, total, totalIsExact, nextCursor, search, what }: PagerProps) {
  const location = useLocation();
  const state = location.state as { trail?: (string | null)[] } | null;
  const trail = Array.isArray(state?.trail) && state.trail.length === page - 1 ? state.trail : undefined;
  const current = new URLSearchParams(location.search).get("cursor");
  const first = (page - 1) * size + 1;
  const totalText = totalIsExact ? exact(total) : `more than ${exact(total)}`;
  return (
    <nav className="pager" aria-label={`Pages of ${what}`}>
      <p className="pager-where" aria-live="polite">
        {count > 0 ? `${exact(first)}–${exact(first + count - 1)} of ${totalText}` : ""}
      </p>
      <div className="pager-links">
        {page > 1 ? (
          <Link className="button" to={{ search: search(page - 1, trail?.at(-1) ?? undefined) }} state={trail ? { trail: trail.slice(0, -1) } : null} rel="prev">
            <LeftIcon /> Previous
          </Link>
        ) : (
          <span className="button" aria-disabled="true">
            <LeftIcon /> Previous
          </span>
        )}
        {nextCursor ? (
          <Link className="button" to={{ search: search(page + 1, nextCursor) }} state={page === 1 || trail ? { trail: [...(trail ?? []), current] } : null} rel="next">
            Next <RightIcon />
          </Link>
        ) : (
          <span className="button" aria-disabled="true">
            Next <RightIcon />
          </span>
        )}
      </div>
    </nav>
  );
}
