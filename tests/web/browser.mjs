// Debian's Chromium for the page tests: a profile of its own, nothing but loopback, and a watch over what pages must not do.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const SHOTS = resolve(process.env.DALGONA_TEST_RESULTS ?? fileURLToPath(new URL("../../test-results", import.meta.url)));

const FLAGS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // Whatever is not this machine can't even be looked up.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
];

// Longer than the 500 ms after input in which layout-shift entries say hadRecentInput.
const LATE_MS = 700;

/** Resolves to { open(url, options), close() }. Pages opened share nothing but the process. */
export async function startBrowser() {
  const profile = mkdtempSync(join(tmpdir(), "dalgona-chromium-"));
  mkdirSync(SHOTS, { recursive: true });
  const isRoot = process.getuid?.() === 0;
  const home = await chromium.launchPersistentContext(profile, { executablePath: process.env.DALGONA_CHROMIUM ?? "/usr/bin/chromium", headless: true, chromiumSandbox: !isRoot, args: FLAGS });
  const browser = home.browser();

  /**
   * Opens a page and watches it. `faults` collects what no page may do: errors, requests to others, breaches of the policy.
   * `expected` are failures of requests that the test itself provokes. Requests to paths that `late` matches leave LATE_MS later than asked:
   * the answer comes when the rest is drawn, and too late for the browser to hold what moves then for the doing of a press.
   */
  async function open(url, { width = 1280, height = 900, dark = false, touch = false, zone = "Asia/Kolkata", expected = null, late = null } = {}) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? "dark" : "light", hasTouch: touch, reducedMotion: "reduce", locale: "en-GB", timezoneId: zone });
    const page = await context.newPage();
    const faults = [];
    const origin = new URL(url).origin;
    page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
    page.on("console", (message) => {
      if (message.type() === "error" && !(expected && expected.test(message.text()))) faults.push(`console: ${message.text()}`);
    });
    page.on("request", (request) => {
      const target = new URL(request.url());
      if (target.protocol !== "data:" && target.origin !== origin) faults.push(`request to ${target.origin}`);
    });
    await page.addInitScript(() => {
      window.breaches = [];
      window.shift = 0;
      addEventListener("securitypolicyviolation", (event) => window.breaches.push(`${event.violatedDirective}: ${event.blockedURI}`));
      const add = (entries) => {
        for (const entry of entries) if (!entry.hadRecentInput) window.shift += entry.value;
      };
      const shifts = new PerformanceObserver((list) => add(list.getEntries()));
      shifts.observe({ type: "layout-shift", buffered: true });
      // What was changed just now is judged when it is drawn.
      window.settled = async () => {
        for (let frame = 0; frame < 2; frame++) await new Promise((drawn) => requestAnimationFrame(drawn));
        add(shifts.takeRecords());
      };
    });
    page.setDefaultTimeout(15_000);
    if (late)
      await page.route((target) => late.test(target.pathname), async (route) => {
        await new Promise((done) => setTimeout(done, LATE_MS));
        await route.continue().catch(() => {}); // given up by the page meanwhile
      });
    await page.goto(url);
    return {
      page,
      faults,
      close: () => context.close(),
      /** Everything the page did wrong so far; `shift` is how far things may have moved by themselves (cumulative layout shift). */
      async wrongs({ shift: allowed = 0.03 } = {}) {
        const { breaches, shift } = await page.evaluate(async () => {
          await window.settled();
          return { breaches: window.breaches, shift: window.shift };
        });
        return [...faults, ...breaches, ...(shift > allowed ? [`layout shift ${shift.toFixed(3)}`] : [])];
      },
      shot: (name, options = {}) => page.screenshot({ path: join(SHOTS, `${name}.png`), ...options }),
    };
  }

  return {
    open,
    async close() {
      await home.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}
