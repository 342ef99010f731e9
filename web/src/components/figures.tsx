// Figures as they stand in text, tables and tiles: compact, with all digits on hover.
import { compact, exact, growthRate, percent, signed, signedExact, signedPercent, UNKNOWN } from "../format.ts";
import { DownIcon, UpIcon } from "./icons.tsx";

type Value = number | null | undefined;

export function Num({ value }: { value: Value }) {
  if (value === null || value === undefined) return <span className="unknown">{UNKNOWN}</span>;
  return (
    <data className="num" value={value} title={exact(value)}>
      {compact(value)}
    </data>
  );
}

export function Percent({ value }: { value: Value }) {
  if (value === null || value === undefined) return <span className="unknown">{UNKNOWN}</span>;
  return (
    <data className="num" value={value} title={`${value}%`}>
      {percent(value)}
    </data>
  );
}

const tone = (value: number) => (value > 0 ? "up" : value < 0 ? "down" : "level");

/** A change, coloured by its sign. */
export function Change({ value }: { value: Value }) {
  if (value === null || value === undefined) return <span className="unknown">{UNKNOWN}</span>;
  return (
    <data className={`num ${tone(value)}`} value={value} title={signedExact(value)}>
      {signed(value)}
    </data>
  );
}

/** A change relative to what was there before it; nothing where that can't be said. */
export function Rate({ change, now }: { change: Value; now: Value }) {
  const rate = growthRate(change, now);
  return rate === null ? null : <span className="rate">{signedPercent(rate)}</span>;
}

/** How a rank moved. `compared` false: there is no month before to compare with, so nothing is said. */
export function Movement({ rank, previous, compared }: { rank: number; previous: Value; compared: boolean }) {
  if (!compared) return <span className="movement level" aria-hidden="true" />;
  if (previous === null || previous === undefined)
    return (
      <span className="movement fresh" title="Not ranked the month before">
        new
      </span>
    );
  const steps = previous - rank;
  if (steps === 0)
    return (
      <span className="movement level" title={`Rank ${exact(previous)} the month before`}>
        <span aria-hidden="true">=</span>
        <span className="visually-hidden">same rank</span>
      </span>
    );
  return (
    <span className={`movement ${tone(steps)}`} title={`Rank ${exact(previous)} the month before`}>
      {steps > 0 ? <UpIcon /> : <DownIcon />}
      <span className="visually-hidden">{steps > 0 ? "up" : "down"}</span>
      {compact(Math.abs(steps))}
    </span>
  );
}

/** A bar as long as `value` is of `most`. The figure beside it says the same, so it is hidden from screen readers. */
export function Bar({ value, most }: { value: Value; most: number }) {
  const share = most > 0 && value ? Math.min(1, Math.abs(value) / most) : 0;
  return (
    <span className={`bar ${value && value < 0 ? "bar-down" : ""}`} aria-hidden="true">
      <span className="bar-fill" style={{ inlineSize: `${(share * 100).toFixed(1)}%` }} />
    </span>
  );
}
