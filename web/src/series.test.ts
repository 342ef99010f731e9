import { describe, expect, it } from "vitest";
import { axisTicks, dailyChanges, daysBetween, inRange, lines, type Point, summarise, usefulRanges } from "./series.ts";

interface Sample extends Point {
  views: number | null;
}
const dateOf = (n: number) => new Date(Date.UTC(2017, 8, 13 + n)).toISOString().slice(0, 10);
/** A text a day: "5" is observed, "~" is a gap that carries on, "." is a day missing from the series. */
function series(text: string): Sample[] {
  let last: number | null = null;
  return text.split(" ").flatMap((word, i) => {
    if (word === ".") return [];
    if (word !== "~") last = Number(word);
    return [{ date: dateOf(i), gap: word === "~", views: last }];
  });
}

describe("lines", () => {
  it("is one solid line where every day was observed", () => {
    const { solid, dashed } = lines(series("1 2 3"), "views");
    expect(solid).toEqual([[dateOf(0), 1], [dateOf(1), 2], [dateOf(2), 3]]);
    expect(dashed).toEqual([]);
  });
  it("breaks the solid line at a gap and bridges it from observation to observation", () => {
    const { solid, dashed } = lines(series("1 ~ ~ 7 8"), "views");
    expect(solid.map(([, value]) => value)).toEqual([1, null, null, 7, 8]);
    expect(dashed).toEqual([[dateOf(0), 1], [dateOf(3), 7]]);
  });
  it("keeps two bridges apart", () => {
    const { dashed } = lines(series("1 ~ 3 4 ~ 6"), "views");
    expect(dashed.map(([, value]) => value)).toEqual([1, 3, null, 4, 6]);
  });
  it("leaves a hole in the dates open", () => {
    const { solid, dashed } = lines(series("1 2 . . 5"), "views");
    expect(solid).toEqual([[dateOf(0), 1], [dateOf(1), 2], [dateOf(2), null], [dateOf(4), 5]]);
    expect(dashed).toEqual([]);
  });
  it("takes a value that is not known for a gap", () => {
    const points = series("1 2 3");
    points[1]!.views = null;
    expect(lines(points, "views").solid[1]).toEqual([dateOf(1), null]);
    expect(lines(points, "views").dashed).toHaveLength(2);
  });
  it("draws no bridge before the first and after the last observation", () => {
    const points: Sample[] = [{ date: dateOf(0), gap: true, views: null }, ...series(". 2 ~ ~")];
    expect(lines(points, "views").dashed).toEqual([]);
  });
});

describe("dailyChanges", () => {
  it("shares the change over the days nobody looked, and loses none of it", () => {
    const changes = dailyChanges(series("1 ~ ~ 7 8"), "views");
    expect(changes.map((c) => c.value)).toEqual([null, 2, 2, 2, 1]);
    expect(changes.map((c) => c.shared)).toEqual([false, true, true, true, false]);
  });
  it("sums up to the whole change, for any gaps", () => {
    let seed = 7;
    const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
    for (let round = 0; round < 200; round++) {
      const words = Array.from({ length: 30 }, (_, i) => (i > 0 && i < 29 && random() < 0.4 ? "~" : String(Math.floor(random() * 1e6))));
      const points = series(words.join(" "));
      const sum = dailyChanges(points, "views").reduce((total, c) => total + (c.value ?? 0), 0);
      expect(sum).toBeCloseTo(points[29]!.views! - points[0]!.views!, 4);
    }
  });
  it("does not reach over an open hole", () => {
    expect(dailyChanges(series("1 2 . . 50 51"), "views").map((c) => c.value)).toEqual([null, 1, null, 1]);
  });
});

describe("ranges", () => {
  const days = series(Array.from({ length: 41 }, (_, i) => String(i)).join(" "));
  it("count back from the newest day and keep the day that the growth counts from", () => {
    const week = inRange(days, "7");
    expect(week).toHaveLength(8);
    expect(daysBetween(week[0]!.date, week.at(-1)!.date)).toBe(7);
    expect(inRange(days, "all")).toBe(days);
    expect(inRange([], "7")).toEqual([]);
  });
  it("are offered only where they show less than everything", () => {
    expect(usefulRanges(days)).toEqual(["7", "30", "all"]);
    expect(usefulRanges(series("1"))).toEqual(["all"]);
    expect(usefulRanges([])).toEqual(["all"]);
  });
});

describe("summarise", () => {
  it("tells from the first to the last observation and counts the days nobody looked", () => {
    expect(summarise(series("10 ~ 30 ~"), "views")).toEqual({
      first: { date: dateOf(0), value: 10 },
      last: { date: dateOf(2), value: 30 },
      change: 20,
      observed: 2,
      gaps: 2,
    });
  });
  it("is null without an observation", () => {
    expect(summarise([] as Sample[], "views")).toBeNull();
  });
});

describe("axisTicks", () => {
  it("names days that end with the last one", () => {
    expect(axisTicks("2017-09-13", "2017-09-16", 5)).toEqual({ dates: ["2017-09-13", "2017-09-14", "2017-09-15", "2017-09-16"], unit: "day" });
    expect(axisTicks("2017-09-13", "2017-10-22", 6).dates).toEqual(["2017-09-17", "2017-09-24", "2017-10-01", "2017-10-08", "2017-10-15", "2017-10-22"]);
  });
  it("names beginnings of months over long ranges", () => {
    expect(axisTicks("2016-11-05", "2017-10-22", 6)).toEqual({ dates: ["2017-01-01", "2017-03-01", "2017-05-01", "2017-07-01", "2017-09-01"], unit: "month" });
  });
  it("never names more than asked, and always within the range", () => {
    for (const span of [0, 1, 5, 30, 31, 89, 90, 365, 800, 3660])
      for (const most of [1, 2, 3, 6, 12]) {
        const [first, last] = [dateOf(0), dateOf(span)];
        const { dates } = axisTicks(first, last, most);
        expect(dates.length).toBeLessThanOrEqual(most);
        expect(dates.every((date) => date >= first && date <= last)).toBe(true);
      }
  });
});
