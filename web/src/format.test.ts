import { describe, expect, it } from "vitest";
import * as f from "./format.ts";

describe("numbers", () => {
  it("are exact below 10,000 and compact from there", () => {
    expect([0, 7, 999, 9_999, 10_000, 12_345, 999_499, 1_234_567, 4_394_029_123].map(f.compact)).toEqual([
      "0", "7", "999", "9,999", "10.0K", "12.3K", "999K", "1.23M", "4.39B",
    ]);
    expect([0, 500, 9_000_000, 12_500, -2e6].map(f.axisNumber)).toEqual(["0", "500", "9M", "12.5K", "\u22122M"]);
    expect(f.compact(999_950)).toBe("1.00M");
    expect(f.compact(-12_345)).toBe("\u221212.3K");
  });
  it("keep all digits where asked", () => {
    expect(f.exact(4_394_029)).toBe("4,394,029");
    expect(f.signedExact(-4_394_029)).toBe("\u22124,394,029");
    expect(f.signedExact(12)).toBe("+12");
  });
  it("carry a sign as changes, none for zero", () => {
    expect([0, 5, -5, 45_600].map(f.signed)).toEqual(["0", "+5", "\u22125", "+45.6K"]);
  });
  it("that are not known are a dash, never NaN", () => {
    for (const value of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY]) {
      for (const write of [f.exact, f.compact, f.signed, f.signedExact, f.percent, f.signedPercent, f.duration]) {
        expect(write(value)).toBe(f.UNKNOWN);
      }
    }
  });
  it("in percent have as many digits as tell something", () => {
    expect([0, 0.1234, 3.256, 99.96, 123.4].map(f.percent)).toEqual(["0%", "0.12%", "3.3%", "100.0%", "123%"]);
    expect(f.signedPercent(4.2)).toBe("+4.2%");
    expect(f.signedPercent(-4.2)).toBe("\u22124.2%");
    expect(f.signedPercent(1_100)).toBe("×12");
  });
});

describe("growthRate", () => {
  it("relates the change to the value before it", () => {
    expect(f.growthRate(10, 110)).toBeCloseTo(10, 12);
    expect(f.growthRate(-50, 50)).toBeCloseTo(-50, 12);
  });
  it("is not defined from nothing", () => {
    expect(f.growthRate(10, 10)).toBeNull();
    expect(f.growthRate(20, 10)).toBeNull();
    expect(f.growthRate(null, 10)).toBeNull();
    expect(f.growthRate(1, undefined)).toBeNull();
  });
});

describe("dates", () => {
  it("are days in UTC whatever the browser's zone", () => {
    expect(f.day("2017-10-22")).toBe("22 Oct 2017");
    expect(f.day("2017-09-30T23:59:59Z")).toBe("30 Sep 2017");
    expect(f.month("2017-09-01")).toBe("September 2017");
    expect([f.day("2017-09-05"), f.axisDay("2017-09-05"), f.axisMonth("2017-09-05")]).toEqual(["5 Sep 2017", "5 Sep", "Sep 2017"]);
    expect(f.moment("2025-01-01T00:00:00Z")).toBe("1 Jan 2025, 00:00 UTC");
  });
  it("that can't be read are a dash", () => {
    expect([f.day(null), f.day("soon"), f.month(undefined), f.moment("")]).toEqual(Array(4).fill(f.UNKNOWN));
  });
  it("are told as an age while that says more", () => {
    const now = Date.parse("2025-01-31T12:00:00Z");
    const before = (seconds: number) => f.ago(new Date(now - seconds * 1000).toISOString(), now);
    expect([-5, 0, 59, 60, 3_599, 3_600, 86_399, 86_400, 3 * 86_400].map(before)).toEqual([
      "just now", "just now", "just now", "1 min ago", "59 min ago", "1 h ago", "23 h ago", "yesterday", "3 days ago",
    ]);
    expect(before(40 * 86_400)).toBe("22 Dec 2024");
  });
});

describe("words", () => {
  it("name countries and languages, and leave what is none alone", () => {
    expect([f.country("IN"), f.country("Narnia")]).toEqual(["India", "Narnia"]);
    expect([f.language("hi"), f.language("??")]).toEqual(["Hindi", "??"]);
  });
  it("count", () => {
    expect([f.counted(1, "video"), f.counted(2365, "video"), f.counted(2, "category", "categories")]).toEqual([
      "1 video", "2,365 videos", "2 categories",
    ]);
  });
  it("say durations as players do", () => {
    expect([0, 65, 3_723, 36_000].map(f.duration)).toEqual(["0:00", "1:05", "1:02:03", "10:00:00"]);
  });
});
