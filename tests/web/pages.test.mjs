// The pages in real Chromium. With DALGONA_API=URL they are those of a running coffee with collected data; without, those of the mock.
// Nothing here knows the data: what must be on a page is asked from the same API first.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startBrowser } from "./browser.mjs";
import { startMockApi } from "./mock_api.mjs";

const given = process.env.DALGONA_API?.replace(/\/$/, "");
let api;
let browser;

before(async () => {
  api = given ? { url: given, close: async () => {} } : await startMockApi();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await api?.close();
});

async function ask(path, body) {
  const response = await fetch(api.url + path, body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  assert.equal(response.status, 200, `${path}: ${await response.clone().text()}`);
  return response.json();
}
const board = (body = {}) => ask("/leaderboard-service/api/leaderboard/platform/YOUTUBE", body);
const topVideos = (body = {}) => ask("/leaderboard-service/api/leaderboard/platform/YOUTUBE/posts", body);
const creatorPath = (row) => `/creator/YOUTUBE/${row.platformProfileId}`;
const seriesOf = async (row) => (await ask(`/discovery-service/api/profile/YOUTUBE/${row.platformProfileId}/timeseries`, {})).data;
const nameOf = (row) => row.title || row.handle || row.platformProfileId;
const squeezed = (text) => text.replace(/\s+/g, " ").trim();

/** Opens `path`, runs `look`, and sees that the page did nothing wrong meanwhile. */
async function visit(path, options, look) {
  const view = await browser.open(api.url + path, options);
  try {
    await look(view.page, view);
    assert.deepEqual(await view.wrongs(options), []);
  } finally {
    await view.close();
  }
}

const names = (page) => page.locator("tbody .cell-link").allTextContents();
const rowsAre = (page, rows) => page.waitForFunction((wanted) => JSON.stringify([...document.querySelectorAll("tbody .cell-link")].map((link) => link.textContent)) === wanted && !document.querySelector(".is-previous"), JSON.stringify(rows.map(nameOf)));

/** How many pixels of the chart have the line's colour, and where the leftmost and rightmost of them are, as shares of the width. */
function inkOf(page) {
  return page.locator(".chart canvas").first().evaluate((canvas) => {
    const probe = document.createElement("canvas").getContext("2d");
    probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--accent");
    probe.fillRect(0, 0, 1, 1);
    const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
    const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    let left = width;
    let right = -1;
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const at = (y * width + x) * 4;
        if (data[at + 3] < 200 || Math.abs(data[at] - r) + Math.abs(data[at + 1] - g) + Math.abs(data[at + 2] - b) > 24) continue;
        count += 1;
        left = Math.min(left, x);
        right = Math.max(right, x);
      }
    return { count, left: left / width, right: right / width };
  });
}

async function chartIsDrawn(page) {
  await page.locator(".chart canvas").first().waitFor();
  let ink = { count: 0 };
  for (let i = 0; i < 40 && ink.count < 200; i++) {
    ink = await inkOf(page);
    if (ink.count < 200) await page.waitForTimeout(50);
  }
  assert.ok(ink.count >= 200, `only ${ink.count} pixels of a line`);
  return ink;
}

describe("leaderboard", () => {
  it("shows the rows that the API gives, in its order, with the totals", async () => {
    const [{ data, totalCount }, status] = [await board(), (await ask("/api/status")).data];
    assert.ok(data.length > 3, "the test needs a leaderboard");
    await visit("/", {}, async (page, view) => {
      await rowsAre(page, data);
      const ranks = (await page.locator("td.rank .rank-number").allTextContents()).map(Number);
      assert.deepEqual(ranks, data.map((row) => row.rank));
      await page.locator(".totals", { hasText: /\d/ }).waitFor(); // they are another answer than the rows
      const totals = squeezed(await page.locator(".totals").innerText());
      for (const figure of [status.profiles, status.posts]) assert.ok(totals.includes(figure.toLocaleString("en")), `${totals} has no ${figure}`);
      assert.ok((await page.locator(".pager-where").innerText()).endsWith(totalCount.toLocaleString("en")));
      await view.shot("leaderboard");
    });
  });

  it("leads from a pressed row to the creator, and back to the same place", async () => {
    const { data } = await board();
    await visit("/", {}, async (page) => {
      await rowsAre(page, data);
      // The figures' cell is no link: the row itself must react.
      await page.locator("tbody tr").nth(2).locator("td.ranked").click();
      await page.waitForURL((url) => url.pathname === creatorPath(data[2]));
      await page.getByRole("heading", { level: 1, name: nameOf(data[2]) }).waitFor();
      assert.ok((await page.title()).startsWith(nameOf(data[2])));
      await page.goBack();
      await rowsAre(page, data);
    });
  });

  it("keeps month, category and order in the URL: link, reload and back show the same", async () => {
    const meta = (await ask("/api/meta")).data;
    const [category, month] = [meta.categories[0], meta.months.at(-1)];
    const wanted = (await board({ category, month, sortBy: "views" })).data;
    await visit("/", {}, async (page) => {
      await page.getByLabel("Month").selectOption(month);
      await page.getByLabel("Category").selectOption(category);
      await page.locator("label.segment", { hasText: /^Views$/ }).click();
      await rowsAre(page, wanted);
      const url = new URL(page.url());
      assert.equal(url.searchParams.get("category"), category);
      assert.equal(url.searchParams.get("sort"), "views");
      await page.reload();
      await rowsAre(page, wanted);
      await page.goBack();
      assert.equal(new URL(page.url()).searchParams.get("sort"), null);
      assert.ok(await page.getByRole("radio", { name: "Followers gained" }).isChecked());
    });
  });

  it("pages forward and back without losing or repeating a row", async () => {
    const first = await board();
    if (!first.status.nextCursor) return;
    const second = await board({ cursor: first.status.nextCursor });
    await visit("/", {}, async (page) => {
      await rowsAre(page, first.data);
      await page.getByRole("link", { name: "Next" }).click();
      await rowsAre(page, second.data);
      assert.ok((await page.locator(".pager-where").innerText()).startsWith("21–"));
      const deep = page.url();
      await page.getByRole("link", { name: "Previous" }).click();
      await rowsAre(page, first.data);
      await page.goto(deep);
      await rowsAre(page, second.data);
    });
  });

  it("has a tab of videos by growth of views, whose rows lead to the video", async () => {
    const { data } = await topVideos();
    await visit("/", {}, async (page, view) => {
      await page.getByRole("navigation", { name: "Leaderboards" }).getByRole("link", { name: "Videos" }).click();
      await page.locator(`a.cell-link[href="/video/YOUTUBE/${data[0].shortcode}"]`).waitFor();
      assert.deepEqual(await names(page), data.map((row) => row.title || row.shortcode));
      const growth = await page.locator("td.ranked data").evaluateAll((all) => all.map((one) => Number(one.value)));
      assert.deepEqual(growth, data.map((row) => row.viewsGrowth));
      await view.shot("videos");
      await page.locator("tbody tr").first().locator("td.ranked").click();
      await page.waitForURL((url) => url.pathname === `/video/YOUTUBE/${data[0].shortcode}`);
    });
  });
});

describe("creator", () => {
  it("draws the growth and shows figures and videos", async () => {
    const { data } = await board();
    const points = await seriesOf(data[0]);
    await visit(creatorPath(data[0]), {}, async (page, view) => {
      const ink = await chartIsDrawn(page);
      if (points.length > 10) assert.ok(ink.left < 0.2 && ink.right > 0.8, `the line reaches from ${ink.left} to ${ink.right} only`);
      const followers = Number(await page.locator(".tile-value data").first().getAttribute("value"));
      assert.equal(followers, points.findLast((point) => !point.gap).followers);
      await page.locator("tbody .cell-link").first().waitFor();
      await view.shot("creator", { fullPage: true });
    });
  });

  it("has the same values in a table, day by day, gaps marked", async () => {
    const rows = (await board({ size: 100 })).data;
    let chosen = rows[0];
    for (const row of rows.slice(0, 30)) if ((await seriesOf(row)).some((point) => point.gap)) { chosen = row; break; }
    const points = await seriesOf(chosen);
    await visit(creatorPath(chosen), {}, async (page) => {
      await chartIsDrawn(page);
      await page.locator("label.segment", { has: page.getByRole("radio", { name: "Table" }) }).click();
      await page.locator(".series-table").waitFor();
      assert.equal(new URL(page.url()).searchParams.get("view"), "table");
      const shown = await page.locator(".series-table tbody tr").evaluateAll((all) => all.map((row) => [row.cells[1].textContent, row.cells[3].textContent, row.className]));
      const wanted = points.toReversed().map((point) => [point.followers.toLocaleString("en"), point.views.toLocaleString("en"), point.gap ? "is-gap" : ""]);
      assert.deepEqual(shown, wanted);
    });
  });

  it("changes metric, range and mode, each drawn anew and kept in the URL", async () => {
    const { data } = await board();
    await visit(creatorPath(data[1]), {}, async (page, view) => {
      await chartIsDrawn(page);
      const picture = () => page.locator(".chart canvas").first().evaluate((canvas) => canvas.toDataURL());
      const seen = new Set([await picture()]);
      for (const [group, choice] of [["Metric", "Views"], ["Values", "Gained a day"], ["Range", "7D"]]) {
        await page.getByRole("group", { name: group }).locator("label.segment", { hasText: choice }).click();
        await page.waitForFunction((old) => !old.includes(document.querySelector(".chart canvas").toDataURL()), [...seen]);
        seen.add(await picture());
      }
      assert.deepEqual(Object.fromEntries(new URL(page.url()).searchParams), { metric: "views", mode: "daily", range: "7" });
      await view.shot("creator-daily");
    });
  });

  it("tells a day's value at the pointer and at the arrow keys, without breaking the policy", async () => {
    const { data } = await board();
    const last = (await seriesOf(data[0])).at(-1);
    await visit(creatorPath(data[0]), {}, async (page) => {
      await chartIsDrawn(page);
      const box = await page.locator(".chart").boundingBox();
      await page.mouse.move(box.x + box.width * 0.6, box.y + box.height / 2);
      await page.locator(".chart-tip strong").waitFor();
      assert.match(await page.locator(".chart-tip").innerText(), /\d{4}[\s\S]*\d followers/);
      await page.locator(".chart").focus();
      await page.keyboard.press("End");
      await page.waitForFunction((value) => document.querySelector(".series .visually-hidden[role=status]").textContent.includes(value), last.followers.toLocaleString("en"));
    });
  });

  it("draws the same days west of Greenwich as east of it", async () => {
    const { data } = await board();
    const pictures = [];
    for (const zone of ["America/Los_Angeles", "Pacific/Auckland"])
      await visit(creatorPath(data[0]), { zone }, async (page) => {
        await chartIsDrawn(page);
        pictures.push(await page.locator(".chart canvas").first().evaluate((canvas) => canvas.toDataURL()));
        await page.locator(".chart").focus();
        await page.keyboard.press("Home");
        await page.waitForFunction(() => document.querySelector(".series .visually-hidden[role=status]").textContent);
        pictures.push(await page.locator(".series .visually-hidden[role=status]").textContent());
      });
    assert.deepEqual(pictures.slice(0, 2), pictures.slice(2));
  });

  it("stands still whichever answer comes last, wide and on a phone", async () => {
    const { data } = await board({ size: 3 });
    for (const row of data)
      for (const size of [{}, { width: 390, height: 844, touch: true }])
        for (const late of [/profile\/YOUTUBE\/[^/]+$/, /\/timeseries$/, /\/content$/])
          await visit(creatorPath(row), { ...size, late, ...(!given && { shift: 0.003 }) }, async (page) => {
            await page.getByRole("heading", { level: 1, name: squeezed(nameOf(row)) }).waitFor();
            await chartIsDrawn(page);
            await page.locator("[aria-busy=true], .skeleton").first().waitFor({ state: "detached" });
          });
  });

  // With an answer later than half a second rows that moved among each other were a layout shift, though asked for.
  for (const late of [null, /\/content$/])
    it(`sorts the videos by a column, twice for the other way round${late ? ", and a late answer moves nothing" : ""}`, async (t) => {
      // One whose order really changes, three rows or more.
      let chosen;
      let wanted = [];
      for (const row of (await board({ size: 100 })).data) {
        const content = async (order) => (await ask(`/discovery-service/api/profile/YOUTUBE/${row.platformProfileId}/content`, order)).data;
        wanted = await content({ sortBy: "views", sortDir: "ASC" });
        if (wanted.length < 3 || wanted[0].shortcode === (await content({}))[0].shortcode) continue;
        chosen = row;
        break;
      }
      assert.ok(chosen || given, "the mock has such a creator");
      if (!chosen) return t.skip("no creator whose three videos or more change their order");
      await visit(creatorPath(chosen), { late, height: 1600, ...(late && { shift: 0.002 }) }, async (page) => {
        const head = page.getByRole("columnheader", { name: "Views", exact: true });
        await page.locator("tbody .cell-link").first().waitFor();
        if (late) await page.evaluate(() => window.settled().then(() => (window.shift = 0))); // only what the order moves counts here
        await head.getByRole("button").click();
        await page.waitForURL(/sort=views/);
        await page.waitForFunction(() => document.querySelector('[aria-sort="descending"]')?.textContent === "Views");
        await head.getByRole("button").click();
        await page.waitForURL(/dir=ASC/);
        await rowsAre(page, wanted.map((row) => ({ title: row.title || row.shortcode })));
      });
    });

  it("that is not there is said so", async () => {
    await visit("/creator/YOUTUBE/UCnobody", { expected: /404/ }, async (page, view) => {
      await page.getByRole("heading", { level: 1, name: "No such creator" }).waitFor();
      await view.shot("creator-missing");
    });
  });
});

describe("video", () => {
  it("draws its own series and leads to its creator", async () => {
    const { data } = await topVideos();
    await visit(`/video/YOUTUBE/${data[0].shortcode}`, { shift: 0.1 }, async (page, view) => {
      await chartIsDrawn(page);
      await page.getByRole("heading", { level: 1, name: squeezed(data[0].title) }).waitFor();
      assert.equal(Number(await page.locator(".tile-growth data").first().getAttribute("value")), data[0].viewsGrowth);
      await view.shot("video");
      await page.locator(".by-link").click();
      await page.waitForURL((url) => url.pathname === creatorPath(data[0]));
    });
  });
});

describe("search", () => {
  // A word of the third creator's title, long enough for any index.
  const wordOf = async () => {
    const { data } = await board({ size: 50 });
    return data.flatMap((row) => (row.title ?? "").match(/[A-Za-z]{4,}/g) ?? [])[2];
  };
  const find = (name, size = 20) => ask("/discovery-service/api/profile/YOUTUBE/search", { filters: [{ filterType: "LIKE", field: "name", value: name }], size });

  it("suggests while typing; arrow keys choose, Enter goes there", async () => {
    const word = await wordOf();
    const { data } = await find(word, 6);
    await visit("/", {}, async (page, view) => {
      await page.locator("tbody .cell-link").first().waitFor();
      await page.keyboard.press("/");
      await page.keyboard.type(word, { delay: 15 });
      const options = page.getByRole("listbox").getByRole("option");
      await options.nth(data.length - 1).waitFor();
      assert.deepEqual(await options.locator(".suggestion-name > :first-child").allTextContents(), data.map(nameOf));
      await view.shot("suggestions");
      await page.keyboard.press("ArrowDown");
      assert.equal(await options.first().getAttribute("aria-selected"), "true");
      await page.keyboard.press("Enter");
      await page.waitForURL((url) => url.pathname === creatorPath(data[0]));
    });
  });

  it("has a page of results", async () => {
    const word = await wordOf();
    const { data, totalCount } = await find(word);
    await visit("/", {}, async (page, view) => {
      await page.getByRole("combobox", { name: "Search creators" }).fill(word);
      await page.keyboard.press("Enter");
      await page.waitForURL((url) => url.pathname === "/search" && url.searchParams.get("q") === word);
      await rowsAre(page, data);
      await page.getByRole("status").filter({ hasText: totalCount === 1 ? "1 creator" : `${totalCount.toLocaleString("en")} creators` }).first().waitFor();
      await view.shot("search");
    });
  });

  it("says when there is nobody", async () => {
    await visit("/search?q=zqzqzqzq", { shift: 0.1 }, async (page, view) => {
      await page.getByRole("heading", { name: "No creator found" }).waitFor();
      await view.shot("search-nobody");
    });
  });
});

describe("trouble", () => {
  it("an API that does not answer is said so, asked again, and its data shown when it is back", async () => {
    const { data } = await board();
    const view = await browser.open(`${api.url}/nowhere/at-all`, { expected: /Failed to load resource/ });
    try {
      const { page } = view;
      await page.getByRole("heading", { level: 1, name: "No such page" }).waitFor();
      const isApi = (url) => /^\/(api|discovery-service|leaderboard-service)\//.test(url.pathname);
      await page.route(isApi, (route) => route.abort("connectionrefused"));
      await page.goto(`${api.url}/`);
      await page.getByRole("heading", { name: "The API does not answer" }).waitFor();
      await page.getByText(/Trying again/).waitFor();
      await view.shot("api-away");
      await page.unroute(isApi);
      // By itself: nothing is pressed.
      await rowsAre(page, data);
      assert.deepEqual(await view.wrongs({ shift: 0.1 }), []);
    } finally {
      await view.close();
    }
  });

  it("what is shown stays when the API goes away, with a note", async () => {
    const { data } = await board();
    const view = await browser.open(`${api.url}${creatorPath(data[0])}`, { expected: /Failed to load resource/ });
    try {
      const { page } = view;
      await chartIsDrawn(page);
      const isApi = (url) => url.pathname.startsWith("/discovery-service/");
      await page.route(isApi, (route) => route.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify({ status: 503, detail: "The warehouse does not answer." }) }));
      await page.getByText("The warehouse does not answer.").first().waitFor({ timeout: 30_000 });
      assert.ok(await page.locator(".chart canvas").first().isVisible());
      await view.shot("stale");
    } finally {
      await view.close();
    }
  });

  it("a wrong address is a page of its own", async () => {
    await visit("/no/such/page", {}, async (page, view) => {
      await page.getByRole("heading", { level: 1, name: "No such page" }).waitFor();
      await view.shot("page-missing");
      await page.getByRole("link", { name: "To the leaderboard", exact: true }).click();
      await page.getByRole("heading", { level: 1, name: "Leaderboard" }).waitFor();
    });
  });
});

describe("looks", () => {
  for (const [width, height] of [[360, 740], [768, 1024], [1600, 1000]])
    for (const dark of [false, true])
      it(`fits ${width} px, ${dark ? "dark" : "light"}: nothing sticks out, everything pressed is big enough`, async () => {
        const [{ data }, videos] = [await board(), (await topVideos()).data];
        for (const [name, path] of [["leaderboard", "/"], ["videos", "/videos"], ["creator", creatorPath(data[0])], ["video", `/video/YOUTUBE/${videos[0].shortcode}`], ["search", "/search?q=a"]])
          // Titles of five lines may need more room than was kept; 0.1 is still what Web Vitals call good.
          await visit(path, { width, height, dark, shift: 0.1 }, async (page, view) => {
            await page.waitForLoadState("networkidle");
            if (name === "creator" || name === "video") await chartIsDrawn(page);
            await view.shot(`${name}-${width}-${dark ? "dark" : "light"}`, { fullPage: true });
            assert.equal(await page.locator("html").getAttribute("data-theme"), dark ? "dark" : "light");
            const { scroll, client } = await page.evaluate(() => ({ scroll: document.documentElement.scrollWidth, client: document.documentElement.clientWidth }));
            assert.ok(scroll <= client, `${name} is ${scroll - client} px too wide`);
            // WCAG 2.2, 2.5.8: 24 px each way, but for links within text.
            const small = await page.evaluate(() =>
              [...document.querySelectorAll("button, input:not([type=radio]), select, .segment, a.button, .tabs a")]
                .filter((node) => node.offsetParent && !node.classList.contains("link"))
                .filter((node) => node.getBoundingClientRect().height < 24 || node.getBoundingClientRect().width < 24)
                .map((node) => node.outerHTML.slice(0, 80)),
            );
            assert.deepEqual(small, []);
          });
      });

  it("the switch turns the colours, the chart's too, and the choice stays", async () => {
    const { data } = await board();
    await visit(creatorPath(data[0]), { dark: false }, async (page) => {
      await chartIsDrawn(page);
      const light = await page.locator(".chart canvas").first().evaluate((canvas) => canvas.toDataURL());
      await page.getByRole("button", { name: "Switch to dark colours" }).click();
      await page.waitForFunction((before) => document.querySelector(".chart canvas").toDataURL() !== before, light);
      await chartIsDrawn(page);
      await page.reload();
      assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
    });
  });

  it("the keyboard reaches everything, in order, beginning with the way to the content", async () => {
    const { data } = await board();
    await visit("/", {}, async (page) => {
      await rowsAre(page, data);
      await page.keyboard.press("Tab");
      assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to content");
      const reached = new Set();
      for (let i = 0; i < 60; i++) {
        await page.keyboard.press("Tab");
        reached.add(await page.evaluate(() => document.activeElement.getAttribute("href") ?? document.activeElement.getAttribute("name") ?? document.activeElement.tagName));
      }
      for (const row of data) assert.ok(reached.has(creatorPath(row)), `${nameOf(row)} can't be reached`);
      await page.locator("tbody .cell-link").first().focus();
      await page.keyboard.press("Enter");
      await page.waitForURL((url) => url.pathname === creatorPath(data[0]));
      // A screen reader goes on at the new page's heading.
      await page.waitForFunction(() => document.activeElement?.tagName === "H1");
    });
  });
});
