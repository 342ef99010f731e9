// A stand-in for coffee while the pages are made: answers after docs/api.md from made-up data, refuses what the contract refuses, and serves
// the built pages under the same Content-Security-Policy.
//   node tests/web/mock_api.mjs [--port 8080] [--creators 240]
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { boardOf, FIRST_DAY, growthOf, LAST_DAY, makePopulation, pick } from "./mock_data.mjs";

export const DIST = resolve(process.env.DALGONA_WEB_DIST ?? fileURLToPath(new URL("../../web/dist", import.meta.url)));

// Word for word what coffee sends (src/coffee/pages/pages.cc).
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".woff2": "font/woff2", ".json": "application/json", ".png": "image/png" };
const MONTHS = ["2017-10-01", "2017-09-01", "2017-08-01"];
const MAX_DEEP = 10_000;

class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

function makeWorld(count) {
  const creators = makePopulation(count);
  const videos = creators.flatMap((creator) => creator.videos);
  const boards = new Map((count ? MONTHS : []).map((month) => [month, boardOf(creators, month)]));
  const ranked = [...videos].sort((a, b) => b.viewsGrowth - a.viewsGrowth || (a.shortcode < b.shortcode ? -1 : 1));
  const placeOf = new Map(ranked.map((video, i) => [video.shortcode, i + 1]));
  return {
    creators: new Map(creators.map((creator) => [creator.platformProfileId, creator])),
    videos: new Map(videos.map((video) => [video.shortcode, video])),
    ranked,
    placeOf,
    boards,
    categories: [...new Set(creators.map((creator) => creator.category))].sort(),
    logs: [creators, videos].map((all) => all.reduce((sum, one) => sum + one.series.filter((point) => !point.gap).length, 0)),
  };
}

function onlyKeys(body, allowed) {
  for (const key of Object.keys(body)) if (!allowed.includes(key)) throw new Problem(400, `${key}: no such field; known are ${allowed.join(", ")}`);
}

/** One page of `rows`; the cursor holds where the page before ended and the question it belongs to. */
function paged(rows, body, question) {
  const size = body.size ?? 20;
  if (!Number.isInteger(size) || size < 1 || size > 100) throw new Problem(400, "size: from 1 to 100");
  if (body.page !== undefined && body.cursor !== undefined) throw new Problem(400, "cursor: page and cursor exclude each other");
  const key = JSON.stringify(question);
  let from = 0;
  if (body.cursor !== undefined) {
    let cursor;
    try {
      cursor = JSON.parse(Buffer.from(body.cursor, "base64url").toString());
    } catch {
      throw new Problem(400, "cursor: can't be read");
    }
    if (cursor.question !== key) throw new Problem(400, "cursor: belongs to another question");
    from = cursor.from;
  } else if (body.page !== undefined) {
    if (!Number.isInteger(body.page) || body.page < 1) throw new Problem(400, "page: a whole number from 1");
    from = (body.page - 1) * size;
    if (from + size > MAX_DEEP) throw new Problem(400, "page: reaches 10,000 rows deep; use the cursor");
  }
  const data = rows.slice(from, from + size);
  const next = from + size < rows.length ? Buffer.from(JSON.stringify({ from: from + size, question: key })).toString("base64url") : null;
  return { data, totalCount: rows.length, nextCursor: next };
}

function sorted(rows, by, dir) {
  const sign = dir === "ASC" ? -1 : 1;
  return [...rows].sort((a, b) => {
    if (a[by] === null || b[by] === null) return (a[by] === null) - (b[by] === null);
    return sign * (a[by] < b[by] ? 1 : a[by] > b[by] ? -1 : 0);
  });
}

function oneOf(body, name, allowed, fallback) {
  const value = body[name] ?? fallback;
  if (!allowed.includes(value)) throw new Problem(400, `${name}: '${value}' is none of ${allowed.join(", ")}`);
  return value;
}

function leaderboard(world, body) {
  onlyKeys(body, ["month", "category", "language", "sortBy", "sortDir", "page", "cursor", "size"]);
  const by = oneOf(body, "sortBy", ["followers", "followers_lifetime", "views", "views_change", "plays"], "followers");
  const rankName = { followers: "followersChangeRank", followers_lifetime: "followersRank", views: "viewsRank", views_change: "viewsChangeRank", plays: "viewsRank" }[by];
  const name = body.category ? `${rankName}ByCategory` : rankName;
  const month = body.month ?? MONTHS[0];
  const before = new Map((world.boards.get(MONTHS[MONTHS.indexOf(month) + 1]) ?? []).map((row) => [row.platformProfileId, row]));
  let rows = (world.boards.get(month) ?? []).filter((row) => (!body.category || row.category === body.category) && (!body.language || row.language === body.language));
  rows = rows.sort((a, b) => a.ranks[name] - b.ranks[name]).map(({ ranks, ...row }, i) => ({
    rank: body.language ? i + 1 : ranks[name],
    previousRank: body.language ? null : (before.get(row.platformProfileId)?.ranks[name] ?? null),
    ...row,
  }));
  return paged(rows, body, ["board", month, body.category, body.language, by]);
}

function search(world, body) {
  onlyKeys(body, ["filters", "sortBy", "sortDir", "page", "cursor", "size"]);
  const by = oneOf(body, "sortBy", ["followers", "views", "uploads", "engagementRate", "publishedAt"], "followers");
  const dir = oneOf(body, "sortDir", ["ASC", "DESC"], "DESC");
  let rows = [...world.creators.values()];
  for (const { filterType, field, value } of body.filters ?? []) {
    const text = String(value).toLowerCase();
    if (filterType === "LIKE" && field === "name") rows = rows.filter((row) => `${row.title} ${row.handle ?? ""}`.toLowerCase().includes(text));
    else if (filterType === "EQ" && ["category", "country", "language"].includes(field)) rows = rows.filter((row) => row[field] === value);
    else throw new Problem(400, `filters: ${filterType} of '${field}' is not known here`);
  }
  const names = ["platform", "platformProfileId", "handle", "title", "thumbnailUrl", "country", "category", "language", "followers", "views", "uploads", "engagementRate", "publishedAt", "observedAt"];
  return paged(sorted(rows, by, dir).map((row) => pick(row, names)), body, ["search", body.filters, by, dir]);
}

function profile(world, creator) {
  const [now, before] = MONTHS.map((month) => world.boards.get(month)?.find((row) => row.platformProfileId === creator.platformProfileId)?.ranks);
  const names = ["platform", "platformProfileId", "handle", "title", "description", "thumbnailUrl", "country", "category", "language", "followers", "views", "uploads", "engagementRate", "publishedAt", "observedAt"];
  return {
    ...pick(creator, names),
    growth: Object.fromEntries([7, 30, 90, 365].map((days) => [`${days}d`, growthOf(creator.series, days)])),
    ranks: now ? { month: MONTHS[0], ...now, previous: before ?? null } : null,
  };
}

function content(creator, body) {
  onlyKeys(body, ["sortBy", "sortDir", "page", "cursor", "size"]);
  const by = oneOf(body, "sortBy", ["views", "likes", "comments", "publishedAt", "viewsGrowth"], "publishedAt");
  const dir = oneOf(body, "sortDir", ["ASC", "DESC"], "DESC");
  const names = ["platform", "shortcode", "platformProfileId", "title", "thumbnailUrl", "publishedAt", "category", "durationSeconds", "views", "likes", "comments", "viewsGrowth", "engagementRate"];
  return paged(sorted(creator.videos, by, dir).map((row) => pick(row, names)), body, ["content", creator.platformProfileId, by, dir]);
}

function post(world, video) {
  const creator = world.creators.get(video.platformProfileId);
  const names = ["platform", "shortcode", "platformProfileId", "title", "description", "tags", "category", "thumbnailUrl", "publishedAt", "durationSeconds", "views", "likes", "comments", "engagementRate"];
  return {
    ...pick(video, names),
    channelTitle: creator.title,
    channelHandle: creator.handle,
    observedAt: creator.observedAt,
    growth: { firstDate: video.firstDate, lastDate: video.lastDate, views: video.viewsGrowth, likes: video.likesGrowth, comments: video.commentsGrowth },
  };
}

function topPosts(world, body) {
  onlyKeys(body, ["sortBy", "category", "page", "cursor", "size"]);
  oneOf(body, "sortBy", ["views_growth"], "views_growth");
  const names = ["platform", "shortcode", "platformProfileId", "title", "category", "thumbnailUrl", "publishedAt", "firstDate", "lastDate", "firstViews", "viewsGrowth", "likesGrowth", "commentsGrowth"];
  const rows = world.ranked
    .filter((video) => !body.category || video.category === body.category)
    .map((video) => ({ rank: world.placeOf.get(video.shortcode), channelTitle: world.creators.get(video.platformProfileId).title, lastViews: video.views, ...pick(video, names) }));
  return paged(rows, body, ["posts", body.category]);
}

function series(points, body) {
  onlyKeys(body, ["startDate", "endDate"]);
  const data = points.filter((point) => (!body.startDate || point.date >= body.startDate) && (!body.endDate || point.date <= body.endDate));
  return { data, totalCount: data.length, nextCursor: null };
}

const one = (data) => ({ data, totalCount: 1, nextCursor: null });

function answer(world, method, path, body) {
  const parts = path.split("/").slice(1).map(decodeURIComponent);
  const creatorOf = (id) => world.creators.get(id) ?? fail(404, "no such profile");
  const videoOf = (code) => world.videos.get(code) ?? fail(404, "no such post");
  const fail = (status, detail) => {
    throw new Problem(status, detail);
  };
  const route = `${method} ${parts.slice(0, 3).join("/")} ${parts.length}`;
  if (method === "GET" && path === "/api/status") {
    const dates = world.creators.size ? { firstDate: FIRST_DAY, lastDate: LAST_DAY } : { firstDate: null, lastDate: null };
    const publication = world.boards.size ? { snapshotId: "0192c3a0-0000-7000-8000-000000000000", finishedAt: new Date(Date.now() - 180_000).toISOString() } : null;
    return one({ profileLogs: world.logs[0], postLogs: world.logs[1], profiles: world.creators.size, posts: world.videos.size, ...dates, publication });
  }
  if (method === "GET" && path === "/api/meta") return one({ platforms: ["YOUTUBE"], months: [...world.boards.keys()], categories: world.categories, languages: world.creators.size ? ["en", "hi"] : [] });
  if (route === "POST leaderboard-service/api/leaderboard 5") return leaderboard(world, body);
  if (route === "POST leaderboard-service/api/leaderboard 6" && parts[5] === "posts") return topPosts(world, body);
  if (route === "GET discovery-service/api/profile 5") return one(profile(world, creatorOf(parts[4])));
  if (route === "POST discovery-service/api/profile 5" && parts[4] === "search") return search(world, body);
  if (route === "POST discovery-service/api/profile 6" && parts[5] === "timeseries") return series(creatorOf(parts[4]).series, body);
  if (route === "POST discovery-service/api/profile 6" && parts[5] === "content") return content(creatorOf(parts[4]), body);
  if (route === "GET discovery-service/api/post 5") return one(post(world, videoOf(parts[4])));
  if (route === "POST discovery-service/api/post 6" && parts[5] === "timeseries") return series(videoOf(parts[4]).series, body);
  throw new Problem(404, "no such path");
}

function sendFile(response, path) {
  const file = join(DIST, normalize(path));
  let found = file;
  try {
    if (!file.startsWith(DIST) || !statSync(file).isFile()) throw new Error("no file");
  } catch {
    if (extname(path)) return sendProblem(response, new Problem(404, "no such file"));
    found = join(DIST, "index.html");
  }
  const hashed = found.startsWith(join(DIST, "assets"));
  response.writeHead(200, {
    "Content-Type": TYPES[extname(found)] ?? "application/octet-stream",
    "Cache-Control": hashed ? "public, max-age=31536000, immutable" : "no-cache",
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
  });
  createReadStream(found).on("error", () => response.destroy()).pipe(response);
}

function sendProblem(response, { status, message }) {
  response.writeHead(status, { "Content-Type": "application/problem+json", ...(status === 503 && { "Retry-After": "1" }) });
  response.end(JSON.stringify({ type: "about:blank", title: "Error", status, detail: message }));
}

const BODY_LIMIT = 65_536;

async function readBody(request) {
  let text = "";
  for await (const part of request.setEncoding("utf8")) {
    text += part;
    if (text.length > BODY_LIMIT) throw new Problem(413, "a body over 64 KiB");
  }
  try {
    return text ? JSON.parse(text) : {};
  } catch {
    throw new Problem(400, "the body is not JSON");
  }
}

/**
 * Listens on loopback. `key` set: answers only to it. Resolves to { url, close() }.
 * @param {{ port?: number, creators?: number, key?: string }} options
 */
export async function startMockApi({ port = 0, creators = 240, key } = {}) {
  const world = makeWorld(creators);
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://127.0.0.1");
    if (!/^\/(api|discovery-service|leaderboard-service)\//.test(pathname)) return sendFile(response, pathname);
    try {
      if (key && request.headers.authorization !== `Bearer ${key}`) throw new Problem(401, "no key, or a wrong one");
      const { data, totalCount, nextCursor } = answer(world, request.method, pathname, await readBody(request));
      response.writeHead(200, { "Content-Type": "application/json" });
      response.end(JSON.stringify({ data, count: Array.isArray(data) ? data.length : 1, totalCount, status: { status: "SUCCESS", message: "", nextCursor, totalCountExact: true } }));
    } catch (error) {
      if (error instanceof Problem) return sendProblem(response, error);
      console.error(error);
      sendProblem(response, new Problem(500, "the mock is broken"));
    }
  });
  await new Promise((done, failed) => server.once("error", failed).listen(port, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () =>
      new Promise((done) => {
        server.close(done);
        server.closeAllConnections();
      }),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const option = (name, fallback) => Number(process.argv[process.argv.indexOf(`--${name}`) + 1] || fallback);
  const given = (name, fallback) => (process.argv.includes(`--${name}`) ? option(name, fallback) : fallback);
  const { url } = await startMockApi({ port: given("port", 8080), creators: given("creators", 240) });
  console.log(`mock API and pages: ${url}`);
}
