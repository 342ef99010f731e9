// A population of creators and videos, made up and the same every time: what the mock API answers from.
// The names are chosen to hurt: long ones, other scripts, right to left, emoji, none at all.

const DAY_MS = 86_400_000;
export const FIRST_DAY = "2017-07-25";
export const LAST_DAY = "2017-10-22";

const dayAt = (n) => new Date(Date.parse(`${FIRST_DAY}T00:00:00Z`) + n * DAY_MS).toISOString().slice(0, 10);
const DAYS = Math.round((Date.parse(LAST_DAY) - Date.parse(FIRST_DAY)) / DAY_MS) + 1;

/** Mulberry32: a small generator with a seed; good enough to look like life. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const CATEGORIES = ["Comedy", "Education", "Entertainment", "Film & Animation", "Gaming", "Howto & Style", "Music", "News & Politics", "People & Blogs", "Science & Technology", "Sports"];
const FIRST = ["Ada", "Bao", "Casey", "Devi", "Elif", "Femi", "Grace", "Hiro", "Ines", "Jonas", "Kavya", "Liam", "Mira", "Noor", "Olu", "Priya", "Quinn", "Ravi", "Sofia", "Tariq"];
const SECOND = ["Cooks", "Explains", "in Motion", "Unboxed", "Live", "& Friends", "Outdoors", "Late Night", "Makes", "Plays", "Reviews", "Sings", "Studio", "Sports", "TV", "Travels"];
const HARD = [
  "The Extraordinarily Long and Winding Name of a Channel That Would Not Stop Where Others Do, Official",
  "हिन्दी कहानियाँ",
  "தமிழ் சமையல்",
  "قناة الطبخ",
  "🎬 Film Fever 🍿",
  "Ünïcödé & <b>Söns</b>",
];
const VERB = ["I Tried", "How to Make", "The Truth About", "24 Hours of", "Reacting to", "First Look:", "Behind", "Why Nobody Likes", "The Best", "Ranking"];
const THING = ["Dalgona Coffee", "the iPhone X", "Street Food in Mumbai", "a Tiny House", "Quantum Computers", "Every Marvel Film", "My Old School", "the World Cup Final", "Sourdough", "Night Trains"];
const COUNTRIES = ["US", "IN", "GB", "BR", "KR", null];

const id = (random, length) => Array.from({ length }, () => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[Math.floor(random() * 64)]).join("");

/** Day by day from `first`: grows from `start` by about `rate` a day, with a burst; gaps carry the day before. */
function grow(random, first, start, rate, gapShare) {
  const burst = first + Math.floor(random() * (DAYS - first));
  const values = [];
  let value = start;
  let away = 0;
  for (let day = first; day < DAYS; day++) {
    const excitement = 1 + 9 * Math.exp(-((day - burst) ** 2) / 8) * (rate > 0 ? 1 : 0);
    value = Math.max(0, value + rate * (0.4 + random() * 1.2) * excitement);
    if (away === 0 && day > first && day < DAYS - 1 && random() < gapShare) away = 1 + Math.floor(random() * 4);
    if (day === DAYS - 1) away = 0;
    values.push(away > 0 ? null : Math.round(value));
    if (away > 0) away -= 1;
  }
  return values;
}

function seriesOf(first, metrics) {
  const names = Object.keys(metrics);
  let known = {};
  return metrics[names[0]].map((value, i) => {
    const gap = value === null;
    if (!gap) known = Object.fromEntries(names.map((name) => [name, metrics[name][i] ?? known[name] ?? 0]));
    return { date: dayAt(first + i), ...known, gap };
  });
}

/** The last value at or before the day, or null. */
const at = (series, date, metric) => series.findLast((point) => point.date <= date)?.[metric] ?? null;
const changeIn = (series, month, metric) => {
  const first = `${month.slice(0, 7)}-01`;
  const last = `${month.slice(0, 7)}-31`;
  const end = at(series, last, metric);
  const begin = at(series, new Date(Date.parse(first) - DAY_MS).toISOString().slice(0, 10), metric) ?? series.find((point) => point.date >= first && point.date <= last)?.[metric] ?? null;
  return end === null || begin === null ? null : end - begin;
};

function makeVideo(random, creator, number) {
  const first = Math.floor(random() * (DAYS - 2));
  const scale = (creator.size / 4) * (0.05 + random());
  const views = grow(random, first, scale * random(), scale / 40, creator.gapShare);
  const likes = views.map((value) => (value === null ? null : Math.round(value * creator.likeShare)));
  const comments = views.map((value) => (value === null ? null : Math.round(value * creator.likeShare * 0.11)));
  const series = seriesOf(first, { views, likes, comments });
  const [begin, end] = [series[0], series.at(-1)];
  return {
    platform: "YOUTUBE",
    shortcode: id(random, 11),
    platformProfileId: creator.platformProfileId,
    title: number === 3 ? `${HARD[0]}: ${HARD[1]} — the whole story, told in one breath` : `${VERB[Math.floor(random() * VERB.length)]} ${THING[Math.floor(random() * THING.length)]}`,
    description: "Made up for tests.\nSecond line with https://example.invalid/a/very/long/address/that/has/no/space/in/it/at/all/and/goes/on/and/on",
    tags: ["dalgona", "coffee", "a tag of several words", "मौसम"],
    category: creator.category,
    thumbnailUrl: "https://thumbs.example.invalid/default.jpg",
    publishedAt: `${dayAt(first)}T09:30:00Z`,
    durationSeconds: 30 + Math.floor(random() * 4000),
    series,
    views: end.views,
    likes: end.likes,
    comments: end.comments,
    viewsGrowth: end.views - begin.views,
    likesGrowth: end.likes - begin.likes,
    commentsGrowth: end.comments - begin.comments,
    firstDate: begin.date,
    lastDate: end.date,
    firstViews: begin.views,
    engagementRate: end.views ? ((end.likes + end.comments) / end.views) * 100 : null,
  };
}

function makeCreator(random, number) {
  const size = 10 ** (3 + random() * 4.3);
  const first = number % 17 === 5 ? DAYS - 15 : number % 11 === 3 ? 40 : 0;
  const gapShare = number % 3 === 0 ? 0.06 : 0;
  const rate = number % 9 === 4 ? -size / 4000 : size / (150 + random() * 2500);
  const title = HARD[number] ?? `${FIRST[Math.floor(random() * FIRST.length)]} ${SECOND[Math.floor(random() * SECOND.length)]}${number % 5 === 0 ? ` ${number}` : ""}`;
  const followers = grow(random, first, size, rate, gapShare);
  const views = followers.map((value, i) => (value === null ? null : Math.round(value * (60 + i * 0.8))));
  const uploads = followers.map((value, i) => (value === null ? null : 40 + (number % 60) + Math.floor(i / 3)));
  const creator = {
    platform: "YOUTUBE",
    platformProfileId: `UC${id(random, 22)}`,
    handle: number % 7 === 6 ? null : `@${title.toLowerCase().replace(/[^a-z0-9]+/g, "") || `channel${number}`}`,
    title,
    description: number % 4 === 0 ? null : "We make things and film it.\nNew videos every week.\n\nBusiness: nobody@example.invalid",
    thumbnailUrl: number % 2 ? "https://thumbs.example.invalid/avatar.jpg" : null,
    country: COUNTRIES[number % COUNTRIES.length],
    category: CATEGORIES[Math.floor(random() * CATEGORIES.length)],
    language: number % 2 ? "en" : "hi",
    publishedAt: `20${10 + (number % 7)}-03-14T00:00:00Z`,
    observedAt: `${LAST_DAY}T23:40:00Z`,
    series: seriesOf(first, { followers, views, uploads }),
    size,
    gapShare,
    likeShare: 0.01 + random() * 0.06,
  };
  creator.videos = Array.from({ length: number === 0 ? 47 : 1 + Math.floor(random() * 5) }, (_, i) => makeVideo(random, creator, i));
  const likes = creator.videos.reduce((sum, video) => sum + video.likes + video.comments, 0);
  const seen = creator.videos.reduce((sum, video) => sum + video.views, 0);
  creator.engagementRate = seen ? (likes / seen) * 100 : null;
  for (const metric of ["followers", "views", "uploads"]) creator[metric] = creator.series.at(-1)[metric];
  return creator;
}

/** `count` creators with their videos, the same for the same count. */
export function makePopulation(count) {
  const random = generator(20171022);
  return Array.from({ length: count }, (_, i) => makeCreator(random, i));
}

const byValue = (key) => (a, b) => (b[key] ?? -Infinity) - (a[key] ?? -Infinity) || (a.platformProfileId < b.platformProfileId ? -1 : 1);

/** Rows of one month's leaderboard with all ranks, as the published table has them. */
export function boardOf(population, month) {
  const last = `${month.slice(0, 7)}-31`;
  const rows = population
    .filter((creator) => creator.series[0].date <= last)
    .map((creator) => ({
      ...pick(creator, ["platform", "platformProfileId", "handle", "title", "thumbnailUrl", "country", "category", "language", "engagementRate"]),
      followers: at(creator.series, last, "followers"),
      followersChange: changeIn(creator.series, month, "followers"),
      views: at(creator.series, last, "views"),
      viewsChange: changeIn(creator.series, month, "views"),
      uploads: at(creator.series, last, "uploads"),
      likes: creator.videos.reduce((sum, video) => sum + video.likes, 0),
      comments: creator.videos.reduce((sum, video) => sum + video.comments, 0),
      month,
      ranks: {},
    }));
  for (const [key, name] of [["followers", "followersRank"], ["followersChange", "followersChangeRank"], ["views", "viewsRank"], ["viewsChange", "viewsChangeRank"]]) {
    const inCategory = new Map();
    [...rows].sort(byValue(key)).forEach((row, i) => {
      row.ranks[name] = i + 1;
      const place = (inCategory.get(row.category) ?? 0) + 1;
      inCategory.set(row.category, place);
      row.ranks[`${name}ByCategory`] = place;
    });
  }
  return rows;
}

export function growthOf(series, days) {
  const end = series.findLast((point) => !point.gap);
  const limit = new Date(Date.parse(end.date) - days * DAY_MS).toISOString().slice(0, 10);
  const begin = series.findLast((point) => !point.gap && point.date <= limit);
  if (!begin) return null;
  const changes = ["followers", "views", "uploads"].map((metric) => [metric, end[metric] - begin[metric]]);
  return { ...Object.fromEntries(changes), startDate: begin.date, endDate: end.date };
}

export function pick(object, names) {
  return Object.fromEntries(names.map((name) => [name, object[name]]));
}
