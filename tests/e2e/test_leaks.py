"""No reader gets a word that is not for that reader's tier: from no page, no other object, no header, event or log.

Every hidden passage carries canaries: words that stand nowhere else. `subcanary…` may be seen by subscribers and
members, `memcanary…` by members alone. What is fetched comes from listing the site bucket, not from knowing its layout.
"""

from __future__ import annotations

import itertools
import json
import re
import unicodedata
import zlib
from urllib.parse import urlsplit

import pytest
from support.cloud_under_test import QUEUES, Answer
from support.newsroom import SVG, TIERS, Newsroom, as_text, draft, path_of_key
from support.visitor import Visitor

from functions.reader_api.routes import ROUTES

pytestmark = pytest.mark.cloud

COUNT = itertools.count(1)
SUBSCRIBER, MEMBER = LETTERS = ("leaks-subscriber@reader.example", "leaks-member@reader.example")
"""Readers of the newsletter, which mails one of the articles."""
PLANTED: dict[str, set[str]] = {"sub": set(), "mem": set()}


def canary(kind: str) -> str:
    """A word that is planted once."""
    word = f"{kind}canary{next(COUNT):03}x"
    PLANTED[kind].add(word)
    return word


def entities(word: str) -> str:
    """A word whose every letter is a character reference."""
    return "".join(f"&#{ord(letter)};" for letter in word)


def wide(word: str) -> str:
    """A word in full-width letters, which look like others and are not."""
    return "".join(chr(ord(letter) + 0xFEE0) for letter in word)


def constructs(kind: str) -> tuple[str, str]:
    """A gate's content with a canary in each construct that Markdown has, and the name of an image that it shows."""

    def word() -> str:
        return canary(kind)

    note, link, image = word(), word(), word()
    text = f"""## Heading {word()}

## The same heading

## {word()}

## {word()}

Setext {word()}
===============

### `{word()}` [{word()}](https://{word()}.example/{word()} "{word()}")

Plain {word()}, *{word()}*, **{word()}**, ~~{word()}~~, `{word()}`, {entities(word())}, {wide(word())}.[^{note}][^shared]

[^{note}]: Note {word()} with [a link](/{word()}/).

[^shared]: The gate's own note {word()}.

A [reference][{link}] and ![{word()}]({image}.svg "{word()}").

[{link}]: https://{word()}.example "{word()}"

[free]: https://{word()}.example/only-inside

| Column {word()} | B |
| --- | ---: |
| {word()} | [{word()}](https://{word()}.example) |

```{word()}
::: gate tier=member
{word()}
:::
```

    indented {word()}

> Quote {word()}
>
> - Deep {word()}

1. {word()}
2. - {word()}

<p title="{word()}">HTML {word()}</p>

<!-- {word()} -->

<details><summary>{word()}</summary>{word()}</details>

<img src="{image}.svg" alt="{word()}" title="{word()}">

[leads nowhere {word()}](relative-{word()}.html) and ![{word()}](missing-{word()}.png)

<https://{word()}.example> and mailto [{word()}](mailto:{word()}@example.org)
"""
    return text, image


def planted() -> dict[str, str | bytes]:
    """The drafts, by key."""
    files: dict[str, str | bytes] = {}
    matter = {"authors": ["lea-marchetti"], "topics": ["leaks"], "date": "2019-02-03", "tags": ["leaks"]}
    parts = []
    for number, kind in enumerate(["sub", "mem", "sub", "mem"]):
        text, image = constructs(kind)
        files[f"drafts/leak-all/{image}.svg"] = SVG.format(canary(kind))
        tier = {"sub": "subscriber", "mem": "member"}[kind]
        parts.append(
            f"Free text {number} with [a link][free] and a note.[^shared]\n\n## The same heading\n\n"
            f'::::: gate tier={tier} teaser="A <b>teaser</b> & *more*"\n{text}\n:::::'
        )
    body = "\n\n".join(parts) + "\n\nFree end.[^shared]\n\n[^shared]: The free note.\n\n[free]: https://free.example\n"
    files["drafts/leak-all/index.md"] = draft("Every construct", body, dek="D", newsletter=True, **matter)
    for kind, tier in (("sub", "subscriber"), ("mem", "member")):
        text, image = constructs(kind)
        slug = f"leak-whole-{tier}"
        files[f"drafts/{slug}/{image}.svg"] = SVG.format(canary(kind))
        files[f"drafts/{slug}/index.md"] = draft(f"For {tier}s only", text, access=tier, **matter)
    edges = {
        "list": "- one\n- two\n\n::: gate tier=member\n- {}\n- {}\n:::\n\n- three\n",
        "setext": "Free words\n\n::: gate tier=member\n{}\n---\n\n{}\n===\n:::\n\nFree words\n---\n",
        "table": "| a | b |\n|---|---|\n| 1 | 2 |\n\n::: gate tier=member\n| {} | {} |\n|---|---|\n| 3 | 4 |\n:::\n",
        "tight": "Free words\n::: gate tier=member\n{}\n:::\nFree words\n::: gate tier=member\n{}\n:::",
        "first": "::: gate tier=member\n{}\n:::\n::: gate tier=member\n{}\n:::",
        "code": "```\nfree\n```\n::: gate tier=member\n~~~\n{}\n:::\n~~~\n{}\n:::\n",
        "quote": "> free\n\n::: gate tier=member\n> {}\n\nlazy {}\n:::\nfree\n",
    }
    for name, text in edges.items():
        words = [canary("mem") for _ in range(text.count("{}"))]
        files[f"drafts/leak-edge-{name}.md"] = draft(f"Edge {name}", text.format(*words), **matter)
    links = [{"title": "S", "publisher": "P", "url": f"https://{canary('sub')}.example/{canary('sub')}"}]
    files["drafts/leak-sources.md"] = draft("Sources", "Words.", sources=links, **matter)
    bad = canary("mem")
    files["drafts/leak-refused.md"] = draft("Refused", f"::: gate tier=member\n{bad}\n\n:::{bad}\n{bad}", **matter)
    return files


@pytest.fixture(scope="module")
def heard(newsroom: Newsroom) -> list[str]:
    """Everything is published, changed once and withdrawn in part, with an ear on the bus; its events as text."""
    for address in LETTERS:
        Visitor(newsroom.cloud).sign_in(address, "/newsletter/")
    newsroom.run_json("members", "add", MEMBER, "--tier", "member")
    with newsroom.bus_events() as events:
        files = planted()
        newsroom.cloud.put({key: body for key, body in files.items() if key.endswith(".svg")})
        newsroom.cloud.put({key: body for key, body in files.items() if key.endswith(".md")})
        newsroom.live("leak-all")
        newsroom.live("leak-edge-quote")
        newsroom.cloud.settle(120)
        # Once more, so that updates and taken-down articles have passed through everything as well.
        again = {k: b.replace("Edge ", "Rim ") for k, b in files.items() if "leak-edge" in k and isinstance(b, str)}
        gone = "drafts/leak-edge-list.md"
        newsroom.cloud.put({key: body for key, body in again.items() if key != gone})
        newsroom.cloud.remove(gone)
        newsroom.live("leak-edge-tight", "Rim tight")
        newsroom.cloud.settle(120)
        said = [json.dumps(event, ensure_ascii=False) for event in events()]
    return said


def above(tier: str, text: str) -> list[str]:
    """Canaries in a text that a tier may not see."""
    hidden = {"public": ("sub", "mem"), "subscriber": ("mem",), "member": ()}[tier]
    plain = unicodedata.normalize("NFKC", text).lower()
    return sorted({word for word in re.findall(r"[a-z]{3}canary\d{3}x", plain) if word[:3] in hidden})


def spellings(key: str) -> list[str]:
    """Ways to ask for an object by its key."""
    path = f"/{key}"
    folder, _, name = path.rpartition("/")
    found = {
        path,
        path_of_key(key),
        path.removesuffix("index.html"),
        path.replace("~", "%7E"),
        path.replace("~", "%7e"),
        path.replace("~", "%257E"),
        path.replace("~", "/~"),
        path.replace("~", "./~"),
        path.replace("~", "x/../~"),
        path.replace("/", "//"),
        path.replace("/", "%2F").replace("%2F", "/", 1),
        path.upper(),
        path.replace("articles", "Articles"),
        f"{folder}/./{name}",
        f"{folder}/%2e%2e/{folder.rpartition('/')[2]}/{name}",
        path.replace("~", "\\~"),
        path + "?x=/~member/index.html",
        path + "/",
        path + "%00",
        path + ";a",
        path.replace("~", "~/"),
        path.replace("/~", "/~public/../~"),
        path.replace("/~", "/~public/~"),
    }
    return sorted(spelling.replace(" ", "%20") for spelling in found)


def forged(newsroom: Newsroom) -> list[str]:
    """Cookies that claim a member's tier and do not hold."""
    kid, payload, signature = newsroom.cookie("member").split(".")
    return [f"{kid}.{payload}.{signature[:-2]}AA", f"2.{payload}.{signature}", f"{kid}.{payload}.", payload]


def test_the_canaries_sing(newsroom: Newsroom, heard: list[str]) -> None:
    """Members see them: the words that must be absent elsewhere are really there to be found."""
    member = "".join(
        as_text({}, body) for key, body in newsroom.site().items() if "/~member/" in key and b"canary" in body
    )
    unseen = {word for kind in PLANTED for word in PLANTED[kind] if word not in member.lower()}
    assert len(PLANTED["mem"]) > 100
    # Comments, dead links, names of images and classes of code are dropped for everybody, as is what was refused.
    assert len(unseen) < 0.35 * len(PLANTED["sub"] | PLANTED["mem"]), sorted(unseen)
    subscriber = as_text({}, newsroom.page("/articles/leak-all/", "subscriber").body)
    assert len(set(re.findall(r"subcanary\d+x", subscriber))) > 30


@pytest.mark.parametrize("tier", ["public", "subscriber"])
def test_no_object_contains_more_than_its_reader_may_see(newsroom: Newsroom, heard: list[str], tier: str) -> None:
    """Every object of the bucket, asked for in every spelling."""
    keys = list(newsroom.versions())
    assert [key for key in keys if "~member/" in key and key.endswith(".svg")]
    about_us = [key for key in keys if "leak" in key or "~errors" in key]
    asked = {(path_of_key(key), newsroom.cookie(tier)) for key in keys}
    asked |= {(path, newsroom.cookie(tier)) for key in about_us for path in spellings(key)}
    if tier == "public":
        asked |= {(path_of_key(key), cookie) for key in about_us for cookie in forged(newsroom)}
    leaks, statuses, count = [], set(), 0
    for path, _, answer in newsroom.fetch(sorted(asked)):
        count += 1
        statuses.add(answer.status)
        if found := above(tier, as_text(answer.headers, answer.body)):
            leaks.append((path, answer.status, found[:5]))
        if "~" in path.partition("?")[0]:
            assert answer.status in (400, 404), (path, answer.status)
    assert leaks == []
    assert count > 20 * len(about_us)
    assert {200, 404, 410} <= statuses


def test_a_variant_is_missing_like_any_page_that_never_was(newsroom: Newsroom, heard: list[str]) -> None:
    """The answer does not even tell that there is such an object."""
    there = newsroom.page("/articles/leak-all/~member/index.html")
    not_there = newsroom.page("/articles/no-such-leak/~member/index.html")
    assert (there.status, there.body) == (not_there.status, not_there.body) == (404, not_there.body)


def test_variants_in_the_bucket_hold_their_tier_only(newsroom: Newsroom, heard: list[str]) -> None:
    """Access to the bucket below a tier's prefix would give access to that tier only."""
    for key, body in newsroom.site().items():
        found = re.search(r"/~([a-z-]+)/", f"/{key}")
        tier = found[1] if found and found[1] in TIERS else "public"
        assert above(tier, as_text({"key": key}, body)) == [], key


def test_compressed_answers_and_other_methods_tell_no_more(newsroom: Newsroom, heard: list[str]) -> None:
    cloud = newsroom.cloud
    for method, headers in (("HEAD", {}), ("OPTIONS", {}), ("POST", {}), ("GET", {"Range": "bytes=0-60000"})):
        answer = cloud.get("/articles/leak-all/", method=method, headers=headers)
        assert above("public", as_text(answer.headers, answer.body)) == []
    answer = cloud.get("/articles/leak-all/", headers={"Accept-Encoding": "gzip"})
    assert answer.headers.get("content-encoding") == "gzip"
    assert above("public", as_text(answer.headers, zlib.decompress(answer.body, 31))) == []
    assert above("public", json.dumps(dict(answer.headers))) == []


def test_the_cache_does_not_mix_readers(newsroom: Newsroom, heard: list[str]) -> None:
    """In whatever order readers arrive, each gets the page of their tier."""
    got: dict[str, set[bytes]] = {tier: set() for tier in TIERS}
    for tiers in itertools.permutations(TIERS):
        for tier in tiers:
            got[tier].add(newsroom.page("/articles/leak-all/", tier).body)
    assert {tier: len(bodies) for tier, bodies in got.items()} == dict.fromkeys(TIERS, 1)
    assert len(set.union(*got.values())) == len(TIERS)
    member = newsroom.page("/articles/leak-all/", "member")
    again = newsroom.cloud.get("/articles/leak-all/", headers={"If-None-Match": member.headers["etag"]})
    assert again.status == 200
    assert above("public", again.text) == []


def test_the_address_of_a_heading_is_the_same_for_all(newsroom: Newsroom, heard: list[str]) -> None:
    """Those that cannot see a heading of the same name do not learn from the next one's address that there is one."""
    found = {tier: newsroom.page("/articles/leak-all/", tier).text for tier in TIERS}
    free = re.findall(r'<h2 id="(s-the-same-heading[^"]*)"', found["public"])
    assert len(free) == 4
    assert free == [f"s-the-same-heading{end}" for end in ("", "-2", "-3", "-4")]


def test_mail_and_the_readers_api_tell_nothing_of_it(newsroom: Newsroom, heard: list[str]) -> None:
    """Every route that can be fetched, and every mail that was sent, headers and both parts."""
    visitor = Visitor(newsroom.cloud)
    visitor.sign_in("leaks@reader.example")
    paths = [re.sub(r"\{\w+\}", "leak-all", route.path) for route in ROUTES if route.method == "GET"]
    assert len(paths) > 5
    for path in paths:
        for cookie in ("", newsroom.cookie("subscriber")):
            answer = newsroom.cloud.get(path, cookie=cookie)
            assert above("public", as_text(answer.headers, answer.body)) == [], path


@pytest.mark.parametrize("tier", ["subscriber", "member"])
def test_a_readers_feed_shows_what_the_tier_may_see_and_ends_when_it_is_revoked(
    newsroom: Newsroom, heard: list[str], tier: str
) -> None:
    address, slug = f"leaks-feed-{tier}@reader.example", f"leak-feed-{tier}"
    hidden = {"subscriber": canary("sub"), "member": canary("mem")}
    gates = "\n\n".join(f"::: gate tier={each}\nHidden {word}.\n:::" for each, word in hidden.items())
    newsroom.cloud.put({f"drafts/{slug}.md": draft(f"Feed for a {tier}", f"Free.\n\n{gates}\n\nFree again.")})
    newsroom.cloud.wait_for(lambda: f"/articles/{slug}/" in newsroom.cloud.get("/feed.xml").text, 60)
    visitor = Visitor(newsroom.cloud)
    visitor.sign_in(address)
    if tier == "member":
        newsroom.run_json("members", "add", address, "--tier", "member")
    account = visitor.submit(visitor.visit("/account/"), "/api/account/feed")
    shown = re.search(r'id="feed-url"[^>]* value="([^"]+)"', account.text)
    assert shown
    path = urlsplit(shown[1]).path
    answer = newsroom.cloud.get(path)
    assert (answer.status, answer.headers["cache-control"]) == (200, "private, no-store")
    assert "set-cookie" not in answer.headers
    assert above(tier, as_text(answer.headers, answer.body)) == []
    assert [each for each, word in hidden.items() if word in answer.text] == list(TIERS[1 : TIERS.index(tier) + 1])
    assert "hit" not in newsroom.cloud.get(path).headers.get("x-cache", "").lower()
    newsroom.run_json("members", "stop-feed", address)
    ended = newsroom.cloud.get(path)
    assert ended.status == 410
    assert above("public", as_text(ended.headers, ended.body)) == []
    assert above("public", as_text({}, newsroom.cloud.get("/feed.xml").body)) == []


def test_a_newsletter_shows_each_reader_what_their_tier_may_see(newsroom: Newsroom, heard: list[str]) -> None:
    def letters() -> dict[str, str]:
        mails = json.loads(newsroom.cloud.get("/_local/mail.json").body)
        return {
            mail["to"]: json.dumps(mail, ensure_ascii=False)
            for mail in mails
            if mail["to"] in LETTERS and "construct" in mail["subject"]
        }

    found = newsroom.cloud.wait_for(lambda: letters() if len(letters()) == len(LETTERS) else None)
    assert above("subscriber", found[SUBSCRIBER]) == []
    assert len(set(re.findall(r"subcanary\d+x", found[SUBSCRIBER]))) > 30
    assert len(set(re.findall(r"memcanary\d+x", found[MEMBER]))) > 30
    mails = json.loads(newsroom.cloud.get("/_local/mail.json").body)
    # Readers of other tests may get the newsletter too; they are subscribers at least.
    others = [mail for mail in mails if "construct" not in mail["subject"]]
    assert above("public", json.dumps(others, ensure_ascii=False)) == []


def test_events_carry_identity_only(newsroom: Newsroom, heard: list[str]) -> None:
    kinds = {json.loads(event)["detail-type"] for event in heard}
    assert {"ArticleRendered", "ArticleGated", "ArticleIndexed", "CacheInvalidated", "DraftRejected"} <= kinds
    assert [event[:300] for event in heard if "canary" in event.lower()] == []


def test_logs_and_dead_letters_hold_no_text(newsroom: Newsroom, heard: list[str]) -> None:
    """A stage that fails over a document must not tell of it either."""
    work, s3 = newsroom.cloud.outputs["PrivateBucket"], newsroom.cloud.client("s3")
    document = json.loads(s3.get_object(Bucket=work, Key="articles/leak-all.json")["Body"].read())
    broken = json.dumps({**document, "unknown": document["blocks"]}).encode()
    cut = json.dumps(document).encode()[:-20]
    with newsroom.fewer_attempts("Gate", 1):
        for body in (broken, cut):
            s3.put_object(Bucket=work, Key="articles/leak-all.json", Body=body)
            newsroom.cloud.send_event("ArticleRendered", {"slug": "leak-all", "revision": 1})
            newsroom.cloud.wait_for(lambda: newsroom.cloud.messages("Gate", dead=True) > 0)
            newsroom.cloud.settle()
            letters = newsroom.dead_letters("Gate")  # the event may have come more than once
            assert letters
            assert "canary" not in "".join(letters).lower()
    lines = newsroom.log_lines()
    assert any("leak-all" in line for line in lines)
    assert any('"level":"ERROR"' in line for line in lines)
    assert [line[:300] for line in lines if re.search(r"(sub|mem)canary", line.lower())] == []
    assert all(newsroom.dead_letters(queue) == [] for queue in QUEUES)


def test_problems_of_a_refused_draft_do_not_quote_its_gates(newsroom: Newsroom, heard: list[str]) -> None:
    report = newsroom.run_json("status", "leak-refused")
    assert report["state"] == "rejected"
    assert "canary" not in json.dumps(report["problems"])


def test_answers_to_members_are_not_for_shared_caches(newsroom: Newsroom, heard: list[str]) -> None:
    answer: Answer = newsroom.page("/articles/leak-all/", "member")
    assert "private" in answer.headers["cache-control"]
    assert "cookie" in answer.headers["vary"].lower()
