"""Real input: 200 generated gated articles, and 200 posts of a real archive exactly as they are, on the deployed stack."""

from __future__ import annotations

import html
import importlib.util
import json
import re
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from support.effort import amount
from support.newsroom import ROOT, Newsroom, addresses_in, expect_idle, path_of_key

pytestmark = [pytest.mark.cloud, pytest.mark.deep]


@pytest.fixture(scope="module")
def newsroom(second_newsroom: Newsroom) -> Newsroom:
    """The second newsroom."""
    return second_newsroom


SHARED = ROOT.parent / "shared"
COUNT = amount("REAL_INPUT", test=600, soak=600)
"""The number of generated articles, and of posts."""
ODD = [
    "example.md",
    "draft: true",
    "blank lines before front matter",
    "a key that is set twice",
    "a name that is not ASCII",
    "no expiry date",
]


def corpus() -> ModuleType:
    """The generator of gated articles."""
    spec = importlib.util.spec_from_file_location("corpus", SHARED / "bench" / "corpus.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def matter_of(path: Path) -> str:
    """A post's front matter, found without our parser."""
    found = re.match(r"\s*---\s*\n(.*?)\n---\s*\n", path.read_text("utf-8", "replace"), re.DOTALL)
    return found[1] if found else ""


def kinds_of(path: Path) -> list[str]:
    """Which of the odd kinds a post is."""
    raw, matter = path.read_bytes(), matter_of(path)
    keys = Counter(re.findall(r"^([A-Za-z_]+):", matter, re.MULTILINE))
    answers = [
        path.name == "example.md",
        bool(re.search(r"^draft:\s*true", matter, re.MULTILINE)),
        raw[:1].isspace(),
        any(n > 1 for n in keys.values()),
        not path.name.isascii(),
        not re.search(r"^expirydate:", matter, re.MULTILINE),
    ]
    return [name for name, is_so in zip(ODD, answers, strict=True) if is_so]


def sample(news: Path) -> list[Path]:
    """COUNT posts: all of the rarer odd ones, and the rest spread over the years."""
    posts = sorted(news.rglob("*.md"))
    kinds = {path: kinds_of(path) for path in posts}
    rare = [path for path in posts if set(kinds[path]) - {"no expiry date"}]
    one_of_each = [next((path for path in rare if kind in kinds[path]), None) for kind in ODD]
    rare = list(dict.fromkeys([*filter(None, one_of_each), *rare]))[: COUNT // 5]
    lasting = [path for path in posts if kinds[path] == ["no expiry date"]]
    lasting = lasting[:: max(1, len(lasting) * 10 // (3 * COUNT))][: 3 * COUNT // 10]
    chosen = dict.fromkeys([*rare, *lasting])
    rest = [path for path in posts if path not in chosen]
    spread = rest[:: max(1, len(rest) // (COUNT - len(chosen)))]
    names: dict[str, Path] = {}
    for path in [*chosen, *spread, *rest]:
        names.setdefault(path.name, path)
    return list(names.values())[:COUNT]


@dataclass(frozen=True)
class Published:
    """What was put, and what became of it."""

    generated: list[dict[str, Any]]
    posts: dict[str, Path]
    reports: dict[str, dict[str, Any]]
    keys: list[str]
    seconds: float


@pytest.fixture(scope="module")
def published(newsroom: Newsroom, tmp_path_factory: pytest.TempPathFactory) -> Published:
    news = SHARED / "corpus" / "digitalgov" / "content" / "news"
    if not news.is_dir() or not (SHARED / "bench" / "corpus.py").is_file():
        pytest.skip(f"the real input is not here: {SHARED.name}/bench/corpus.py, {SHARED.name}/corpus/digitalgov")
    folder, generator = tmp_path_factory.mktemp("real"), corpus()
    generator.write(folder / "drafts", "nightdesk", COUNT)
    generated = [generator.article(number) for number in range(COUNT)]
    posts = {path.name: path for path in sample(news)}
    assert len(posts) == COUNT
    for name, path in posts.items():
        (folder / "drafts" / name).write_bytes(path.read_bytes())
    started = time.perf_counter()
    done = newsroom.run("publish", "--wait", "--json", str(folder), timeout=1500)
    newsroom.cloud.settle(600)
    seconds = time.perf_counter() - started
    print(f"{2 * COUNT} articles and their profiles: {seconds:.0f} s")
    reports = {Path(report["path"]).name: report for report in json.loads(done.stdout) if "/drafts/" in report["path"]}
    return Published(generated, posts, reports, list(newsroom.versions()), seconds)


def test_every_one_has_ended(newsroom: Newsroom, published: Published) -> None:
    assert len(published.reports) == 2 * COUNT
    states = Counter(report["state"] for report in published.reports.values())
    print(dict(states))
    assert set(states) <= {"live", "expired", "draft", "rejected"}
    assert states["live"] > COUNT
    assert states["expired"] > COUNT // 10
    expect_idle(newsroom)


def test_generated_articles_are_all_live(newsroom: Newsroom, published: Published) -> None:
    for article in published.generated:
        report = published.reports[f"{article['slug']}.md"]
        assert (report["state"], report["problems"]) == ("live", []), article["slug"]


def test_odd_posts_are_among_them(published: Published) -> None:
    found = Counter(kind for path in published.posts.values() for kind in kinds_of(path))
    print(dict(found))
    assert {"draft: true", "blank lines before front matter", "no expiry date"} <= set(found)


def line_of(path: Path, number: int) -> str:
    return path.read_text("utf-8").splitlines()[number - 1]


def test_every_fate_has_a_true_reason(published: Published) -> None:
    """Compare the report on each post with the post itself, which is parsed independently."""
    slugs: dict[str, set[str]] = {}
    for name, path in published.posts.items():
        typed = re.search(r"^slug:\s*[\"']?([^\"'\n]+)", matter_of(path), re.MULTILINE)
        slugs.setdefault(typed[1].strip() if typed else re.sub(r"^\d{4}-\d\d-\d\d-|\.md$", "", name), set()).add(name)
    for name, path in published.posts.items():
        report, matter = published.reports[name], matter_of(path)
        is_draft = bool(re.search(r"^draft:\s*true", matter, re.MULTILINE))
        expiry = re.search(r"^expirydate:\s*[\"']?(\d{4}-\d\d-\d\d)", matter, re.MULTILINE)
        is_over = bool(expiry) and datetime.fromisoformat(expiry[1]).replace(tzinfo=UTC) < datetime.now(UTC)
        if report["state"] == "rejected":
            assert report["problems"], name
            for problem in report["problems"]:
                assert reason_holds(problem, path, slugs), (name, problem)
        else:
            expected = "draft" if is_draft else "expired" if is_over else "live"
            assert report["state"] == expected, (name, matter)
            assert report["problems"] == []


def reason_holds(problem: dict[str, Any], path: Path, slugs: dict[str, set[str]]) -> bool:
    """Whether a problem is really in the file."""
    message, matter = problem["message"], matter_of(path)
    if "needs a title" in message:
        return not re.search(r"^title:\s*[^\s\"'#]", matter, re.MULTILINE) and not re.search(
            r"^title:\s*[\"'][^\"']", matter, re.MULTILINE
        )
    if twice := re.search(r"is set twice, here and in line (\d+)", message):
        return all(line_of(path, n).startswith(f"{problem['key']}:") for n in (problem["line"], int(twice[1])))
    if held := re.search(r"“([^”]+)” is held by drafts/(.+);", message):
        return any({path.name, held[2]} <= names for names in slugs.values())
    if "must begin with front matter" in message:
        return not path.read_text("utf-8").lstrip().startswith("---")
    if many := re.search(r"has (\d+) entries; the limit is (\d+)", message):
        block = re.search(rf"^{problem['key']}:\s*\n((?:\s*- .*\n)+)", matter + "\n", re.MULTILINE)
        return bool(block) and block[1].count("- ") == int(many[1]) > int(many[2])
    if "is not a date" in message:
        return problem["key"] in line_of(path, problem["line"])
    return False


@pytest.fixture(scope="module")
def answers(newsroom: Newsroom, published: Published) -> dict[str, Any]:
    """What a public reader gets for every object of the site."""
    wanted = sorted({path_of_key(key) for key in published.keys if not key.startswith("~")})
    return {path: answer for path, _, answer in newsroom.fetch([(path, "") for path in wanted])}


def test_everything_on_the_site_answers(answers: dict[str, Any]) -> None:
    statuses = Counter(answer.status for answer in answers.values())
    assert statuses[200] > 2 * COUNT
    # Images that only members see are 404 for the public.
    odd = [path for path, a in answers.items() if a.status not in (200, 410) and not path.endswith(".svg")]
    assert odd == []


@lru_cache(maxsize=100_000)
def target(page: str, address: str, site: str) -> str:
    """The path on this site that a page's address means; empty for another site's, or the page itself."""
    found = urlsplit(urljoin(site + page, address))
    if f"{found.scheme}://{found.netloc}" != site or (found.path == page and not found.query):
        return ""
    return found.path + (f"?{found.query}" if found.query else "")


def test_every_internal_link_resolves(newsroom: Newsroom, published: Published, answers: dict[str, Any]) -> None:
    site = newsroom.cloud.site_url
    linked: dict[str, set[str]] = {}
    typed = "\n".join(path.read_text("utf-8", "replace") for path in published.posts.values())
    for page, answer in answers.items():
        if answer.headers.get("content-type", "").startswith("text/html"):
            for address in addresses_in(answer.text):
                if path := target(page, address, site):
                    linked.setdefault(path, set()).add(page)
    assert len(linked) > 2 * COUNT
    broken = {}
    for path, _, answer in newsroom.fetch([(path, "") for path in linked]):
        if answer.status in (301, 303):  # it is elsewhere, or for those who have signed in
            answer = newsroom.page(answer.headers["location"])
        if answer.status not in (200, 410):
            broken[path] = sorted(linked[path])[:3]
    # An address that an author wrote out, of a page that this archive's site had and ours never did, is the author's.
    ours = {path: pages for path, pages in broken.items() if not typed_by_author(path, typed)}
    print(f"{len(linked)} addresses, {len(broken) - len(ours)} dead ones as typed by the posts' authors")
    assert ours == {}, dict(list(ours.items())[:12])
    for path, pages in broken.items():
        assert all(page.startswith("/articles/") for page in pages), (path, pages)


def typed_by_author(path: str, text: str) -> bool:
    return path in text or path.rstrip("/") + ")" in text


MARK = "xblockx"


def words_of(text: str) -> list[str]:
    """The words of Markdown or of a page, with a mark between the page's blocks, so that no run goes from one to another."""
    inline = re.sub(r"</?(?:a|code|em|strong|del|sup)\b[^>]*>", " ", text)
    return re.findall(r"\w+", html.unescape(re.sub(r"<[^>]*>|[|–]|--", f" {MARK} ", inline)).lower())


def runs(words: list[str], length: int = 9) -> set[tuple[str, ...]]:
    """All runs of so many words within a block."""
    found = (tuple(words[start : start + length]) for start in range(len(words) - length + 1))
    return {run for run in found if MARK not in run}


def plain(markdown: str) -> list[str]:
    """The words of Markdown, without the addresses of links, the labels of notes and the numbers of lists."""
    return words_of(re.sub(r"\]\([^)]*\)|\[\^\w+\]:?|^\d+\.", " ", markdown, flags=re.MULTILINE))


def hidden_runs(articles: Iterable[dict[str, Any]]) -> dict[str, set[tuple[str, ...]]]:
    """For each tier, runs of words that stand behind its gates and in nothing that readers below it may see.

    The generator puts sentences together from a few hundred phrases, so many a run stands in several places.
    """
    found: dict[str, set[tuple[str, ...]]] = {"": set(), "subscriber": set(), "member": set()}
    for article in articles:
        teasers = [segment[1] for segment in article["segments"]]
        titles = [source["title"] for source in article["sources"]]
        hero = [article["hero"]["alt"], article["hero"]["caption"]]
        for text in [article["title"], article["dek"], *teasers, *titles, *hero]:
            found[""] |= runs(plain(text))
        for tier, _, text in article["segments"]:
            # Notes stand at the page's end, so what was around one in the draft stands together on the page.
            for part in [re.sub(r"^\[\^.*$", "", text, flags=re.MULTILINE), *re.findall(r"(?m)^\[\^.*$", text)]:
                found[tier] |= runs(plain(part))
    return {"subscriber": found["subscriber"] - found[""], "member": found["member"] - found[""] - found["subscriber"]}


def test_hidden_passages_are_nowhere(newsroom: Newsroom, published: Published, answers: dict[str, Any]) -> None:
    hidden = hidden_runs(published.generated)
    assert min(map(len, hidden.values())) > 50 * COUNT
    for path, answer in answers.items():
        found = runs(words_of(answer.body.decode("utf-8", "replace"))) & (hidden["subscriber"] | hidden["member"])
        assert not found, (path, sorted(found)[:2])
    # Subscribers see theirs, and not the members'; members see both, so the search does find what is there.
    articles = [f"/articles/{article['slug']}/" for article in published.generated[::4]]
    for tier, sees in (("subscriber", {"subscriber"}), ("member", {"subscriber", "member"})):
        for path, _, answer in newsroom.fetch([(path, newsroom.cookie(tier)) for path in articles]):
            found = runs(words_of(answer.text))
            assert {name for name in hidden if found & hidden[name]} == sees, (path, tier)


def test_expired_posts_are_in_no_list(published: Published, answers: dict[str, Any]) -> None:
    expired = {report["slug"] for report in published.reports.values() if report["state"] in ("expired", "draft")}
    assert expired
    lists = {path: answer for path, answer in answers.items() if not path.startswith("/articles/")}
    for path, answer in lists.items():
        named = set(re.findall(r"/articles/([a-z0-9-]+)/", answer.body.decode("utf-8", "replace")))
        assert not named & expired, path


def test_each_live_article_is_in_its_month(published: Published, answers: dict[str, Any]) -> None:
    months = "".join(a.text for path, a in answers.items() if re.fullmatch(r"/archive/\d{4}/\d\d/", path))
    listed = Counter(re.findall(r'<h2><a href="/articles/([a-z0-9-]+)/"', months))
    live = {report["slug"] for report in published.reports.values() if report["state"] == "live"}
    assert live <= set(listed)
    assert {slug: n for slug, n in listed.items() if n != 1} == {}
