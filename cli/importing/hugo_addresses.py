"""The addresses at which Hugo served its pages (gohugo.io/content-management/urls)."""

from __future__ import annotations

import posixpath
from collections.abc import Container, Iterator
from pathlib import PurePosixPath

from nightdesk.domain.errors import Permanent
from nightdesk.domain.text import date_of_filename, slug_of_filename

from .archives import Archive
from .configs import read_config
from .front_matter import Matter
from .hugo_config import HugoConfig
from .permalinks import date_tokens, fill, urlize
from .records import ImportedPost
from .report import LOST, Report


class HugoAddresses:
    """Tells the addresses of texts.

    Args:
        sections: the folders of texts that have a page of their own.
        permalink: the pattern of articles for which the settings have none.
    """

    def __init__(self, config: HugoConfig, sections: Container[str], permalink: str) -> None:
        self._config, self._sections, self._permalink = config, sections, permalink

    def of(self, matter: Matter, post: ImportedPost, place: PurePosixPath, file_name: str, language: str) -> str:
        """Return the path of a text.

        Args:
            place: of its file within the site's texts.
            file_name: without language and suffix; that of the folder for a bundle.
        """
        url = matter.text("url")
        if ":" in url.removeprefix("https:").removeprefix("http:"):
            url = fill(url, self._tokens(matter, post, place, file_name))
        if url.startswith(("/", "http")):
            return url
        address = f"/{url}" if url else self._without_language(matter, post, place, file_name)
        if self._config.is_on("defaultcontentlanguageinsubdir"):
            language = language or self._config.default
        return f"/{language.lower()}{address}" if language else address

    def aliases(self, post: ImportedPost) -> list[str]:
        """Return the further old paths of a post with an address; versions of Hugo differ in whether they name its language."""
        folder = posixpath.dirname(post.address.rstrip("/"))
        found = []
        for alias in post.aliases:
            if not alias.startswith(("/", "http")):
                found.append(posixpath.normpath(f"{folder}/{alias}") + ("/" if alias.endswith("/") else ""))
                continue
            found.append(alias)
            start = f"/{post.language.lower()}/"
            if post.language and alias.startswith("/") and not alias.lower().startswith(start):
                found.append(f"{start}{alias.lstrip('/')}")
        return found

    def _without_language(self, matter: Matter, post: ImportedPost, place: PurePosixPath, file_name: str) -> str:
        folders = _folders(place)
        first = folders[0] if folders else ""
        patterns = self._config.permalinks(post.language)
        if pattern := patterns.get(first.lower(), self._permalink if post.date else ""):
            return fill(pattern, self._tokens(matter, post, place, file_name))
        lower = not self._config.is_on("disablepathtolower")
        name = matter.text("slug") or self._without_date(file_name)
        address = "/" + "/".join(urlize(part, lower) for part in (*folders, name)) + "/"
        return f"{address.rstrip('/')}.html" if self._is_ugly(first) else address

    def _tokens(self, matter: Matter, post: ImportedPost, place: PurePosixPath, file_name: str) -> dict[str, str]:
        folders = _folders(place)
        # A folder without a page of its own is no section, and belongs to the one above it.
        while len(folders) > 1 and "/".join(folders) not in self._sections:
            folders = folders[:-1]
        sections, slug, name = "/".join(folders), matter.text("slug"), self._without_date(file_name)
        tokens = date_tokens(post.date)
        tokens |= dict.fromkeys(("sections", "sectionslugs"), sections)
        tokens |= dict.fromkeys(("section", "sectionslug"), folders[0] if folders else "")
        tokens |= {"title": urlize(post.title), "filename": urlize(file_name), "contentbasename": urlize(file_name)}
        tokens |= {"slug": urlize(slug or (post.title if name == file_name else name))}
        return tokens | dict.fromkeys(("slugorfilename", "slugorcontentbasename"), urlize(slug or name))

    def _is_ugly(self, section: str) -> bool:
        ugly = self._config.values.get("uglyurls")
        ugly = ugly.get(section) if isinstance(ugly, dict) else ugly
        return str(ugly or "").lower() == "true"

    def _without_date(self, file_name: str) -> str:
        """Return a file's name as the slug that it gives a page: without a date if that counts (`frontmatter`)."""
        if ":filename" in self._config.date_names("date") and date_of_filename(file_name):
            return slug_of_filename(file_name)
        return file_name


def _folders(place: PurePosixPath) -> tuple[str, ...]:
    return place.parts[: -2 if place.stem.split(".")[0] == "index" else -1]


def netlify_redirects(archive: Archive, name: str, report: Report) -> Iterator[tuple[str, str]]:
    """Yield old paths and their targets from Netlify's settings."""
    if name not in archive:
        return
    try:
        rules = read_config(archive, name).get("redirects")
    except Permanent as error:
        report.add(LOST, name, 0, "a file of redirects cannot be read", str(error))
        return
    for rule in rules if isinstance(rules, list) else []:
        if (
            isinstance(rule, dict)
            and isinstance(old := rule.get("from"), str)
            and isinstance(to := rule.get("to"), str)
        ):
            yield old, to
