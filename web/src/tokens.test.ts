import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

// WCAG 2.2, 1.4.3: contrast of text at least 4.5; 1.4.11: of what has to be seen, at least 3.
const css = readFileSync(new URL("./styles/tokens.css", import.meta.url), "utf8");

function tokens(selector: string): Record<string, string> {
  const block = css.slice(css.indexOf(`${selector} {`)).match(/\{([^}]*)\}/)?.[1] ?? "";
  return Object.fromEntries([...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6});/g)].map(([, name, value]) => [name!, value!]));
}

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const c = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

it("contrast is computed as WCAG does", () => {
  expect(contrast("#000000", "#ffffff")).toBeCloseTo(21, 5);
  expect(contrast("#777777", "#ffffff")).toBeCloseTo(4.48, 2);
});

describe.each([
  ["light", tokens(":root")],
  ["dark", tokens('[data-theme="dark"]')],
])("%s", (_, token) => {
  const texts = ["text", "muted", "accent", "up", "down"].flatMap((name) => ["bg", "surface", "raised"].map((ground) => [name, ground] as const));
  it.each([...texts, ["text", "accent-soft"], ["muted", "accent-soft"], ["on-accent", "accent"]] as const)("%s can be read on %s", (name, ground) => {
    expect(contrast(token[name]!, token[ground]!)).toBeGreaterThanOrEqual(4.5);
  });
  it("the chart's line can be told from its ground", () => {
    expect(contrast(token["accent"]!, token["surface"]!)).toBeGreaterThanOrEqual(3);
  });
});
