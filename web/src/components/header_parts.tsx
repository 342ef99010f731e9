// Parts of the heads of a creator's and a video's page.
import { Fragment, useId, useState, type ReactNode } from "react";
import { Change, Rate } from "./figures.tsx";

export function Facts({ parts }: { parts: readonly (ReactNode | null)[] }) {
  const known = parts.filter(Boolean);
  return (
    <p className="facts muted">
      {known.map((part, i) => (
        <Fragment key={i}>
          {/* The dot stays with what is before it, so that no line begins with one. */}
          {i > 0 ? "\u00a0· " : null}
          <span>{part}</span>
        </Fragment>
      ))}
    </p>
  );
}

const SHORT = 160;

/** A description, cut to its first line or so until more is asked for. */
export function Description({ text }: { text: string | null }) {
  const [isWhole, setWhole] = useState(false);
  const id = useId();
  const trimmed = text?.trim();
  if (!trimmed) return null;
  const isLong = trimmed.length > SHORT || trimmed.includes("\n");
  return (
    <div className="description">
      <p id={id} dir="auto" className={isLong && !isWhole ? "is-cut" : undefined}>
        {trimmed}
      </p>
      {isLong ? (
        <button type="button" className="link" aria-expanded={isWhole} aria-controls={id} onClick={() => setWhole(!isWhole)}>
          {isWhole ? "Less" : "More"}
        </button>
      ) : null}
    </div>
  );
}

interface TileGrowth {
  span: string;
  label: string;
  change: number | null;
  now: number | null;
  title: string;
}

/** A key figure; `value` undefined is not known yet. */
export function Tile({ name, value, growth, note }: { name: string; value: ReactNode | undefined; growth?: readonly TileGrowth[]; note?: string }) {
  return (
    <section className="tile">
      <h2 className="tile-name">{name}</h2>
      <p className="tile-value">{value ?? <span className="skeleton skeleton-figure" />}</p>
      {growth ? (
        <dl className="tile-growth">
          {growth.map(({ span, label, change, now, title }) => (
            <div key={span} title={title}>
              <dt>{label}</dt>
              <dd>
                <Change value={change} /> <Rate change={change} now={now} />
              </dd>
            </div>
          ))}
        </dl>
      ) : null}
      {note ? <p className="tile-note">{note}</p> : null}
    </section>
  );
}
