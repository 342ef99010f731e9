// Numbers and dates as the pages write them. English, UTC; a value that is not known is an en dash.

export const UNKNOWN = "–";
const MINUS = "\u2212";

const exactFormat = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compactFormat = new Intl.NumberFormat("en", { notation: "compact", minimumSignificantDigits: 3, maximumSignificantDigits: 3 });
const dayFormat = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const axisDayFormat = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const axisMonthFormat = new Intl.DateTimeFormat("en-GB", { month: "short", year: "numeric", timeZone: "UTC" });
const monthFormat = new Intl.DateTimeFormat("en-GB", { month: "long", year: "numeric", timeZone: "UTC" });
const momentFormat = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  timeZone: "UTC",
});

const axisFormat = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

type Value = number | null | undefined;

const isKnown = (value: Value): value is number => typeof value === "number" && Number.isFinite(value);

/** 1234567 -> "1,234,567" */
export function exact(value: Value): string {
  return isKnown(value) ? exactFormat.format(value).replace("-", MINUS) : UNKNOWN;
}

/** 1234567 -> "1.23M", always three digits, so that columns line up; below 10,000 exact, so that small channels stay tellable apart. */
export function compact(value: Value): string {
  if (!isKnown(value)) return UNKNOWN;
  return (Math.abs(value) < 10_000 ? exactFormat : compactFormat).format(value).replace("-", MINUS);
}

const signOf = (value: number) => (value > 0 ? "+" : "");

/** As an axis names round values: 9000000 -> "9M". */
export const axisNumber = (value: number) => axisFormat.format(value).replace("-", MINUS);

/** A change: "+1.23M", "−340", "0". */
export function signed(value: Value): string {
  return isKnown(value) ? signOf(value) + compact(value) : UNKNOWN;
}

/** As signed, all digits. */
export function signedExact(value: Value): string {
  return isKnown(value) ? signOf(value) + exact(value) : UNKNOWN;
}

/** A value in percent: 3.256 -> "3.3%"; two digits below 1, none from 100 on. */
export function percent(value: Value): string {
  if (!isKnown(value)) return UNKNOWN;
  const size = Math.abs(value);
  const digits = size >= 100 || value === 0 ? 0 : size >= 1 ? 1 : 2;
  const text = new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
  return `${text.replace("-", MINUS)}%`;
}

/** A change relative to the value before it, in percent, or null where that is not positive. `now` is the value after the change. */
export function growthRate(change: Value, now: Value): number | null {
  if (!isKnown(change) || !isKnown(now)) return null;
  const before = now - change;
  return before > 0 ? (change / before) * 100 : null;
}

/** "+4.2%"; from tenfold on a factor ("×12"), because +1,100% says less. */
export function signedPercent(value: Value): string {
  if (!isKnown(value)) return UNKNOWN;
  if (value >= 900) return `×${compact(Math.round(value / 100 + 1))}`;
  return signOf(value) + percent(value);
}

function parseDate(text: string): Date | null {
  const date = new Date(text.length === 10 ? `${text}T00:00:00Z` : text);
  return Number.isNaN(date.getTime()) ? null : date;
}

function withFormat(format: Intl.DateTimeFormat, text: string | null | undefined): string {
  const date = text ? parseDate(text) : null;
  // en-GB writes "Sept", the only short name of four letters.
  return date ? format.format(date).replace(/\bSept\b/, "Sep") : UNKNOWN;
}

/** "2017-10-22" or a moment -> "22 Oct 2017" */
export const day = (text: string | null | undefined) => withFormat(dayFormat, text);

/** As an axis has room for: "22 Oct", or "Oct 2017" for a month's name. */
export const axisDay = (text: string) => withFormat(axisDayFormat, text);
export const axisMonth = (text: string) => withFormat(axisMonthFormat, text);

/** "2017-10-01" -> "October 2017" */
export const month = (text: string | null | undefined) => withFormat(monthFormat, text);

/** "2025-01-01T00:00:00Z" -> "1 Jan 2025, 00:00 UTC" */
export function moment(text: string | null | undefined): string {
  const shown = withFormat(momentFormat, text);
  return shown === UNKNOWN ? shown : `${shown} UTC`;
}

/** How long ago, coarse: "just now", "5 min ago", "3 h ago", "2 days ago", then the day. Moments to come are "just now": clocks differ. */
export function ago(text: string | null | undefined, now: number): string {
  const date = text ? parseDate(text) : null;
  if (!date) return UNKNOWN;
  const seconds = Math.max(0, (now - date.getTime()) / 1000);
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  const days = Math.floor(seconds / 86_400);
  if (days <= 30) return days === 1 ? "yesterday" : `${days} days ago`;
  return day(text);
}

/** 3723 -> "1:02:03", 65 -> "1:05" */
export function duration(seconds: Value): string {
  if (!isKnown(seconds) || seconds < 0) return UNKNOWN;
  const whole = Math.round(seconds);
  const two = (n: number) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

const regionNames = new Intl.DisplayNames("en", { type: "region", fallback: "code" });
const languageNames = new Intl.DisplayNames("en", { type: "language", fallback: "code" });

/** ISO 3166 code -> name; anything else stays as it is. */
export function country(code: string): string {
  return /^[A-Z]{2}$/.test(code) ? (regionNames.of(code) ?? code) : code;
}

/** BCP 47 tag -> name; anything else stays as it is. */
export function language(tag: string): string {
  try {
    return languageNames.of(tag) ?? tag;
  } catch {
    return tag;
  }
}

/** "1 video", "2,365 videos" */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${exact(count)} ${count === 1 ? one : many}`;
}
