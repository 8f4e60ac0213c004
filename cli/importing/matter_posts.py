"""What the front matter of all static generators has in common."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

from nightdesk.domain.text import date_of_filename, display_name, slug_of_filename
from nightdesk.domain.timestamps import InvalidTimestamp, iso_utc_seconds

from .front_matter import Matter, read_date
from .markdown_text import split_at_divider
from .records import PAGE, POST, ImportedPost
from .report import CHANGED, NOTED, Report

_MANY_WORDS, _FEW_WORDS = 30, 5
_DEKS = ("dek", "deck", "description", "summary", "excerpt", "subtitle", "lead")
_HEROES = (
    "hero",
    "feature_image",
    "featured_image",
    "featuredImage",
    "image",
    "cover",
    "primary_image",
    "thumbnail",
    "images",
    "header",
)
_SRC = ("src", "image", "url", "uid", "path", "teaser", "overlay_image")
_HIDING = ("hidden", "private", "unlisted", "protected")
_DRAFT = ("draft", "isDraft", "is_draft")
_SHOWING = ("published", "publish", "isPublished", "is_published", "public")
_YES, _NO = frozenset(["true", "yes", "on", "1", "y"]), frozenset(["false", "no", "off", "0", "n"])
_HIDDEN_STATES = ("draft", "hidden", "private", "pending", "unlisted", "skip", "review", "unpublished", "trash")
GIVEN: dict[str, type] = {
    "sources": list,
    "production": dict,
    "corrections": list,
    "newsletter": str,
    "sources_access": str,
}
"""Keys of Nightdesk's own, which a folder that it exported has."""


def common_post(matter: Matter, identifier: str, file_name: str, zone: tzinfo) -> ImportedPost:
    """Return a post with what every generator's front matter says; addresses are left to the reader.

    Args:
        file_name: without its suffix; a date at its head counts where there is no other.
    """
    post = ImportedPost(identifier, matter.source, line=matter.body_line, body=matter.body)
    post.title = html.unescape(matter.text("title"))
    post.slug = matter.text("slug") or slug_of_filename(file_name)
    if not post.title:
        post.title = display_name(slug_of_filename(file_name)) or file_name
        matter.report.add(CHANGED, matter.source, 1, "a missing title was made from the file's name", post.title)
    _dates(matter, post, file_name, zone)
    post.draft = is_hidden(matter)
    _access(matter, post)
    if dek := html.unescape(matter.text(*_DEKS)):
        post.matter["dek"] = dek
    post.authors = [(each, each) for each in people(matter, "authors", "author", "byline")]
    post.topics = [(each, each) for each in people(matter, "topics", "topic", "categories", "category")]
    if tags := matter.texts("tags", "tag", split="[,，、]"):
        post.matter["tags"] = list(dict.fromkeys(tags))
    post.hero = hero_of(matter)
    for name, form in GIVEN.items():
        if isinstance(matter.values.get(name), form):
            post.matter[name] = _typed(matter.get(name))
    post.aliases = matter.texts("aliases", "redirect_from", "alias", "old_urls", split=r"[\s,]+")
    return post


def keep_rest(matter: Matter, post: ImportedPost) -> None:
    """Keep what no key of Nightdesk's stands for, under one key, where nothing can be taken for something else."""
    rest = matter.rest()
    earlier = rest.pop("imported", None)
    if isinstance(earlier, dict):
        rest = {**earlier, **rest}
    if rest:
        post.matter["imported"] = rest


def settle_page(post: ImportedPost, matter: Matter, hides_part: bool = False) -> None:
    """Make a page that is not for everyone a draft article: a standing page can be neither a draft nor gated."""
    if post.kind == PAGE and (post.draft or post.access or hides_part):
        make_draft_article(post, matter.report)


def make_draft_article(post: ImportedPost, report: Report) -> None:
    """Make a page a draft article: as a live one it would stand in lists and feeds, where it never was."""
    post.kind, post.draft = POST, True
    what = "a page that is not for everyone became a draft article, because standing pages are public"
    report.add(CHANGED, post.source, 0, what)


def _dates(matter: Matter, post: ImportedPost, file_name: str, zone: tzinfo) -> None:
    is_flag = isinstance(matter.values.get("published"), str) and (
        matter.flag("published") or matter.is_off("published")
    )
    names = ("pubdate", "published_at", *(() if is_flag else ("published",)), "publishDate")
    post.date = matter.date(zone, "date", *names)
    # Generators take one of these names for the moment of release beside another date; in doubt the last one counts.
    later = max(
        (matter.date(zone, name) for name in ("publish_at", *names)), key=lambda d: iso_utc_seconds(d) if d else ""
    )
    if later and (not post.date or iso_utc_seconds(later) > iso_utc_seconds(post.date)):
        post.matter["publish_at"] = later
    if not post.date and (named := date_of_filename(file_name)):
        try:
            post.date = read_date(named, zone)
        except InvalidTimestamp:
            matter.report.add(NOTED, matter.source, 0, "the date in a file's name is not in the calendar", named)
    if modified := matter.date(zone, "lastmod", "last_modified_at", "updated", "modified", "lastUpdated"):
        post.matter["lastmod"] = modified
    post.expires = matter.date(zone, "expires", "expiryDate", "unpublishDate")


def is_hidden(matter: Matter) -> bool:
    """Return True if anything in the front matter keeps the post from readers."""
    if any(_says(matter, name) & _YES for name in (*_DRAFT, *_HIDING)):
        return True
    if any(_says(matter, name) & _NO for name in _SHOWING) or _says(matter, "status") & frozenset(_HIDDEN_STATES):
        return True
    return bool(matter.text("password"))


def _says(matter: Matter, name: str) -> frozenset[str]:
    """Return a value in lower case, or each one of a list."""
    value = matter.get(name)
    values = value if isinstance(value, list) else [value]
    return frozenset(each.strip().lower() for each in values if isinstance(each, str))


def _access(matter: Matter, post: ImportedPost) -> None:
    """Take a tier; the words of other systems are left for `tiers_of`."""
    key = matter.key_of("access", "visibility")
    words = list(dict.fromkeys(matter.texts(key)))
    is_one = isinstance(matter.values.get(key), str) or len(words) == 1
    if key and not is_one:
        what = "several tiers, or none that is known, may read a text, so it is for the highest one"
        matter.report.add(CHANGED, matter.source, matter.lines.get(key, 0), what, f"{key}: {', '.join(words)}")
    post.access = "" if not key or words == ["public"] else words[0] if is_one else "paid"


def says_much(body: str) -> bool:
    """Return True for a text of some length that makes no lists: a page of its own, even without a title."""
    if re.search(r"\{%-?\s*(?:for|paginate)\b", body):
        return False
    plain, tags = re.subn(r"\{%.*?%\}|\{\{.*?\}\}", " ", body, flags=re.DOTALL)
    return len(re.sub(r"<[^>]*>", " ", plain).split()) >= (_MANY_WORDS if tags else _FEW_WORDS)


def people(matter: Matter, *names: str) -> list[str]:
    """Return the names of authors or topics: texts, or mappings with a name."""
    key = matter.key_of(*names)
    value = matter.values.get(key)
    if isinstance(value, dict):
        value = [value]
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        matter.used.add(key)
        mappings = [item if isinstance(item, dict) else {"name": item} for item in value]
        return [str(m.get("name") or m.get("id") or m.get("slug") or "") for m in mappings if any(m.values())]
    is_list_of_topics = names[0] == "topics"
    return [each for each in dict.fromkeys(matter.texts(*names, split="[,，、]" if is_list_of_topics else "")) if each]


def hero_of(matter: Matter) -> dict[str, str]:
    """Return the lead image that a post names under one of the usual keys."""
    for name in _HEROES:
        key = matter.key_of(name)
        value = matter.values.get(key)
        hero = _hero(value[0] if isinstance(value, list) and value else value)
        if hero:
            matter.used.add(key)
            for part in ("alt", "caption", "credit"):
                if beside := matter.text(f"{key}_{part}", f"{key}{part.title()}", f"{key}-{part}"):
                    hero.setdefault(part, beside)
            return hero
    return {}


def _hero(value: Any) -> dict[str, str]:
    if isinstance(value, str):
        return {"src": value}
    if not isinstance(value, dict):
        return {}
    src = next((str(value[name]) for name in _SRC if isinstance(value.get(name), str)), "")
    names = ("alt", "caption", "credit", "source_type")
    return {"src": src, **{name: str(value[name]) for name in names if value.get(name)}} if src else {}


def _typed(value: Any) -> Any:
    """Return a flag as a flag, so that it is written without quotes."""
    return value.lower() == "true" if isinstance(value, str) and value.lower() in ("true", "false") else value


TIER_WORDS = {
    "members": 1, "free": 1, "only_free": 1, "registered": 1, "logged-in": 1,
    "paid": -1, "premium": -1, "subscribers": -1, "only_paid": -1, "founding": -1, "tiers": -1,
}  # fmt: skip
"""What other systems call the tiers, as places in the list of this site's tiers."""


def tier_of(word: str, tiers: Sequence[str]) -> str:
    """Return the site's tier for another system's word; empty for everyone; an unknown word counts as the highest tier."""
    plain = word.strip().lower()
    if plain in ("", "public", "everyone"):
        return ""
    if plain in tiers:
        return plain
    if len(tiers) == 1:
        return "member"  # no tier of this site: the check rejects the draft, so that nothing hidden becomes public
    return tiers[TIER_WORDS.get(plain, -1)]


def guard_hidden(post: ImportedPost) -> None:
    """Hide a whole post if the divider that begins its hidden part got lost: when in doubt, nothing is shown."""
    if post.hidden_tier and split_at_divider(post.body) is None:
        post.access = post.access or post.hidden_tier
