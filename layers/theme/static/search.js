// The search page. Readers search two things at once: recent.json, a small file of the articles that changed since the archive
// was last indexed, and the archive, a Pagefind index. Both are loaded when a reader begins to search, and what the first says
// of an article counts, also that it is gone. Nothing is sent anywhere.
"use strict";
(() => {
  const root = document.querySelector("[data-search]");
  const messages = JSON.parse(root.dataset.search);
  const form = root.querySelector("form");
  const box = form.elements.search;
  const filters = ["topic", "author", "year"].map((name) => form.elements[name]);
  const list = root.querySelector("[data-results]");
  const more = root.querySelector("[data-more]");
  const status = root.querySelector("[data-status]");
  const plural = new Intl.PluralRules(messages.language);
  const message = (count) => (messages.found[plural.select(count)] ?? messages.found.other).replace("{count}", count);
  const PAGE = 10;
  const WORDS_BEFORE = 8;
  const WORDS = 30;

  // Han and kana have no spaces between words: each character is a word of the index (nightdesk/rendering/search_entries.py).
  const CJK = "[\\u2e80-\\u2fdf\\u3005-\\u3007\\u3040-\\u30ff\\u3400-\\u4dbf\\u4e00-\\u9fff\\uf900-\\ufaff\\u{20000}-\\u{3ffff}]";
  const isCjk = new RegExp(CJK, "u");
  const between = new RegExp(`(?<=${CJK})(?=${CJK})`, "gu");
  const spaces = new RegExp(`(?<=${CJK}(?:</?mark>)*) (?=(?:</?mark>)*${CJK})`, "gu");
  const spaced = (text) => text.replace(between, " ");
  const closed = (text) => text.replace(spaces, "");
  const PLAIN = { "ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ß": "ss", "æ": "ae", "œ": "oe", "þ": "th" };
  const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/[łøđðħıßæœþ]/g, (letter) => PLAIN[letter]);
  const wordOf = (text) => folded(text).replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "");

  // Arabic joins "the", "and" and some prepositions to the word that follows.
  const bare = (word) => word.replace(/^[وف]?(?:ال|بال|كال|لل)(?=\p{L}{2})/u, "");
  const begins = (word, term) => word.startsWith(term) || bare(word).startsWith(bare(term));

  const element = (name, text, className) => {
    const node = document.createElement(name);
    if (className) node.className = className;
    if (text) node.textContent = text;
    return node;
  };

  // --- The newest part ---

  // Returns null unless every word that was typed begins a word of the article; words of Han and kana may be anywhere.
  const match = (entry, typed) => {
    const text = [entry.title, entry.dek, ...entry.authors, ...entry.topics, entry.text].join(" ");
    const plain = folded(text);
    const words = new Set(spaced(text).split(/\s+/u).flatMap((word) => [wordOf(word), ...wordOf(word).split(/[^\p{L}\p{N}]+/u)]));
    const all = [...words];
    if (!typed.every((term) => (isCjk.test(term) ? plain.includes(term) : all.some((word) => begins(word, term))))) return null;
    const title = folded(entry.title);
    return typed.filter((term) => title.includes(term)).length;
  };

  // Returns pieces of text, every other one of which was found.
  const excerptOf = (entry, typed) => {
    const words = spaced(entry.text || entry.dek).split(/\s+/u);
    const terms = typed.flatMap((term) => spaced(term).split(" "));
    const found = (word) => terms.some((term) => term && begins(wordOf(word), term));
    const first = Math.max(0, words.findIndex(found) - WORDS_BEFORE);
    const shown = words.slice(first, first + WORDS).map((word) => (found(word) ? `<mark>${word}</mark>` : word));
    return closed(shown.join(" ")).split(/<\/?mark>/);
  };

  const chosen = () => Object.fromEntries(filters.filter((select) => select.value).map((select) => [select.name, select.value]));

  const passes = (entry, wanted) =>
    (!wanted.topic || entry.topics.includes(wanted.topic)) &&
    (!wanted.author || entry.authors.includes(wanted.author)) && (!wanted.year || entry.iso.startsWith(wanted.year));

  const searchRecent = (recent, typed, wanted) => {
    const found = Object.values(recent).filter((entry) => entry && passes(entry, wanted))
      .map((entry) => [match(entry, typed), entry]).filter(([rank]) => rank !== null);
    found.sort(([rankA, a], [rankB, b]) => rankB - rankA || (a.iso < b.iso ? 1 : -1));
    return found.map(([, entry]) => async () => ({
      url: entry.url, title: entry.title, date: entry.date, by: entry.authors.join(messages.separator), topic: entry.topics.join(messages.separator),
      language: entry.language, excerpt: excerptOf(entry, typed),
    }));
  };

  // --- The archive ---

  const unescaped = (text) => {
    const named = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'", "#x27": "'", nbsp: "\u00a0" };
    return text.replace(/&(amp|lt|gt|quot|#39|#x27|nbsp);/g, (_, name) => named[name]);
  };

  const slugOf = (url) => url.split("/")[2];

  const searchArchive = async (pagefind, recent, text, wanted) => {
    const bare = text.replace(/["“”]/gu, "").trim();
    const query = isCjk.test(bare) && !/\s/u.test(bare) ? `"${spaced(bare)}"` : spaced(text);
    const { results } = await pagefind.search(text.trim() ? query : null, { filters: wanted, sort: text.trim() ? {} : { date: "desc" } });
    return results.map((result) => async () => {
      const data = await result.data().catch(() => null); // an article that is gone has no file
      if (!data || slugOf(data.meta.url) in recent) return null;
      const { url, date, by, topic, language } = data.meta;
      return { url, date, by, topic, language, title: closed(data.meta.title), excerpt: closed(data.excerpt).split(/<\/?mark>/).map(unescaped) };
    });
  };

  let sources;
  const load = () => {
    sources ??= (async () => {
      const newest = await fetch("/search/recent.json", { credentials: "omit" });
      const { articles: recent, archive } = newest.ok ? await newest.json() : { articles: {}, archive: false };
      let pagefind = null;
      if (archive) {
        pagefind = await import("/search/archive/pagefind.js");
        await pagefind.options({ noWorker: true, excerptLength: WORDS });
        await pagefind.init();
      }
      offer(recent, pagefind ? await pagefind.filters() : {});
      return { recent, pagefind };
    })();
    sources.catch(() => { sources = undefined; });
    return sources;
  };

  const offer = (recent, known) => {
    const entries = Object.values(recent).filter(Boolean);
    const more = {
      topic: entries.flatMap((entry) => entry.topics), author: entries.flatMap((entry) => entry.authors),
      year: entries.map((entry) => entry.iso.slice(0, 4)),
    };
    for (const select of filters) {
      const names = [...new Set([...Object.keys(known[select.name] ?? {}), ...more[select.name]])];
      names.sort((a, b) => (select.name === "year" ? b.localeCompare(a) : a.localeCompare(b, messages.language)));
      const kept = select.value || new URLSearchParams(location.search).get(select.name) || "";
      select.replaceChildren(select.options[0], ...names.map((name) => new Option(name, name)));
      select.value = names.includes(kept) ? kept : "";
    }
    root.querySelector("[data-filters]").hidden = false;
  };

  // --- The page ---

  const show = ({ url, title, date, by, topic, language, excerpt }) => {
    const item = element("li", "", "result");
    item.dir = "auto";
    if (language && language !== document.documentElement.lang) item.lang = language;
    const heading = element("h2");
    const link = element("a", title);
    link.href = url;
    heading.append(link);
    const text = element("p", "", "excerpt");
    text.append(...excerpt.map((piece, number) => (number % 2 ? element("mark", piece) : piece)));
    const about = element("p", "", "card-meta");
    about.append(date, ...[by, topic].filter(Boolean).flatMap((piece) => [" ", element("span", piece)]));
    item.append(heading, text, about);
    list.append(item);
  };

  let waiting = [];
  let latest = 0;
  const showMore = async (turn) => {
    for (let shown = 0; shown < PAGE && waiting.length;) {
      const result = await waiting.shift()();
      if (turn !== latest) return;
      if (result) {
        show(result);
        shown += 1;
      }
    }
    more.hidden = !waiting.length;
  };

  const search = async (again = true) => {
    const turn = (latest += 1);
    const text = box.value.trim();
    const wanted = chosen();
    const params = new URLSearchParams(Object.entries({ q: text, ...wanted }).filter(([, value]) => value));
    history.replaceState(null, "", `/search/${params.size ? `?${params}` : ""}`);
    if (!params.size) {
      list.replaceChildren();
      status.textContent = "";
      more.hidden = true;
      return;
    }
    try {
      const { recent, pagefind } = await load();
      const typed = folded(text).split(/\s+/u).map(wordOf).filter(Boolean);
      const found = searchRecent(recent, typed, chosen());
      if (pagefind) found.push(...await searchArchive(pagefind, recent, text, chosen()));
      if (turn !== latest) return;
      list.replaceChildren();
      waiting = found;
      await showMore(turn);
      if (turn !== latest) return;
      const count = more.hidden ? list.children.length : found.length + list.children.length;
      status.textContent = count === 0 ? messages.none : message(count);
    } catch (error) {
      sources = undefined; // the archive may have been indexed again since it was loaded
      if (again) return search(false);
      if (turn === latest) status.textContent = messages.failed;
    }
  };

  let timer;
  box.addEventListener("focus", () => load().catch(() => {}), { once: true });
  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, 150);
  });
  filters.forEach((select) => select.addEventListener("change", () => search()));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    search();
  });
  more.addEventListener("click", async () => {
    const next = list.children.length;
    await showMore(latest);
    list.children[next]?.querySelector("a").focus();
  });

  // "/" leads to the box, the arrow keys lead through the results.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = document.activeElement;
    const stops = [box, ...list.querySelectorAll("h2 a")];
    const place = stops.indexOf(at);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "/" && !at.matches("input, select, textarea")) box.focus();
    else if (event.key === "Escape" && place > 0) box.focus();
    else if (step && place >= 0 && stops[place + step]) stops[place + step].focus();
    else return;
    event.preventDefault();
  });

  const asked = new URLSearchParams(location.search);
  box.value = asked.get("q") ?? asked.get("search") ?? "";
  if (asked.size) load().then(() => search()).catch(() => search());
})();
