// The update ticker in the browser: fills the Update box and refreshes the ticker's page, every minute while the page is
// visible. Without scripts, or if a request fails, the box is a plain link and the page shows what it was published with.
"use strict";
(() => {
  const box = document.querySelector("[data-update-box]");
  const list = document.querySelector("[data-updates]");

  // Moments read as on pages (nightdesk/rendering/times.py): in the site's time zone, in the words of its catalogue.
  const times = JSON.parse((box ?? list)?.dataset.times ?? "null");
  const pad = (number) => String(number).padStart(2, "0");
  const message = (name, values) => times[name].replace(/{(\w+)}/g, (_, key) => values[key]);
  let clock;
  const local = (moment) => {
    clock ??= new Intl.DateTimeFormat("en-US-u-ca-gregory-nu-latn", {
      timeZone: times.zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric",
      hour: "numeric", minute: "numeric",
    });
    const parts = clock.formatToParts(moment).map(({ type, value }) => [type, Number(value)]);
    return Object.fromEntries(parts);
  };
  const dayOf = ({ year, month, day }) => `${year}-${pad(month)}-${pad(day)}`;

  // Returns the moment in the form of machines, and in that of people.
  const stamp = (moment) => {
    const minute = Math.floor(moment.getTime() / 60000) * 60000;
    const now = local(minute);
    const ahead = Math.round((Date.UTC(now.year, now.month - 1, now.day, now.hour, now.minute) - minute) / 60000);
    const far = Math.abs(ahead);
    const offset = `${ahead < 0 ? "-" : "+"}${pad(Math.floor(far / 60))}:${pad(far % 60)}`;
    const time = `${pad(now.hour)}:${pad(now.minute)}`;
    const iso = `${dayOf(now)}T${time}:${pad(moment.getUTCSeconds())}${offset}`;
    const day = message("day", { day: now.day === 1 ? times.first : now.day, month: times.months[now.month - 1], year: now.year });
    if (now.hour < 2 && dayOf(local(minute - 60000)) !== dayOf(now)) return [iso, day];
    const zone = ahead ? message("offset", { offset }) : times.utc;
    return [iso, message("moment", { date: day, time, zone })];
  };

  const element = (name, text, className) => {
    const node = document.createElement(name);
    if (className) node.className = className;
    if (text) node.textContent = text;
    return node;
  };

  // Link only to this site and to https addresses.
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
      const [iso, text] = stamp(date);
      const time = element("time", text);
      time.dateTime = iso;
      parts.unshift(time);
    }
    if (update.summary) parts.push(element("p", update.summary, "update-summary"));
    node.replaceChildren(...parts);
    node.dataset.id = update.id;
    return node;
  };

  // Leave an update that is already shown alone, so that screen readers do not read it out again.
  const shows = (node, update) => {
    const text = (name) => node.querySelector(name)?.textContent ?? "";
    return node.dataset.id === update.id && text(".update-headline") === update.headline &&
      text(".update-summary") === (update.summary ?? "");
  };

  // Returns null for a missing file, and throws on a network error.
  const get = async (path) => {
    const response = await fetch(path, { credentials: "omit" });
    return response.ok ? response.json() : null;
  };

  const newest = async (topic) => {
    const site = await get("/updates/box.json");
    const own = topic && site?.topics.includes(topic) ? await get(`/updates/topics/${topic}.json`) : null;
    return own?.updates[0] ?? site?.updates[0];
  };

  // Show or hide the box only while it is below the visible part of the page, so that nothing the reader sees moves.
  const isBelow = () => box.previousElementSibling.getBoundingClientRect().bottom >= innerHeight;

  const fillBox = async () => {
    const update = await newest(box.dataset.topic);
    const place = box.querySelector(".update");
    const below = isBelow(); // before anything changes, so that measuring forces no layout
    if (!update) place.replaceChildren();
    else if (!shows(place, update)) fill(place, update);
    box.classList.toggle("absent", !update);
    if (box.hidden === Boolean(update) && below) box.hidden = !update;
  };

  const fillList = async () => {
    const { updates } = await get("/updates/latest.json");
    const shown = new Map([...list.children].map((row) => [row.dataset.id, row]));
    const wanted = new Set(updates.map((update) => update.id));
    shown.forEach((row, id) => wanted.has(id) || row.remove());
    let place = list.firstElementChild;
    for (const update of updates) {
      const row = shown.get(update.id) ?? document.createElement("li");
      if (row === place) place = place.nextElementSibling;
      else list.insertBefore(row, place);
      if (!shows(row, update)) fill(row, update);
    }
    document.querySelector(".empty").hidden = updates.length > 0;
  };

  const refresh = () => {
    if (document.visibilityState !== "visible") return;
    for (const [element, run] of [[box, fillBox], [list, fillList]]) if (element) run().catch(() => {});
  };
  if (box || list) {
    refresh();
    setInterval(refresh, 60000);
    document.addEventListener("visibilitychange", refresh);
  }
})();
