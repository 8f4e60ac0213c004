"""What authors get wrong in front matter: never published by mistake, never lost in silence, always with something to type."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from nightdesk.domain.drafts import Draft, parse_draft
from nightdesk.domain.errors import Rejected
from nightdesk.domain.problems import Kind
from nightdesk.domain.profiles import parse_profile
from nightdesk.domain.site import Site
from nightdesk.domain.site_file import parse_site
from nightdesk.domain.timestamps import local_time, month_in
from nightdesk.rendering.markdown import to_html

SITE = Site(timezone="Europe/Oslo", tiers=("public", "subscriber", "member"))
LATER = "2099-06-01T06:00:00+02:00"


def parse(matter: str, name: str = "a-story", filed: str = "2026-11-29T12:00:00+00:00") -> Draft:
    return parse_draft(f"---\n{matter}\n---\nText.\n".encode(), name, SITE, to_html, filed)


def reasons(raw: str, name: str = "a-story") -> list[str]:
    with pytest.raises(Rejected) as caught:
        parse_draft(raw.encode(), name, SITE, to_html, "2026-11-29T12:00:00+00:00")
    return [str(problem) for problem in caught.value.problems]


def warnings(draft: Draft) -> list[str]:
    return [str(problem) for problem in draft.warnings]


# --- Embargoes and drafts ---


@pytest.mark.parametrize(
    "keys",
    [
        f"date: 2024-01-02\npublishDate: {LATER}",
        f"publishdate: {LATER}\ndate: 2024-01-02",
        f"date: 2024-01-02\npublish_at: {LATER}",
        f"date: 2024-01-02\npublish_at: 2024-02-01\npublishDate: {LATER}",
        f"publishDate: {LATER}",
    ],
)
def test_the_later_of_two_moments_keeps_an_article_back(keys: str) -> None:
    draft = parse(f"title: T\n{keys}")
    assert LATER in (draft.date, draft.publish_at)


@pytest.mark.parametrize("key", ["published", "published_at", "pubdate"])
def test_of_two_dates_the_later_counts_with_a_warning(key: str) -> None:
    draft = parse(f"title: T\ndate: 2024-01-02\n{key}: {LATER}")
    assert draft.date == LATER
    assert warnings(draft) == [
        f"3: date: differs from `{key}` in line 4, which means the same; the later moment counts"
    ]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("2030-01-01T06:00:00.001Z", "2030-01-01T06:00:01+00:00"),
        ("2030-01-01T06:00:00.999999999Z", "2030-01-01T06:00:01+00:00"),
        ("2030-01-01T06:00:00.000Z", "2030-01-01T06:00:00+00:00"),
    ],
)
def test_an_embargo_never_ends_a_fraction_of_a_second_early(typed: str, expected: str) -> None:
    assert parse(f"title: T\npublish_at: {typed}").publish_at == expected
    assert parse(f"title: T\ndate: {typed}").date == expected


@pytest.mark.parametrize(
    "keys",
    [
        "draft: true",
        "draft: yes",
        "status: draft",
        "status: Draft",
        "published: false",
        "published: no",
        "publish: false",
        "hidden: true",
        "private: yes",
        "unlisted: true",
        "hidden: 1",
        "unlisted: y",
        "is_draft: true",
        "ready: 0",
        "permalink: false",
        "workflow: draft",
        "password: swordfish",
        "active: false",
        "review: pending",
        "premium: true",
        "members_only: yes",
        "audience: only_paid",
        "_build: {render: never}",
        "build: {list: never}",
        "eleventyExcludeFromCollections: true",
        "embargoed: yes",
        "on_hold: true",
        "do_not_publish: true",
        "internal: true",
        "approved: false",
        "publish_status: draft",
        "phase: draft",
        "draft: false\nstatus: draft",
        "draft: false\npublished: false",
    ],
)
def test_keys_of_other_systems_that_hide_a_page_hide_it_here(keys: str) -> None:
    assert parse(f"title: T\ndate: 2024-01-02\n{keys}").draft is True


@pytest.mark.parametrize("keys", ["hidden: soon", "wip: [true]", "private: staff"])
def test_a_key_that_hides_and_says_neither_yes_nor_no_publishes_nothing(keys: str) -> None:
    assert "must be true or false" in reasons(f"---\ntitle: T\n{keys}\n---\n")[0]


@pytest.mark.parametrize(
    "keys",
    [
        "live: https://live.example/",
        "permalink: /x/",
        "state: Oregon",
        "ready: maybe",
        "review: A fine film",
        "audience: everyone",
        "build: 7",
        "internal: notes",
        "secret: the recipe",
        "image_options: {draft: no, published: yes, status: sold}",
    ],
)
def test_a_key_that_only_sounds_like_hiding_is_an_unknown_one(keys: str) -> None:
    draft = parse(f"title: T\n{keys}")
    assert (draft.draft, len(draft.warnings)) == (False, 1)
    assert "is not a known key" in warnings(draft)[0]


@pytest.mark.parametrize(
    ("keys", "path"),
    [
        ("params: {draft: true}", "params.draft"),
        ("extra:\n  - isDraft: yes", "extra.isDraft"),
        ("wordpress: {post: {status: future}}", "wordpress.post.status"),
        ("cascade: {published: false}", "cascade.published"),
        ("meta: {embargoed: true}", "meta.embargoed"),
    ],
)
def test_a_flag_inside_another_key_that_may_hide_an_article_rejects_it(keys: str, path: str) -> None:
    with pytest.raises(Rejected) as rejected:
        parse(f"title: T\n{keys}")
    assert [(each.kind.id, each.key) for each in rejected.value.problems] == [("maybe-hidden", path)]


@pytest.mark.parametrize(("fence", "sign"), [("---", ":"), ("+++", " =")])
def test_keys_in_a_second_front_matter_are_not_taken_for_text(fence: str, sign: str) -> None:
    second = f"{fence}\nlayout{sign} 'post'\ntags:\n  - a\npublish_at{sign} 2099-01-01\n{fence}\nText."
    with pytest.raises(Rejected) as rejected:
        parse(f"title: T\ndate: 2024-01-02\n---\n\n{second}\n")
    assert [(each.kind.id, each.key, each.line) for each in rejected.value.problems] == [
        ("front-matter-twice", "tags", 8)
    ]


@pytest.mark.parametrize(
    "body", ["---\nNote: see below\n---\n", "---\nText.\n\ndate: today\n---\n", "***\ndate: x\n***\n"]
)
def test_rules_in_a_text_are_no_front_matter(body: str) -> None:
    assert parse(f"title: T\n---\n{body}").title == "T"


@pytest.mark.parametrize(
    "keys", ["slug: we-are #1", "slug: &c more", "translation_of: budget #2", "hero: photo #2.jpg"]
)
def test_a_name_that_yaml_cuts_is_rejected(keys: str) -> None:
    assert "put the whole value in quotes" in reasons(f"---\ntitle: T\n{keys}\n---\n")[0]


def test_a_comment_may_follow_a_slug() -> None:
    assert parse("title: T\nslug: budget # as in print").slug == "budget"


@pytest.mark.parametrize("empty", ["date:", "date: ''", "date: ~", 'pubdate: ""'])
def test_an_empty_date_leaves_the_one_of_the_file_name(empty: str) -> None:
    raw = f"---\ntitle: T\n{empty}\n---\nText.\n".encode()
    assert parse_draft(raw, "2014-05-27-harbour", Site(), to_html).date == "2014-05-27T00:00:00+00:00"


@pytest.mark.parametrize("key", ["embargo", "embargo_until", "publish_on", "scheduled_at", "go_live"])
def test_an_embargo_holds_under_any_of_its_names(key: str) -> None:
    assert parse(f"title: T\ndate: 2024-01-02\n{key}: {LATER}").publish_at == LATER
    assert "is not a date" in reasons(f"---\ntitle: T\n{key}: yes\n---\n")[0]


@pytest.mark.parametrize(
    "keys", ["published: true", "published: yes", "status: published", "status: LIVE", "hidden: false"]
)
def test_published_may_be_a_flag(keys: str) -> None:
    draft = parse(f"title: T\ndate: 2024-01-02\n{keys}")
    assert (draft.draft, draft.date) == (False, "2024-01-02T00:00:00+01:00")


@pytest.mark.parametrize("status", ["pending", "private", "hidden", "trash", "future", "in review", "publish"])
def test_an_unknown_status_publishes_nothing(status: str) -> None:
    assert reasons(f"---\ntitle: T\nstatus: {status}\n---\n") == [
        f"3: status: “{status}” is not a status; write draft, published or scheduled, or leave the key out"
    ]


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Draft: true", "draft"),
        ("PUBLISH_AT: 2099-01-01", "publish_at"),
        ("publish-at: 2099-01-01", "publish_at"),
        ("Published: false", "published"),
        ("Access: member", "access"),
        ("expiry_date: 2020-01-01", "expiryDate"),
        ("Status: draft", "status"),
    ],
)
def test_a_key_in_another_spelling_is_not_passed_over(typed: str, name: str) -> None:
    key = typed.partition(":")[0]
    assert f"3: {key}: write the key as `{name}`" in reasons(f"---\ntitle: T\n{typed}\n---\n")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("access: member", "visibility: public"),
        ("topics: [trade]", "categories: [energy]"),
        ("author: ada", "authors: [bo]"),
        ("expires: 2030-01-01", "expiryDate: 2031-01-01"),
    ],
)
def test_keys_that_contradict_each_other_reject_the_draft(first: str, second: str) -> None:
    for text in (f"{first}\n{second}", f"{second}\n{first}"):
        (reason,) = reasons(f"---\ntitle: T\n{text}\n---\n")
        assert "which means the same; keep one" in reason


def test_synonymous_keys_are_reported() -> None:
    draft = parse("title: T\ndeck: One.\nsummary: Two.")
    assert draft.dek == "One."
    assert warnings(draft) == ["4: summary: is not used, because `deck` in line 3 says the same thing in other words"]


# --- Dates ---


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("2014-05-27-harbour", "2014-05-27T00:00:00+02:00"),
        ("2014-13-45-harbour", ""),
        ("harbour-2014-05-27", ""),
        ("2014-05-27", ""),
    ],
)
def test_the_date_at_the_head_of_a_file_name_is_the_date(name: str, expected: str) -> None:
    assert parse("title: T\nslug: s", name).date == expected
    assert parse("title: T\nslug: s\ndate: 2020-01-01", name).date == "2020-01-01T00:00:00+01:00"


@pytest.mark.parametrize(
    ("name", "unread"),
    [
        ("2014-02-30-harbour", "2014-02-30"),
        ("2014_05_27_harbour", "2014_05_27"),
        ("20140527-harbour", "20140527"),
        ("2014-5-7 harbour", "2014-5-7"),
        ("27.05.2014-harbour", "27.05.2014"),
        ("2014-05-27", "2014-05-27"),
        ("2014-harbour", ""),
        ("12345678-harbour", ""),
    ],
)
def test_a_date_in_a_file_name_that_is_not_read_is_named(name: str, unread: str) -> None:
    said = warnings(parse("title: T\nslug: s", name))
    assert [f"begins with “{unread}”, which is not read" in each for each in said] == ([True] if unread else [])
    assert not parse("title: T\nslug: s\ndate: 2020-01-01", name).warnings


@pytest.mark.parametrize("key", ["lastmod", "updated"])
def test_an_update_in_the_future_is_not_shown(key: str) -> None:
    draft = parse(f"title: T\n{key}: 2099-01-01")
    assert draft.lastmod == ""
    assert [problem.line for problem in draft.warnings] == [3]
    assert parse(f"title: T\n{key}: 2026-11-29 12:04Z").lastmod, "clocks differ a little"


def test_a_review_in_the_future_is_not_shown() -> None:
    draft = parse("title: T\nproduction: {reviewed_by: Bo, reviewed_at: 2099-01-01}")
    assert draft.production["reviewed_at"] == ""
    assert [problem.key for problem in draft.warnings] == ["production.reviewed_at"]


@pytest.mark.parametrize(
    "keys",
    ["publish_at: 2099-01-01\nexpires: 2098-01-01", "date: 2024-01-02\nexpires: 2024-01-02", "expiry: 2020-01-01\nembargo: 2021-01-01"],
)  # fmt: skip
def test_an_article_that_ends_before_it_begins_is_warned_of(keys: str) -> None:
    assert "is not later than the date" in warnings(parse(f"title: T\n{keys}"))[0]
    assert not parse("title: T\ndate: 2024-01-02\nexpires: 2024-01-03").warnings


def test_old_paths_may_be_typed_as_in_jekyll() -> None:
    assert parse("title: T\nredirect_from: /old/").aliases == ("/old/",)


@pytest.mark.parametrize("zone", ["Europe/Amsterdam", "Africa/Monrovia", "Asia/Kolkata"])
def test_a_day_of_old_offsets_with_seconds_is_the_day_that_was_typed(zone: str) -> None:
    typed = "---\ntitle: T\ndate: 1905-05-01\n---\n"
    date = parse_draft(typed.encode(), "s", Site(timezone=zone), to_html).date
    assert local_time(date, ZoneInfo(zone)).isoformat()[:19] == "1905-05-01T00:00:00"
    assert month_in(date, ZoneInfo(zone)) == "1905-05"


def test_a_correction_in_the_future_is_rejected() -> None:
    assert (
        "later than the file itself" in reasons("---\ntitle: T\ncorrections: [{date: 2099-01-01, text: C}]\n---\n")[0]
    )


# --- What YAML takes from a value ---


@pytest.mark.parametrize(
    ("typed", "lost"),
    [
        ("title: We are #1", None),
        ("title: Vi er #1 igjen", "#1 igjen"),
        ("title: A 🎉 in C #", "#"),
        ("title: #MeToo, ten years on", "#MeToo, ten years on"),
        ("title: !important news", "!important"),
        ("title: ! news", "!"),
        ("title: &c and more", "&c"),
        ("title: T\ndek: Room for #hashtags", "#hashtags"),
        ("title: T\ntags:\n  - war\n  - C #", "#"),
        ("title: T\ntags: #war", "#war"),
        ("title: T\ntopics: #war", "#war"),
        ("title: T\ndek: The union is\n  #1 in Europe", "#1 in Europe"),
        ("title: T\nsources:\n  - title: Letter\n      #3\n    url: https://x.example", "#3"),
        ("title: T\nhero: {src: a.png, alt: Boat}\nsources:\n  - title: Letter #3\n    url: https://x.example", "#3"),
    ],
)
def test_text_that_yaml_would_cut_is_rejected_with_what_to_type(typed: str, lost: str | None) -> None:
    (reason,) = reasons(f"---\n{typed}\n---\n")
    assert reason.endswith(f"“{lost or '#1'}” has a meaning in YAML and would be lost; put the whole value in quotes")


@pytest.mark.parametrize(
    "typed",
    [
        "topics:\n  - a\n  #- b\n  - c",
        "topics:\n  - a\n    # and more",
        "sources:\n  - title: S\n    #url: https://x.example",
        "draft: true # for now",
        "date: 2024-01-02 # confirmed",
        "slug: a-b # short",
        "# a comment",
        "tags: [a] # b",
    ],
)
def test_a_comment_beside_a_value_that_is_no_prose_is_a_comment(typed: str) -> None:
    assert parse(f"title: T\n{typed}")


@pytest.mark.parametrize(
    ("matter", "line", "key", "advice"),
    [
        ("title: Crisis: what next", 2, "title", "put it in quotes"),
        ("title: @desk says no", 2, "title", "put it in quotes"),
        ("title: `Stop`, they said", 2, "title", "put it in quotes"),
        ("title: %5 of us", 2, "title", "put it in quotes"),
        ('title: "Stop" they said', 2, "title", "put the value in quotes"),
        ("title: [Breaking] news", 2, "title", "quotes"),
        ("tags: [#one, #two]\ntitle: T", 2, "tags", "put values with # in quotes"),
        ("title: {Breaking}", 2, "title", "quotes"),
        ("title: *starred", 2, "", "quotes"),
        ('title: Five\ndek: "It\u0092s"', 3, "dek", "delete it"),
        ("Title: Capital", 2, "Title", "write the key as `title`"),
        ("titel: T", 1, "title", "did you mean `title` with “titel” in line 2?"),
        ("title: T\nslug: Ending-OCSP", 3, "slug", "such as ending-ocsp"),
        ("title: T\ndate: 2024-13-01", 3, "date", "check the numbers"),
        ("title: T\ndate: 2024-01-01 25:00", 3, "date", "check the numbers"),
        ("title: T\nhero: {src: a.png, alt: A, captoin: C}", 0, "", ""),
    ],
)
def test_a_reason_names_line_and_key_and_says_what_to_type(matter: str, line: int, key: str, advice: str) -> None:
    if not line:
        assert warnings(parse(matter)) == [
            "3: hero.captoin: is not a known key; it is ignored; did you mean `caption`?"
        ]
        return
    with pytest.raises(Rejected) as caught:
        parse(matter)
    problem = caught.value.problems[0]
    assert (problem.line, problem.key) == (line, key)
    assert advice in problem.text
    assert not [word for word in ("token", "mapping", "scalar", "invalid literal", "expected") if word in problem.text]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (
            "Title: P\nDate: 2024-01-02\n\nText.\n",
            "1: the keys in lines 1 to 2 need a line of --- before and after them",
        ),
        ("---\ntitle: T\n...\nText.\n", "3: the front matter ends with “...” here; end it with a line of --- instead"),
        ("---\ntitle: T\nText.\n", "1: the front matter is never closed; end it with a line of ---"),
        ("+++\ntitle = 'T'\nText.\n", "1: the front matter is never closed; end it with a line of +++"),
        ("Text.\n", "1: the file must begin with front matter: a line of ---, keys, a line of ---"),
    ],
)
def test_missing_fences_are_described(raw: str, reason: str) -> None:
    assert reasons(raw) == [reason]


# --- Names, lists and spaces ---


@pytest.mark.parametrize("names", ["[王伟, 汪伟]", "[José, Jose]", "[C++, C]"])
@pytest.mark.parametrize("key", ["authors", "topics"])
def test_two_names_with_one_id_are_rejected(key: str, names: str) -> None:
    assert "would both get the id" in reasons(f"---\ntitle: T\n{key}: {names}\n---\n")[0]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("politics, economy", ["politics", "economy"]),
        ("政治、経済", ["政治", "経済"]),
        ("سياسة، اقتصاد", ["سياسة", "اقتصاد"]),
    ],
)
def test_tags_and_topics_with_commas_are_lists(typed: str, expected: list[str]) -> None:
    draft = parse(f"title: T\ntags: {typed}\ncategories: {typed}")
    assert list(draft.tags) == expected
    assert len(draft.topics) == 2
    assert len(parse(f"title: T\nauthors: {typed}").authors) == 1


@pytest.mark.parametrize("space", ["\u00a0", "\u202f", "\u3000", "\u2009"])
def test_spaces_that_yaml_does_not_fold_stay_as_typed(space: str) -> None:
    draft = parse(f'title: "Budget{space}: la rallonge{space}?"\ndek: "12{space}000  €"')
    assert (draft.title, draft.dek) == (f"Budget{space}: la rallonge{space}?", f"12{space}000 €")


# --- Files of other kinds ---


def test_profiles_and_settings_get_the_same_care() -> None:
    with pytest.raises(Rejected, match="put the whole value in quotes"):
        parse_profile(b"---\nname: Desk #1\n---\n", "author", "desk")
    with pytest.raises(Rejected, match="write the key as `kind`"):
        parse_profile(b"---\nname: Bot\nKind: ai\n---\n", "author", "bot")
    with pytest.raises(Rejected, match="put the whole value in quotes"):
        parse_site(b"name: News #1\n")
    _, told = parse_site(b"name: N\nnavigatoin: []\n")
    assert [problem.key for problem in told][-1:] == ["navigatoin"]


@pytest.mark.parametrize("key", ["hold_until", "not_before", "scheduled", "goes_live", "post_date", "publish_after"])
def test_a_moment_under_another_name_is_waited_for(key: str) -> None:
    draft = parse(f"title: T\n{key}: 2099-01-02T06:00:00Z")
    assert (draft.publish_at or draft.date).startswith("2099-01-02")
    assert not draft.warnings


def test_a_tier_by_that_name_closes_the_article() -> None:
    assert parse("title: T\ntier: member").access == "member"


@pytest.mark.parametrize("key", ["pages/about.md", "authors/ada.md", "topics/energy.md"])
@pytest.mark.parametrize(
    "keys",
    [
        "draft: true",
        "status: draft",
        "published: false",
        "access: member",
        "publish_at: 2099-01-01",
        "embargo: 2099-01-01",
    ],
)
def test_a_file_that_is_always_public_is_not_published_if_its_author_keeps_it_back(key: str, keys: str) -> None:
    with pytest.raises(Rejected) as caught:
        parse_profile(f"---\nname: N\n{keys}\n---\n".encode(), {"p": "page", "a": "author", "t": "topic"}[key[0]], "n")
    assert [(problem.line, problem.kind) for problem in caught.value.problems] == [(3, Kind.KEPT_NOT_ALLOWED)]


@pytest.mark.parametrize(
    "keys", ["draft: false", "status: published", "access: public", "published: true", "draft:", "active: false"]
)
def test_a_profile_that_says_that_it_is_public_is_public(keys: str) -> None:
    assert parse_profile(f"---\nname: N\n{keys}\n---\n".encode(), "author", "n").name == "N"


def test_a_page_that_another_system_would_hide_is_not_published() -> None:
    with pytest.raises(Rejected):
        parse_profile(b"---\ntitle: N\nunlisted: true\n---\n", "page", "n")


@pytest.mark.parametrize("typed", ["\\u200b", "\\ufeff\\u2060", "\\u00a0\\u3000", "\\u202e"])
def test_a_title_that_nobody_can_see_is_none(typed: str) -> None:
    assert "needs a title" in reasons(f'---\ntitle: "{typed}"\n---\n')[0]


@pytest.mark.parametrize("typed", ["headline", "Heading", "name"])
def test_another_word_for_a_title_is_named(typed: str) -> None:
    assert reasons(f"---\n{typed}: T\n---\nText.\n") == [
        f"1: title: every draft needs a title; did you mean `title` with “{typed}” in line 2?"
    ]


# --- Values that YAML takes whole, and keys inside others ---


@pytest.mark.parametrize(
    "typed",
    [
        *("access: !member", "access: &member", "access: #member", "visibility: !subscriber", "access: member #ish"),
        *(
            "draft: !yes",
            "draft: &true",
            "status: !draft",
            "published: !false",
            "private: &yes",
            "sources_access: !member",
        ),
        *(f"publish_at: !{LATER}", f"date: #{LATER}", "expires: &soon", "publish_at: 2099-01-01 #10:00"),
    ],
)
def test_a_value_that_yaml_takes_publishes_nothing(typed: str) -> None:
    [reason] = reasons(f"---\ntitle: T\n{typed}\n---\nText.\n")
    assert "put the whole value in quotes" in reason
    assert reason.startswith(f"3: {typed.partition(':')[0]}: ")


def test_a_profile_whose_kind_yaml_takes_is_no_human_author() -> None:
    with pytest.raises(Rejected, match="put the whole value in quotes"):
        parse_profile(b"---\nname: Bot\nkind: !ai\n---\n", "author", "bot")


@pytest.mark.parametrize(
    "typed", ["access: # nothing yet", "draft: # later", "access: member # paid", "slug:", "draft: ~"]
)
def test_a_comment_behind_a_blank_takes_nothing(typed: str) -> None:
    assert not parse(f"title: T\n{typed}").draft


@pytest.mark.parametrize(
    "keys",
    [
        "params: {access: member}",
        "extra:\n  visibility: subscriber",
        "params: {members_only: true}",
        "x: [{tier: paid}]",
    ],
)
def test_a_tier_inside_another_key_publishes_nothing(keys: str) -> None:
    assert any("`access: …` above" in reason for reason in reasons(f"---\ntitle: T\n{keys}\n---\nText.\n"))


@pytest.mark.parametrize("keys", ["params: {access: public}", "extra: {access: 2016-01-01}", "x: {visibility: good}"])
def test_a_key_inside_another_that_closes_nothing_is_an_unknown_one(keys: str) -> None:
    assert len(warnings(parse(f"title: T\n{keys}"))) == 1


def test_a_rejection_names_the_keys_that_are_not_known() -> None:
    found = reasons("---\nheadlin: T\nacces: member\nhero: {src: a.jpg, al: A}\nextra: {draft: yes}\n---\nText.\n")
    assert [reason.partition(": ")[2].partition(":")[0] for reason in found] == ["title", "headlin", "acces", "hero.al", "extra.draft"]  # fmt: skip
    many = "".join(f"k{number}: v\n" for number in range(99))
    assert len(reasons(f"---\n{many}---\nText.\n")) == 11, "the reason, and a few of the others"


def test_old_paths_typed_as_one_text_are_a_list() -> None:
    assert parse("title: T\naliases: /old, /older,/a,b").aliases == ("/old/", "/older/", "/a~2cb/")


def test_of_several_entries_on_how_an_article_was_made_none_is_dropped() -> None:
    typed = "---\ntitle: T\nproduction:\n- statement: One.\n- statement: Two.\n---\nText.\n"
    assert reasons(typed) == ["4: production: has 2 entries; the limit is 1"]


def test_names_without_letters_are_named_once_each() -> None:
    found = reasons("---\ntitle: T\ntopics: ['/', '‥']\n---\nText.\n")
    assert [reason.partition(" has no letters")[0] for reason in found] == ["3: topics: “/”", "3: topics: “‥”"]


@pytest.mark.parametrize(
    ("zone", "typed", "moment"),
    [
        ("Europe/Oslo", "2027-10-31T02:30:00", "2027-10-31T02:30:00+01:00"),
        ("Europe/Oslo", "2027-10-31T02:30:00.5", "2027-10-31T02:30:01+01:00"),
        ("Europe/Oslo", "2027-10-31T02:30:00+02:00", "2027-10-31T02:30:00+02:00"),
        ("Europe/Oslo", "2027-10-31T01:59:59", "2027-10-31T01:59:59+02:00"),
        ("Atlantic/Azores", "2027-10-31T00:30", "2027-10-31T00:30:00-01:00"),
        ("Europe/Oslo", "2027-03-28T02:30:00", "2027-03-28T02:30:00+01:00"),
    ],
)
def test_an_hour_that_the_clock_shows_twice_keeps_an_article_back_until_the_second(
    zone: str, typed: str, moment: str
) -> None:
    site = Site(timezone=zone)
    draft = parse_draft(f"---\ntitle: T\npublish_at: {typed}\n---\nx\n".encode(), "a", site, to_html)
    assert draft.publish_at == moment


def test_an_article_expires_in_the_first_of_two_such_hours() -> None:
    draft = parse("title: T\nexpires: 2027-10-31T02:30:00")
    assert draft.expires == "2027-10-31T02:30:00+02:00"
