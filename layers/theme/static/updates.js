// The update ticker in the browser: fills the Update box, keeps the ticker's page fresh, and looks again each minute while
// the page is visible. Both are plain pages with a plain link without it, and stay so where a file cannot be had.
"use strict";
(() => {
  const box = document.querySelector("[data-update-box]");
  const list = document.querySelector("[data-updates]");
  const when = new Intl.DateTimeFormat(document.documentElement.lang || undefined, {
    day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
  });

  const element = (name, text, className) => {
    const node = document.createElement(name);
    if (className) node.className = className;
    if (text) node.textContent = text;
    return node;
  };

  // Only addresses on this site and https ones may become links.
  const safe = (url) => {
    if (typeof url !== "string" || !url) return "";
    try {
      const found = new URL(url, location.origin);
      return found.origin === location.origin || found.protocol === "https:" ? found.href : "";
    } catch {
      return "";
    }
  };

  const fill = (node, update) => {
    const headline = element("p", "", "update-headline");
    const url = safe(update.url);
    if (url) {
      const link = element("a", update.headline);
      link.href = url;
      headline.append(link);
    } else {
      headline.textContent = update.headline;
    }
    const parts = [headline];
    const date = new Date(update.published);
    if (!Number.isNaN(date.getTime())) {
      const time = element("time", when.format(date));
      time.dateTime = update.published;
      parts.unshift(time);
    }
    if (update.summary) parts.push(element("p", update.summary, "update-summary"));
    node.replaceChildren(...parts);
    node.dataset.id = update.id;
    return node;
  };

  // What is shown already is left alone, so that nobody hears it twice.
  const shows = (node, update) => {
    const text = (name) => node.querySelector(name)?.textContent ?? "";
    return node.dataset.id === update.id && text(".update-headline") === update.headline &&
      text(".update-summary") === (update.summary ?? "");
  };

  // A file that is missing is null; who cannot be reached at all throws.
  const get = async (path) => {
    const answer = await fetch(path, { credentials: "omit" });
    return answer.ok ? answer.json() : null;
  };

  const newest = async (topic) => {
    const site = await get("/updates/box.json");
    const own = topic && site?.topics.includes(topic) ? await get(`/updates/topics/${topic}.json`) : null;
    return own?.updates[0] ?? site?.updates[0];
  };

  // To come or go, the box needs a place that is still below what the reader sees: nothing visible may move.
  const isBelow = () => box.previousElementSibling.getBoundingClientRect().bottom >= innerHeight;

  const fillBox = async () => {
    const update = await newest(box.dataset.topic);
    const place = box.querySelector(".update");
    if (!update) place.replaceChildren();
    else if (!shows(place, update)) fill(place, update);
    box.classList.toggle("absent", !update);
    if (box.hidden === Boolean(update) && isBelow()) box.hidden = !update;
  };

  const fillList = async () => {
    const { updates } = await get("/updates/latest.json");
    const there = new Map([...list.children].map((row) => [row.dataset.id, row]));
    const wanted = new Set(updates.map((update) => update.id));
    there.forEach((row, id) => wanted.has(id) || row.remove());
    let place = list.firstElementChild;
    for (const update of updates) {
      const row = there.get(update.id) ?? document.createElement("li");
      if (row === place) place = place.nextElementSibling;
      else list.insertBefore(row, place);
      if (!shows(row, update)) fill(row, update);
    }
    document.querySelector(".empty").hidden = updates.length > 0;
  };

  const refresh = () => {
    if (document.visibilityState !== "visible") return;
    for (const [place, act] of [[box, fillBox], [list, fillList]]) if (place) act().catch(() => {});
  };
  if (box || list) {
    refresh();
    setInterval(refresh, 60000);
    document.addEventListener("visibilitychange", refresh);
  }
})();
