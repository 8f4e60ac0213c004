// Fills every [data-updates] box from the ticker's data file, and looks again each minute while the page is visible.
// The box has a plain link to the ticker, so nothing is lost when this file does not run or the list is empty.
"use strict";
(() => {
  const boxes = document.querySelectorAll("[data-updates]");
  const when = new Intl.DateTimeFormat(document.documentElement.lang || undefined, {
    day: "numeric", month: "short", hour: "2-digit", minute: "2-digit",
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

  const item = (update) => {
    const row = element("li");
    const date = new Date(update.published);
    if (!Number.isNaN(date.getTime())) {
      const time = element("time", when.format(date));
      time.dateTime = update.published;
      row.append(time);
    }
    const headline = element("p", "", "update-headline");
    const url = safe(update.url);
    if (url) {
      const link = element("a", update.headline);
      link.href = url;
      headline.append(link);
    } else {
      headline.textContent = update.headline;
    }
    row.append(headline);
    if (update.summary) row.append(element("p", update.summary, "update-summary"));
    return row;
  };

  const fill = async (box) => {
    const list = box.querySelector("[data-updates-list]");
    try {
      const answer = await fetch(box.dataset.updates, { credentials: "omit" });
      if (!answer.ok) return;
      const text = await answer.text();
      if (text === box.lastText) return;
      box.lastText = text;
      const { updates = [] } = JSON.parse(text);
      list.replaceChildren(...updates.slice(0, Number(box.dataset.limit) || 3).map(item));
      list.hidden = updates.length === 0;
    } catch {
      // Offline, or not the expected data: the plain link stays.
    }
  };

  const refresh = () => {
    if (document.visibilityState === "visible") boxes.forEach(fill);
  };
  if (boxes.length) {
    refresh();
    setInterval(refresh, 60000);
    document.addEventListener("visibilitychange", refresh);
  }
})();
