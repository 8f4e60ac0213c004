// Checks that pages are valid HTML, and prints what is wrong as JSON.
// The only argument is JSON: `modules` (where packages are installed), and `files`.

import { pathToFileURL } from "node:url";

const job = JSON.parse(process.argv[2]);
const { HtmlValidate, StaticConfigLoader } = await import(pathToFileURL(`${job.modules}/html-validate/dist/esm/index.js`));

const checker = new HtmlValidate(new StaticConfigLoader({
    root: true,
    // What the HTML standard and WAI-ARIA demand, and no matters of style.
    extends: ["html-validate:standard", "html-validate:a11y"],
    // A button without a type submits its form, which is what ours do.
    rules: { "no-implicit-button-type": "off" },
}));
const { results } = await checker.validateMultipleFiles(job.files);
console.log(JSON.stringify(results.flatMap(({ filePath, messages }) => messages.map(each => ({
    file: filePath, line: each.line, rule: each.ruleId, message: each.message,
})))));
