"""What editors and operators do: acts drawn from a seed, small enough to read and to shrink."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

THEMES = 2
EDITORS = ("withdraw", "publish", "schedule", "regate", "correct", "rollback", "approve")
"""What editors do about articles; about the ticker, they `post` and `unpost`."""


@dataclass(frozen=True, slots=True)
class Act:
    """One act. `number` tells it from the others, also when some of them are left out.

    Args:
        kind: `put` or `remove` a file of the drafts bucket, `deploy` a theme, `ask` for an event by hand, `wait`, or what an
            editor does.
        subject: the key, the theme's number, the detail-type, until when, an article's slug, or an update.
        matter: a draft's front matter and `body`; `text` for any other file; the detail of an event; what an editor says.
    """

    number: int
    kind: str
    subject: str
    matter: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        about = ", ".join(f"{name}: {value}" for name, value in self.matter.items()).replace("\n", "⏎")
        return f"{self.kind} {self.subject}" + (f" ({about})" if about else "")

    @property
    def content(self) -> bytes:
        """The file that is put."""
        if "text" in self.matter:
            return self.matter["text"].encode()
        front = "".join(f"{name}: {value}\n" for name, value in self.matter.items() if name != "body")
        return f"---\n{front}---\n{self.matter.get('body', '')}".encode()


def plainer(act: Act) -> list[Act]:
    """The same act with one thing less said, for each that can be left out."""
    kept = ("title", "text", "slug", "list", "key", "at", "tier", "gate", "revision", "headline")
    spare = [name for name in act.matter if name not in kept]
    return [replace(act, matter={k: v for k, v in act.matter.items() if k != name}) for name in spare]


@dataclass(frozen=True, slots=True)
class _Mood:
    """What a history is about: its drafts, how much they want the same slug, how many have an embargo, and the weight of each
    kind of act.

    Histories that are about everything at once seldom come to what takes three acts of the same kind.
    """

    names: str
    shared: float
    embargo: float
    weights: Mapping[str, int]


def _mood(rnd: random.Random) -> _Mood:
    weights = {kind: usual * rnd.choice((0, 1, 1, 4)) for kind, usual in _USUAL.items()}
    weights["draft"] = _USUAL["draft"]
    embargo = rnd.choice((0.0, 0.15, 0.7))
    return _Mood(rnd.choice(("abcd", "abd", "ab", "d")), rnd.choice((0.0, 0.1, 0.6)), embargo, weights)


_USUAL = {
    "draft": 33,
    "removal": 10,
    "edit": 20,
    "wait": 7,
    "images": 6,
    "profiles": 6,
    "pages": 6,
    "settings": 6,
    "ticker": 6,
    "deploy": 2,
    "ask": 2,
}


def draw(rnd: random.Random) -> list[Act]:
    """A history of acts."""
    mood, acts = _mood(rnd), []
    for number in range(1, rnd.randrange(3, 10)):
        acts.append(_act(number, rnd, mood, acts))
    return acts


def _act(number: int, rnd: random.Random, mood: _Mood, before: Sequence[Act]) -> Act:
    filed = [
        act for act in before if act.kind == "put" and act.subject.startswith("drafts/") and "text" not in act.matter
    ]
    [kind] = rnd.choices(list(mood.weights), list(mood.weights.values()))
    if before and "publish_at" in before[-1].matter and rnd.random() < mood.embargo:
        kind = "wait"  # few embargoes would end otherwise
    if kind == "edit" and filed:
        return _edit(number, rnd, slug_of(rnd.choice(filed)))
    if kind == "removal" and filed:
        return Act(number, "remove", rnd.choice(filed).subject)
    if kind == "ticker":
        return _ticker(number, rnd)
    if kind == "wait":
        return Act(number, "wait", rnd.choice(_MOMENTS))
    if kind in _FILES:
        files = _FILES[kind]
        key = rnd.choice(sorted(files))
        text = rnd.choice(files[key])
        return Act(number, "remove", key) if text is None else Act(number, "put", key, {"text": text})
    if kind == "deploy":
        return Act(number, "deploy", str(rnd.randrange(THEMES)))
    if kind == "ask":
        event, detail = rnd.choice(_BY_HAND)
        return Act(number, "ask", event, detail)
    name = rnd.choice(mood.names)
    return Act(
        number, "put", f"drafts/{name}/index.md" if name == "d" else f"drafts/{name}.md", _draft(rnd, name, mood)
    )


def slug_of(act: Act) -> str:
    """The slug that a version of a draft asks for."""
    name = act.subject.removeprefix("drafts/").removesuffix(".md").removesuffix("/index")
    return act.matter.get("slug", name)


def free_from(act: Act) -> datetime:
    """From when on a version of a draft lets its article be public; moments without an offset are taken for long past."""
    if act.matter.get("draft"):
        return datetime.max.replace(tzinfo=UTC)
    moment = datetime.fromisoformat(act.matter.get("publish_at", "2000-01-01").replace("Z", "+00:00"))
    return moment if moment.tzinfo else datetime.min.replace(tzinfo=UTC)


def _edit(number: int, rnd: random.Random, slug: str) -> Act:
    kind = rnd.choice((*EDITORS, "withdraw"))
    matter: dict[str, str] = {}
    if kind == "schedule":
        matter["at"] = rnd.choice(
            ("2026-11-23T04:00:00+00:00", "2026-11-23T05:00:00+00:00", "2027-01-01T00:00:00+00:00")
        )
    elif kind == "regate":
        matter["tier"] = rnd.choice(("public", "member", "subscriber", ""))
        if rnd.random() < 0.5:
            matter["gate"] = "1"
    elif kind == "rollback":
        matter["revision"] = rnd.choice("112")
    return Act(number, kind, slug, matter)


def _ticker(number: int, rnd: random.Random) -> Act:
    update = rnd.choice("123")
    if rnd.random() < 0.3:
        return Act(number, "unpost", update)
    matter = {"headline": f"News {number}", "topic": rnd.choice(("t", "w", ""))}
    for key, values, chance in (("url", ["/articles/a/"], 0.3), ("expires", ["2026-11-23T05:00:00Z"], 0.5)):
        if rnd.random() < chance:
            matter[key] = rnd.choice(values)
    return Act(number, "post", update, matter)


def _draft(rnd: random.Random, name: str, mood: _Mood) -> dict[str, str]:
    """A version of a draft, under one of two slugs of its own, or under one that others want as well."""
    matter = {"title": rnd.choice("XYZ"), "date": f"2026-0{rnd.randrange(1, 4)}-0{rnd.randrange(1, 4)}"}
    if rnd.random() < mood.shared:
        matter["slug"] = "shared"
    elif rnd.random() < 0.3:
        matter["slug"] = f"{name}-two"
    for key, values, chance in _MATTER:
        if rnd.random() < (mood.embargo if chance is None else chance):
            matter[key] = rnd.choice(values).replace("{name}", name)
    for key, chance in (("title", 0.03), ("date", 0.15)):
        if rnd.random() < chance:
            del matter[key]
    matter["body"] = f"Text.\n\n{rnd.choice(_GATES)}\n![Seen](a.png)\n:::\n\nEnd.\n"
    return matter


_MOMENTS = [
    "2026-11-23T03:59:59.600Z",
    "2026-11-23T04:00:00Z",
    "2026-11-23T05:00:00Z",
    "2026-11-23T05:00:01Z",
    "2026-11-23T09:00:00Z",
]
"""Around those at which articles change by themselves. 14:00 is 05:00 in the zone that one of the settings names."""
_GATES = ["::: gate", "::: gate tier=member", "::: gate tier=member teaser=Mine"]
_MATTER: list[tuple[str, list[str], float | None]] = [
    ("authors", ["[u]", "[v]", "[u, v]", "[U]"], 0.9),
    ("topics", ["[t]", "[w]", "[t, w]", "[T]"], 0.9),
    ("draft", ["true"], 0.08),
    ("expires", ["2026-05-01", "2026-11-23T05:00:00Z", "2026-11-23T06:00:00Z"], 0.12),
    (
        "publish_at",
        ["2026-11-23T04:00:00Z", "2026-11-23T04:00:00Z", "2026-11-23T05:00:00Z", "2026-11-23 14:00", "2027-01-01"],
        None,  # as the mood has it
    ),
    ("access", ["member", "subscriber"], 0.15),
    ("hero", ["a.png"], 0.08),
    ("corrections", ["[{date: 2026-04-01, text: Oops.}]", "[{date: 2026-04-02, text: Again.}]"], 0.1),
    (
        "aliases",
        ["[/old/]", "[/articles/{name}-two/, /older/]", "[/articles/a/]", "[/articles/b/, /articles/shared/]"],
        0.1,
    ),
]
_IMAGES = {
    "drafts/d/a.png": [None, "one", "two"],
    "authors/u.png": [None, "one", "two"],
}
_PROFILES = {
    "authors/u.md": [None, "---\nname: Una\nportrait: u.png\n---\nBio.", "---\nname: Uma\nkind: ai\n---\nOther."],
    "authors/v.md": [None, "---\nname: Vi\n---\nBio.", "---\nkind: nobody\n---\nRefused."],
    "topics/t.md": [None, "---\nname: Tea\nsummary: Leaves.\n---\n"],
}
_PAGES = {
    "pages/about.md": [None, "---\ntitle: About us\n---\nUs."],
    "pages/corrections.md": [None, "---\ntitle: Errors\n---\nWe err."],
    "pages/new.md": [None, "---\ntitle: New\n---\nNew."],
}
_SETTINGS = {
    "site.yaml": [
        None,
        "name: A\nteaser: Only for a {tier}.\n",
        "name: B\ntiers: [public, member]\n",
        "timezone: Asia/Tokyo\ntiers: [public, member, patron]\n",
        "require_profiles: true\n",
        "require_approval: [ai]\n",
        "require_approval: [ai, human]\ntiers: [public, member]\n",
        "timezone: Nowhere\n",
    ]
}
_FILES: Mapping[str, Mapping[str, Sequence[str | None]]] = {
    "images": _IMAGES,
    "profiles": _PROFILES,
    "pages": _PAGES,
    "settings": _SETTINGS,
}
_BY_HAND: list[tuple[str, dict[str, str]]] = [
    ("SiteChanged", {}),
    ("ListTouched", {"list": "all"}),
    ("ListTouched", {"list": "topic:t"}),
    ("DraftTouched", {"key": "drafts/a.md"}),
    ("ArticleTouched", {"slug": "b"}),
]
