import { describe, expect, it } from "vitest";
import { BOARD_SORTS, type BoardState, creatorPath, nextSort, readBoard, readChart, readList, writeBoard, writeChart, writeList } from "./url_state.ts";

const params = (text: string) => new URLSearchParams(text);
const SORTS = ["views", "likes"] as const;

describe("the leaderboard's URL", () => {
  it("is empty for the default view", () => {
    expect(writeBoard(readBoard(params(""))).toString()).toBe("");
  });
  it("gives back every state that was written", () => {
    for (const month of [undefined, "2017-09-01"])
      for (const category of [undefined, "People & Blogs", "Ünï=?#"])
        for (const sort of BOARD_SORTS)
          for (const place of [{ page: 1, cursor: undefined }, { page: 3, cursor: "eyJ2+/=" }, { page: 2, cursor: undefined }]) {
            const state: BoardState = { month, category, language: undefined, sort, ...place };
            expect(readBoard(params(writeBoard(state).toString()))).toEqual(state);
          }
  });
  it("takes nonsense for the default", () => {
    const state = readBoard(params("month=2017-13&sort=foo&page=-1&cursor=abc&category=%20"));
    expect(state).toEqual({ month: undefined, category: undefined, language: undefined, sort: "followers", page: 1, cursor: undefined });
    expect(readBoard(params("page=99999999")).page).toBe(1);
  });
});

describe("a list's URL", () => {
  it("gives back what was written", () => {
    const state = { text: "a b&c", category: undefined, sort: { by: "likes", direction: "ASC" as const }, page: 4, cursor: "x" };
    expect(readList(params(writeList(state, SORTS).toString()), SORTS)).toEqual(state);
    expect(writeList(readList(params(""), SORTS), SORTS).toString()).toBe("");
  });
  it("knows only the columns it was given", () => {
    expect(readList(params("sort=password&dir=sideways"), SORTS).sort).toEqual({ by: "views", direction: "DESC" });
  });
  it("turns the order at the second press", () => {
    const first = nextSort({ by: "views", direction: "ASC" }, "likes");
    expect(first).toEqual({ by: "likes", direction: "DESC" });
    expect(nextSort(first, "likes").direction).toBe("ASC");
    expect(nextSort({ by: "likes", direction: "ASC" }, "likes").direction).toBe("DESC");
  });
});

describe("a chart's URL", () => {
  it("keeps the rest of the URL and leaves defaults out", () => {
    const before = params("page=2&metric=likes");
    const state = readChart(before, SORTS);
    expect(state).toEqual({ metric: "likes", range: "all", mode: "total", view: "chart" });
    expect(writeChart(before, { ...state, metric: "views", range: "30" }, SORTS).toString()).toBe("page=2&range=30");
    expect(before.toString()).toBe("page=2&metric=likes");
  });
});

it("paths escape what ids may hold", () => {
  expect(creatorPath({ platform: "YOUTUBE", platformProfileId: "a/b?c" })).toBe("/creator/YOUTUBE/a%2Fb%3Fc");
});
