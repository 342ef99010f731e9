// The look of a creator without a picture: a letter and one of eight colours.

export const HUES = 8;

/** 0 to HUES - 1, the same for the same text: FNV-1a over UTF-16 units, then MurmurHash3's finaliser, because FNV alone favours some low bits. */
export function hueOf(seed: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 0x01000193) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % HUES;
}

/** The first letter or digit with its vowel signs and marks, in upper case; "#" for a name without any. */
export function initialOf(name: string): string {
  for (const { segment } of new Intl.Segmenter("und", { granularity: "grapheme" }).segment(name)) {
    if (/^[\p{L}\p{N}]/u.test(segment)) return segment.toUpperCase();
  }
  return "#";
}
