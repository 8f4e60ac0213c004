// Audits pages with Lighthouse as it emulates a phone, and prints what it found as JSON.
// The only argument is JSON: `modules` (where packages are installed), `chromium`, `runs`, `pages` (a name and an address each),
// and for a check also `goals` (the performance that each page must reach), `most` (runs of a page) and `seconds` (for all).

import { pathToFileURL } from "node:url";

const job = JSON.parse(process.argv[2]);
const load = path => import(pathToFileURL(`${job.modules}/${path}`));
const { default: lighthouse } = await load("lighthouse/core/index.js");
const { pageFunctions } = await load("lighthouse/core/lib/page-functions.js");
const { launch } = await load("chrome-launcher/dist/index.js");
const { default: puppeteer } = await load("puppeteer-core/lib/puppeteer/puppeteer-core.js");

const NUMBERS = {
    lcp: "largest-contentful-paint",
    cls: "cumulative-layout-shift",
    tbt: "total-blocking-time",
    bytes: "total-byte-weight",
};
const CATEGORIES = ["performance", "accessibility", "best-practices", "seo"];
// Lighthouse takes a phone for four times as slow as the machine, which it supposes to reach this index of its own. A busy
// machine is slower, and would emulate a phone that nobody has.
const SUPPOSED_INDEX = 1600;
const SLOWDOWN = 4;

const audited = report => ({
    scores: Object.fromEntries(CATEGORIES.map(id => [id, report.categories[id].score * 100])),
    numbers: Object.fromEntries(Object.entries(NUMBERS).map(([name, id]) => [name, report.audits[id].numericValue])),
    failed: CATEGORIES.slice(1).flatMap(id => report.categories[id].auditRefs
        .filter(each => each.weight > 0 && report.audits[each.id].score !== null && report.audits[each.id].score < 1)
        .map(each => `${id}: ${report.audits[each.id].title}`)),
});

// By how much to slow this machine down, as it is now.
const slowdown = async () => {
    const page = await browser.newPage();
    const index = await page.evaluate(`(${pageFunctions.computeBenchmarkIndex})()`);
    await page.close();
    return Math.min(SLOWDOWN, Math.max(1, index / SUPPOSED_INDEX * SLOWDOWN));
};

// Whether more runs of a page could change what the median says of its goal.
const decided = (runs, goal) => {
    if (goal === undefined) return runs.length >= job.runs;
    const reached = runs.filter(run => run.scores.performance >= goal).length;
    const majority = runs.length <= job.runs ? Math.ceil(job.runs / 2) : Math.ceil(job.most / 2);
    return reached >= majority || runs.length - reached >= Math.ceil(job.most / 2) || runs.length >= job.most;
};

const chrome = await launch({
    chromePath: job.chromium,
    chromeFlags: ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
});
const browser = await puppeteer.connect({ browserURL: `http://localhost:${chrome.port}` });
const end = Date.now() + (job.seconds ?? Infinity) * 1000;
try {
    const found = [];
    for (const [name, address] of job.pages) {
        const runs = [];
        const settings = {
            port: chrome.port, logLevel: "error", onlyCategories: CATEGORIES,
            throttling: { rttMs: 150, throughputKbps: 1638.4, requestLatencyMs: 562.5, downloadThroughputKbps: 1474.56,
                uploadThroughputKbps: 675, cpuSlowdownMultiplier: await slowdown() },
        };
        while (!decided(runs, job.goals?.[name]) && (Date.now() < end || !runs.length)) {
            const { lhr } = await lighthouse(address, settings);
            if (lhr.runtimeError) {
                throw new Error(`${name}: ${lhr.runtimeError.message}`);
            }
            runs.push({ ...audited(lhr), slowdown: settings.throttling.cpuSlowdownMultiplier });
        }
        found.push([name, runs]);
    }
    console.log(JSON.stringify(found));
} finally {
    await browser.disconnect();
    await chrome.kill();
}
