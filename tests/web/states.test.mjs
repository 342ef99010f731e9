// States that a server full of data can't show: nothing collected, a key asked for. On mocks, always.
import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { startBrowser } from "./browser.mjs";
import { startMockApi } from "./mock_api.mjs";

let browser;
before(async () => {
  browser = await startBrowser();
});
after(() => browser?.close());

it("before the first crawl the pages say so, and find nothing wrong with it", async () => {
  const api = await startMockApi({ creators: 0 });
  const view = await browser.open(api.url);
  try {
    await view.page.getByRole("heading", { name: "Nothing collected yet" }).waitFor();
    await view.shot("nothing-collected");
    await view.page.getByRole("link", { name: "Videos" }).click();
    await view.page.getByRole("heading", { name: "Nothing collected yet" }).waitFor();
    // The foot comes up to a page that turns out to be short.
    assert.deepEqual(await view.wrongs({ shift: 0.1 }), []);
  } finally {
    await view.close();
    await api.close();
  }
});

it("a server that wants a key is given one, in the header and never in the URL", async () => {
  const api = await startMockApi({ creators: 30, key: "dk_right" });
  const view = await browser.open(api.url, { expected: /401/ });
  try {
    const { page } = view;
    await page.getByRole("heading", { name: "An access key, please" }).waitFor();
    await view.shot("key");
    await page.getByLabel("Access key").fill("dk_wrong");
    await page.getByRole("button", { name: "Use it" }).click();
    await page.getByRole("alert").waitFor();
    await page.getByLabel("Access key").fill("dk_right");
    await page.getByRole("button", { name: "Use it" }).click();
    await page.locator("tbody .cell-link").nth(19).waitFor();
    assert.ok(!page.url().includes("dk_"));
    assert.ok((await page.getByLabel("Category").locator("option").count()) > 1, "the other requests use the key, too");
    await page.reload();
    await page.locator("tbody .cell-link").nth(19).waitFor();
    assert.deepEqual(await view.wrongs({ shift: 0.1 }), []);
  } finally {
    await view.close();
    await api.close();
  }
});

it("the mock refuses what the contract refuses", async () => {
  const api = await startMockApi({ creators: 60 });
  const post = (path, body) => fetch(api.url + path, { method: "POST", body: JSON.stringify(body) });
  const board = "/leaderboard-service/api/leaderboard/platform/YOUTUBE";
  try {
    for (const body of [{ sort: "views" }, { sortBy: "folowers" }, { size: 101 }, { page: 0 }, { cursor: "nonsense" }]) {
      const response = await post(board, body);
      assert.equal(response.status, 400, JSON.stringify(body));
      assert.equal(response.headers.get("content-type"), "application/problem+json");
    }
    const first = await (await post(board, {})).json();
    assert.equal((await post(board, { cursor: first.status.nextCursor, sortBy: "views" })).status, 400);
    const second = await (await post(board, { cursor: first.status.nextCursor })).json();
    assert.equal(second.data[0].rank, first.data.at(-1).rank + 1);
    assert.equal((await fetch(`${api.url}/discovery-service/api/profile/YOUTUBE/UCnobody`)).status, 404);
    assert.equal((await fetch(`${api.url}/no-such-file.js`)).status, 404);
    assert.equal((await fetch(`${api.url}/../../../package.json`)).status, 404);
  } finally {
    await api.close();
  }
});
