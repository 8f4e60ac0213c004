"""What editors and operators do in a history: actions drawn from a seed, simple enough to read and to shrink."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from nightdesk.domain.uploaders import DIRECT, Uploader, requested_by

THEMES = 2
AGENCY = "agency"
"""Instead of a person: another AWS account that may put files into the drafts bucket."""
DECISIONS = ("withdraw", "publish", "schedule", "regate", "correct", "rollback", "approve")
"""What editors decide about articles. For the ticker they `post` and `unpost` updates."""


@dataclass(frozen=True, slots=True)
class Action:
    """One action.

    Attributes:
        number: identifies it, also in a history that leaves other actions out.
        kind: `put` or `remove` a file of the drafts bucket, `deploy` a theme, `emit` an event by hand, `wait`, `post` or
            `unpost` an update, or one of `DECISIONS`.
        subject: the key, the theme's number, the detail-type, the time to wait until, the update, or the article's slug.
        values: the front matter and `body` of a draft, and `by` if it is uploaded through the editors' API; the `text` of another file; the detail of an event; the arguments of
            a decision; the fields of an update.
    """

    number: int
    kind: str
    subject: str
    values: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        values = ", ".join(f"{name}: {value}" for name, value in self.values.items()).replace("\n", "⏎")
        return f"{self.kind} {self.subject}" + (f" ({values})" if values else "")

    @property
    def uploader(self) -> Uploader:
        """Who puts the file by its metadata: `by` names a person whose role is the name before the hyphen.

        Another account claims to be a writer of the newsroom.
        """
        by = self.values.get("by", "").replace(AGENCY, "writer-wren")
        return Uploader(f"editor:{by}", by.partition("-")[0]) if by else DIRECT

    @property
    def requester(self) -> Uploader:
        """Who puts the file by S3's event."""
        return requested_by("222222222222", "111111111111") if self.values.get("by") == AGENCY else DIRECT

    @property
    def content(self) -> bytes:
        """The file that is put."""
        if "text" in self.values:
            return self.values["text"].encode()
        front = "".join(f"{n}: {value}\n" for n, value in self.values.items() if n not in ("body", "by"))
        return f"---\n{front}---\n{self.values.get('body', '')}".encode()


def simpler(action: Action) -> list[Action]:
    """Return the action with one value less, for each value that is optional."""
    required = ("title", "text", "slug", "list", "key", "at", "tier", "gate", "revision", "headline")
    optional = [name for name in action.values if name not in required]
    return [replace(action, values={k: v for k, v in action.values.items() if k != name}) for name in optional]


@dataclass(frozen=True, slots=True)
class _Mix:
    """Which actions a history has. Histories that mix everything rarely have three actions of the same kind.

    Attributes:
        names: one letter for each draft.
        shared: the chance that a draft wants the slug that others want too.
        embargo: the chance that a draft has an embargo.
        translated: the chance that a draft is a translation of another one.
        weights: of each kind of action.
    """

    names: str
    shared: float
    embargo: float
    translated: float
    weights: Mapping[str, int]


def _draw_mix(rnd: random.Random) -> _Mix:
    weights = {kind: usual * rnd.choice((0, 1, 1, 4)) for kind, usual in _USUAL_WEIGHTS.items()}
    weights["draft"] = _USUAL_WEIGHTS["draft"]
    embargo = rnd.choice((0.0, 0.15, 0.7))
    translated = rnd.choice((0.0, 0.0, 0.6))
    return _Mix(rnd.choice(("abcd", "abd", "ab", "d")), rnd.choice((0.0, 0.1, 0.6)), embargo, translated, weights)


_USUAL_WEIGHTS = {
    "draft": 33,
    "removal": 10,
    "decision": 20,
    "wait": 7,
    "images": 6,
    "profiles": 6,
    "pages": 6,
    "settings": 6,
    "ticker": 6,
    "deploy": 2,
    "emit": 2,
}


def draw(rnd: random.Random) -> list[Action]:
    """Return the actions of a history."""
    mix, actions = _draw_mix(rnd), []
    for number in range(1, rnd.randrange(3, 10)):
        actions.append(_draw_action(number, rnd, mix, actions))
    return actions


def _draw_action(number: int, rnd: random.Random, mix: _Mix, before: Sequence[Action]) -> Action:
    drafts = [
        action
        for action in before
        if action.kind == "put" and action.subject.startswith("drafts/") and "text" not in action.values
    ]
    [kind] = rnd.choices(list(mix.weights), list(mix.weights.values()))
    if before and "publish_at" in before[-1].values and rnd.random() < mix.embargo:
        kind = "wait"  # otherwise few embargoes would end
    if kind == "decision" and drafts:
        return _draw_decision(number, rnd, slug_of(rnd.choice(drafts)))
    if kind == "removal" and drafts:
        return Action(number, "remove", rnd.choice(drafts).subject)
    if kind == "ticker":
        return _draw_update(number, rnd)
    if kind == "wait":
        return Action(number, "wait", rnd.choice(_MOMENTS))
    if kind in _FILES:
        return _draw_file(number, rnd, _FILES[kind])
    if kind == "deploy":
        return Action(number, "deploy", str(rnd.randrange(THEMES)))
    if kind == "emit":
        event, detail = rnd.choice(_EVENTS)
        return Action(number, "emit", event, detail)
    name = rnd.choice(mix.names)
    key = f"drafts/{name}/index.md" if name == "d" else f"drafts/{name}.md"
    return Action(number, "put", key, _draw_draft(rnd, name, mix))


def slug_of(action: Action) -> str:
    """Return the slug that a version of a draft asks for."""
    name = action.subject.removeprefix("drafts/").removesuffix(".md").removesuffix("/index")
    return action.values.get("slug", name)


def public_from(action: Action) -> datetime:
    """Return the time from which a version of a draft lets its article be public; without an offset, a time long past."""
    if action.values.get("draft"):
        return datetime.max.replace(tzinfo=UTC)
    moment = datetime.fromisoformat(action.values.get("publish_at", "2000-01-01").replace("Z", "+00:00"))
    return moment if moment.tzinfo else datetime.min.replace(tzinfo=UTC)


def _draw_file(number: int, rnd: random.Random, files: Mapping[str, Sequence[str | None]]) -> Action:
    key = rnd.choice(sorted(files))
    text = rnd.choice(files[key])
    key = _ATTACHMENTS[number % 3] if key == _IMAGE else key
    return Action(number, "remove", key) if text is None else Action(number, "put", key, {"text": text})


def _draw_decision(number: int, rnd: random.Random, slug: str) -> Action:
    kind = rnd.choice((*DECISIONS, "withdraw"))
    values: dict[str, str] = {}
    if kind == "schedule":
        values["at"] = rnd.choice(
            ("2026-11-23T04:00:00+00:00", "2026-11-23T05:00:00+00:00", "2027-01-01T00:00:00+00:00")
        )
    elif kind == "regate":
        values["tier"] = rnd.choice(("public", "member", "subscriber", ""))
        if rnd.random() < 0.5:
            values["gate"] = "1"
    elif kind == "rollback":
        values["revision"] = rnd.choice("112")
    return Action(number, kind, slug, values)


def _draw_update(number: int, rnd: random.Random) -> Action:
    update = rnd.choice("123")
    if rnd.random() < 0.3:
        return Action(number, "unpost", update)
    values = {"headline": f"News {number}", "topic": rnd.choice(("t", "w", ""))}
    for key, choices, chance in (("url", ["/articles/a/"], 0.3), ("expires", ["2026-11-23T05:00:00Z"], 0.5)):
        if rnd.random() < chance:
            values[key] = rnd.choice(choices)
    return Action(number, "post", update, values)


def _draw_draft(rnd: random.Random, name: str, mix: _Mix) -> dict[str, str]:
    """Return a version of a draft, with one of its own two slugs or with the one that others want too."""
    values = {"title": rnd.choice("XYZ"), "date": f"2026-0{rnd.randrange(1, 4)}-0{rnd.randrange(1, 4)}"}
    if rnd.random() < 0.15:
        values["date"] = _MONTHS_END
    if rnd.random() < mix.shared:
        values["slug"] = "shared"
    elif rnd.random() < 0.3:
        values["slug"] = f"{name}-two"
    for key, choices, chance in _OPTIONAL_VALUES:
        if rnd.random() < (mix.embargo if chance is None else chance):
            values[key] = rnd.choice(choices).replace("{name}", name)
    if rnd.random() < mix.translated:
        values["translation_of"] = rnd.choice((*mix.names, "a-two", "shared"))
        values["language"] = rnd.choice(("de", "ar"))
    for key, chance in (("title", 0.03), ("date", 0.15)):
        if rnd.random() < chance:
            del values[key]
    to = _LINKS_TO[name]
    values["body"] = (
        f"Text.\n\n{rnd.choice(_GATES)}\n![Seen](a.png) [Got](b.pdf)\n:::\n\n[End](c.csv). [Next]({to}.md).\n"
    )
    return values


_LINKS_TO = {"a": "b", "b": "d/index", "c": "a", "d": "a"}
"""By name, so that the histories stay the same else."""
_MOMENTS = [
    "2026-11-23T03:59:59.600Z",
    "2026-11-23T04:00:00Z",
    "2026-11-23T05:00:00Z",
    "2026-11-23T05:00:01Z",
    "2026-11-23T09:00:00Z",
]
"""Around the times at which articles change. 14:00 is 05:00 in the time zone of one of the settings."""
_MONTHS_END = "2026-02-28T20:00:00Z"
"""Already March in the time zone of one of the settings."""
_GATES = ["::: gate", "::: gate tier=member", "::: gate tier=member teaser=Mine"]
_OPTIONAL_VALUES: list[tuple[str, list[str], float | None]] = [
    ("authors", ["[u]", "[v]", "[u, v]", "[U]"], 0.9),
    ("topics", ["[t]", "[w]", "[t, w]", "[T]"], 0.9),
    ("draft", ["true"], 0.08),
    ("expires", ["2026-05-01", "2026-11-23T05:00:00Z", "2026-11-23T06:00:00Z"], 0.12),
    (
        "publish_at",
        ["2026-11-23T04:00:00Z", "2026-11-23T04:00:00Z", "2026-11-23T05:00:00Z", "2026-11-23 14:00", "2027-01-01"],
        None,  # as in the mix
    ),
    ("featured", ["true"], 0.1),
    ("pinned_until", ["2026-11-23T04:00:00Z", "2026-11-23T05:00:00Z", "2027-01-01", "2026-05-01"], 0.12),
    ("access", ["member", "subscriber"], 0.15),
    ("hero", ["a.png"], 0.08),
    ("corrections", ["[{date: 2026-04-01, text: Oops.}]", "[{date: 2026-04-02, text: Again.}]"], 0.1),
    (
        "aliases",
        [
            "[/old/]",
            "[/old/, /{name}/Old.html]",
            "[/articles/{name}-two/, /older/]",
            "[/articles/a/]",
            "[/articles/b/, /articles/shared/]",
        ],
        0.1,
    ),
]
_IMAGE = "drafts/d/a.png"
_ATTACHMENTS = (_IMAGE, "drafts/d/b.pdf", "drafts/d/c.csv")
"""What is put or removed in the place of the image: by the number of the action, so that the histories stay the same else."""
_IMAGES = {
    _IMAGE: [None, "one", "two"],
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
        "security: {contact: 'mailto:a@desk.example', expires: 2027-01-01}\nrobots: {block: [Bot]}\n",
        "require_approval: [ai]\n",
        "require_approval: [ai, human]\ntiers: [public, member]\n",
        "front: {lead: a, sections: [t, w]}\n",
        "timezone: Nowhere\n",
    ]
}
_FILES: Mapping[str, Mapping[str, Sequence[str | None]]] = {
    "images": _IMAGES,
    "profiles": _PROFILES,
    "pages": _PAGES,
    "settings": _SETTINGS,
}
_EVENTS: list[tuple[str, dict[str, str]]] = [
    ("SiteChanged", {}),
    ("SearchDue", {}),
    ("RelistRequested", {"list": "all"}),
    ("RelistRequested", {"list": "topic:t"}),
    ("RelistRequested", {"list": "news"}),
    ("RenderRequested", {"key": "drafts/a.md"}),
    ("RegateRequested", {"slug": "b"}),
]
