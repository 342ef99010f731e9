import { expect, it } from "vitest";
import { HUES, hueOf, initialOf } from "./identity.ts";

it("a name's initial is its first letter, in any script, marks kept", () => {
  expect(["logan", "  @first we feast", "★ 5-Minute", "हिन्दी", "ñandú", "🎬🎬", ""].map(initialOf)).toEqual(["L", "F", "5", "हि", "Ñ", "#", "#"]);
});

it("colours are stable and all of them are used about as often", () => {
  const counts = new Array<number>(HUES).fill(0);
  for (let i = 0; i < 4000; i++) counts[hueOf(`UC${i}`)]! += 1;
  expect(Math.min(...counts)).toBeGreaterThan(350);
  expect(hueOf("UCabc")).toBe(hueOf("UCabc"));
});
