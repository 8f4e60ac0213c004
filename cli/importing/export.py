"""Export: the drafts bucket as the folder of a Hugo site, which `nightdesk import hugo` reads back as the same drafts.

A gate becomes the shortcode `gate`. The folder holds a template for it that shows the teaser alone, so that building the site
with Hugo does not show what members pay for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container, Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

import yaml
from nightdesk.domain.drafts import Draft, parse_draft
from nightdesk.domain.drafts_bucket import DraftsKey, classify
from nightdesk.domain.errors import Rejected
from nightdesk.domain.frontmatter import decode, split_front_matter, to_plain
from nightdesk.domain.passages import FREE, Passage
from nightdesk.domain.problems import Effect
from nightdesk.domain.profiles import parse_profile
from nightdesk.domain.site import PUBLIC, Site
from nightdesk.domain.timestamps import iso_utc_seconds

from .figures import figures_as_shortcodes
from .hugo import DATA
from .report import CHANGED, LOST, Report
from .shortcodes import escape_shortcodes
from .writer import Folder

_GATE = '{{ $_ := .Inner }}<aside class="gate"><p>{{ .Get "teaser" }}</p></aside>\n'

Get = Callable[[str], bytes]


class Exporter:
    """Writes a site.

    Args:
        get: returns the bytes of an object of the drafts bucket.
        to_html: the Markdown parser, as for `parse_draft`.
        withdrawn: the slugs of articles that are taken down; Hugo does not render them.
    """

    def __init__(
        self,
        get: Get,
        site: Site,
        to_html: Callable[[str], str],
        folder: Folder,
        report: Report,
        withdrawn: Container[str] = (),
    ) -> None:
        self._get, self._site, self._to_html = get, site, to_html
        self._folder, self._report, self._withdrawn = folder, report, withdrawn
        self._rejected: list[str] = []

    def run(self, keys: Iterable[str]) -> None:
        """Export the objects with these keys."""
        keys = sorted(keys)
        self._folder.put("hugo.toml", hugo_configuration(self._site), "site.yaml")
        self._folder.put("layouts/shortcodes/gate.html", _GATE.encode(), "the export")
        for key, parsed in sorted(((key, classify(key)) for key in keys), key=lambda each: each[1] is None):
            try:
                self._one(key, parsed)
            except Rejected as error:
                problem = next(
                    (each for each in error.problems if each.kind.effect is Effect.REJECTED), error.problems[0]
                )
                self._report.add(
                    LOST,
                    key,
                    problem.line,
                    "a file that cannot be published is kept as it is, beside the site",
                    problem.text,
                )
                self._folder.put(f"{DATA}/rejected/{key}", self._get(key), key)
                self._rejected.append("authors/" if key.startswith("authors/") else parsed.folder if parsed else "")
        self._folder.report_gone()

    def _one(self, key: str, parsed: DraftsKey | None) -> None:
        raw = self._get(key)
        if parsed is None:
            target = _file_place(key)
            if any(folder and key.startswith(folder) for folder in self._rejected):
                kept = f"{DATA}/rejected/{key}"
                # An image among the authors may belong to one that is exported, too.
                if key.startswith("authors/"):
                    self._folder.put(kept, raw, key)
                else:
                    target = kept
            self._report.counts["images and other files"] += 1
        elif parsed.kind == "draft":
            self._draft(key, parsed, raw)
            return
        elif parsed.kind in ("author", "topic"):
            profile = parse_profile(raw, parsed.kind, parsed.name)
            target = f"content/{parsed.kind}s/{profile.id}/_index.md"
            raw = _with_title(_escaped(raw), profile.name)
            self._report.counts[f"{parsed.kind}s"] += 1
        elif parsed.kind == "page":
            page = parse_profile(raw, parsed.kind, parsed.name)
            target, raw = f"content/{page.id}.md", _escaped(raw)
            self._report.counts["pages"] += 1
        else:
            target = f"{DATA}/{key}"
        self._folder.put(target, raw, key)

    def _draft(self, key: str, parsed: DraftsKey, raw: bytes) -> None:
        draft = parse_draft(raw, parsed.name, self._site, self._to_html)
        typed = {name: to_plain(node) for name, node in split_front_matter(decode(raw)).matter.items()}
        matter = draft_matter(draft, typed)
        if draft.slug in self._withdrawn:
            matter["build"] = {"render": "never", "list": "never"}
            self._report.add(CHANGED, key, 0, "an article that was taken down is not rendered by Hugo", draft.slug)
        name = parsed.name if parsed.folder else f"{draft.slug}"
        place = f"content/articles/{name}/index.md" if parsed.folder else f"content/articles/{name}.md"
        self._folder.put(place, _file(matter, hugo_body(draft)), key)
        self._report.counts["articles"] += 1
        self._report.articles.append({"source": key, "key": place, "state": "exported"})


def _file_place(key: str) -> str:
    """Return where an object that is not published by itself goes: an image stays beside its text."""
    path = PurePosixPath(key)
    if path.parts[0] == "drafts" and len(path.parts) > 2:
        return "content/articles/" + "/".join(path.parts[1:])
    if path.parts[0] == "authors" and len(path.parts) == 2:
        return f"content/authors/{path.name}"
    return f"{DATA}/{key}"


def hugo_configuration(site: Site) -> bytes:
    """Return Hugo's configuration for a site."""
    lines = [
        f"title = {json.dumps(site.name, ensure_ascii=False)}",
        f"baseURL = {json.dumps(site.base_url + '/' if site.base_url else '/')}",
        f"languageCode = {json.dumps(site.language)}",
        f"timeZone = {json.dumps(site.timezone)}",
        "",
        "[permalinks]",
        'articles = "/articles/:slug/"',
        "",
        "[taxonomies]",
        'author = "authors"',
        'topic = "topics"',
        'tag = "tags"',
        "",
        "[markup.goldmark.renderer]",
        "unsafe = true  # as in Nightdesk, texts may hold HTML; Hugo does not sanitise it",
    ]
    return ("\n".join(lines) + "\n").encode()


def draft_matter(draft: Draft, typed: Mapping[str, Any]) -> dict[str, Any]:
    """Return a draft's front matter by Hugo's names.

    Args:
        typed: the front matter as its author typed it, for what a parsed draft has in another form.
    """
    matter: dict[str, Any] = {"title": draft.title, "description": draft.dek, "slug": draft.slug}
    matter |= {"language": draft.language, "translation_of": draft.translation_of}
    matter |= {"date": draft.date, "lastmod": draft.lastmod, "draft": draft.draft}
    matter |= {"publishDate": draft.publish_at, "expiryDate": draft.expires}
    matter["authors"] = [name or identifier for identifier, name in draft.authors]
    matter["topics"] = [name or identifier for identifier, name in draft.topics]
    matter |= {"tags": list(draft.tags), "aliases": _texts(typed.get("aliases"))}
    matter |= {"hero": _filled(draft.hero), "access": "" if draft.access == PUBLIC else draft.access}
    matter["sources"] = [_filled(source) for source in draft.sources]
    matter["sources_access"] = draft.sources_access if "sources_access" in typed else ""
    matter["production"] = _filled(draft.production)
    matter["corrections"] = [_filled(correction) for correction in draft.corrections]
    matter |= {"newsletter": draft.newsletter, "featured": draft.featured, "pinned_until": draft.pinned_until}
    matter = _filled(matter)
    if "typography" in typed:
        matter["typography"] = draft.typography
    own: dict[str, Any] = {"exported": True}
    if draft.publish_at and (not draft.date or iso_utc_seconds(draft.publish_at) <= iso_utc_seconds(draft.date)):
        own["publish_at"] = draft.publish_at
    if draft.extra:
        own["keys"] = draft.extra
    return {**matter, "nightdesk": own}


def _texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(each) for each in value] if isinstance(value, list) else []


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value not in ("", None, [], {}, False)}


def hugo_body(draft: Draft) -> str:
    """Return a draft's body with its gates and figures as shortcodes; all of it is in one if the whole article has a tier."""
    body = "\n".join(_passage(passage, number, len(draft.passages)) for number, passage in enumerate(draft.passages))
    if draft.access != PUBLIC:
        return f'{{{{< gate tier="{draft.access}" whole="true" teaser="" >}}}}\n{body}\n{{{{< /gate >}}}}'
    return body


def _passage(passage: Passage, number: int, count: int) -> str:
    source = figures_as_shortcodes(passage, escape_shortcodes)
    if passage.tier == FREE:
        return source
    if passage.all_ai and not passage.ai_parts:
        # Hugo's gate knows no more than tier and teaser.
        kind, note = passage.all_ai.source_type, re.sub(r'([\\"])', r"\\\1", passage.all_ai.note)
        longer = ":" * max([4, *(len(run) + 1 for run in re.findall(r"^(:{3,})", source, re.MULTILINE))])
        source = f'{longer} ai source_type={kind} note="{note}"\n{source}\n{longer}'
    colons = max([3, *(len(run) + 1 for run in re.findall(r"^(:{3,})", source, re.MULTILINE))])
    fence = f' fence="{colons}"' if colons > 3 else ""
    teaser = re.sub(r'([\\"])', r"\\\1", passage.teaser)
    return f'{{{{< gate tier="{passage.tier}" teaser="{teaser}"{fence} >}}}}\n{source}\n{{{{< /gate >}}}}'


def _escaped(raw: bytes) -> bytes:
    """Return a file in whose body Hugo takes nothing for a shortcode."""
    text = decode(raw)
    body = split_front_matter(text).body
    return f"{text.removesuffix(body)}{escape_shortcodes(body)}".encode()


def _with_title(raw: bytes, name: str) -> bytes:
    """Return a profile with its name as `title` too, which is what Hugo's themes show."""
    source = split_front_matter(decode(raw))
    matter = {key: to_plain(node) for key, node in source.matter.items()}
    return _file({"title": name, **{key: value for key, value in matter.items() if key != "title"}}, source.body)


def _file(matter: Mapping[str, Any], body: str) -> bytes:
    text = yaml.safe_dump(dict(matter), allow_unicode=True, sort_keys=False, width=1 << 20)
    return f"---\n{text}---\n{body}".encode()
