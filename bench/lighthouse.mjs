// Audits pages with Lighthouse as it emulates a phone, and prints what it found as JSON.
// The only argument is JSON: `modules` (where packages are installed), `chromium`, `runs`, and `pages` (a name and an address each).

import { pathToFileURL } from "node:url";

const job = JSON.parse(process.argv[2]);
const load = path => import(pathToFileURL(`${job.modules}/${path}`));
const { default: lighthouse } = await load("lighthouse/core/index.js");
const { launch } = await load("chrome-launcher/dist/index.js");

const NUMBERS = {
    lcp: "largest-contentful-paint",
    cls: "cumulative-layout-shift",
    tbt: "total-blocking-time",
    bytes: "total-byte-weight",
};
const CATEGORIES = ["performance", "accessibility", "best-practices", "seo"];

const audited = report => ({
    scores: Object.fromEntries(CATEGORIES.map(id => [id, report.categories[id].score * 100])),
    numbers: Object.fromEntries(Object.entries(NUMBERS).map(([name, id]) => [name, report.audits[id].numericValue])),
    failed: CATEGORIES.slice(1).flatMap(id => report.categories[id].auditRefs
        .filter(each => each.weight > 0 && report.audits[each.id].score !== null && report.audits[each.id].score < 1)
        .map(each => `${id}: ${report.audits[each.id].title}`)),
});

const chrome = await launch({
    chromePath: job.chromium,
    chromeFlags: ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
});
try {
    const found = [];
    for (const [name, address] of job.pages) {
        const runs = [];
        for (let run = 0; run < job.runs; run++) {
            const { lhr } = await lighthouse(address, { port: chrome.port, logLevel: "error", onlyCategories: CATEGORIES });
            if (lhr.runtimeError) {
                throw new Error(`${name}: ${lhr.runtimeError.message}`);
            }
            runs.push(audited(lhr));
        }
        found.push([name, runs]);
    }
    console.log(JSON.stringify(found));
} finally {
    await chrome.kill();
}
