"""`nightdesk check`."""

from __future__ import annotations

import argparse
from collections.abc import Container, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from nightdesk.domain.drafts import alias_lines, slug_line
from nightdesk.domain.drafts_bucket import FOLDERS, SITE_FILE, classify, is_hidden_or_temporary
from nightdesk.domain.errors import Rejected
from nightdesk.domain.languages import INTERFACE_LANGUAGES
from nightdesk.domain.old_addresses import slug_of_address
from nightdesk.domain.path_owners import owner_of
from nightdesk.domain.problems import Kind, Problem
from nightdesk.domain.profiles import profile_name
from nightdesk.domain.site import Site
from nightdesk.domain.site_file import parse_site
from nightdesk.domain.text import slugify
from nightdesk.entrypoints.local_files import find_files
from nightdesk.entrypoints.picture_maker import picture_maker
from nightdesk.repositories.records import by_line, problem_dicts
from nightdesk.usecases.editors.check import EVERYTHING, CheckResult, FolderImages, Surroundings, check
from nightdesk.usecases.editors.folder_pages import FolderPages
from nightdesk.usecases.pipeline.slug_plan import slug_taken

from .arguments import add_theme, whole_number
from .console import problem_lines, result, say
from .files import in_order, refused, say_left


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", type=Path, metavar="DRAFT", help="a draft, a profile, or a folder of them")
    parser.add_argument(
        "--live",
        nargs="?",
        const="",
        metavar="STACK",
        help="check all files in the drafts bucket instead: of the local cloud, or of a stack on AWS",
    )
    parser.add_argument("--limit", type=whole_number, default=0, metavar="N", help="with --live, check at most N files")
    parser.add_argument("--after", default="", metavar="KEY", help="with --live, begin after this file")
    add_theme(parser, ", for its languages")
    parser.set_defaults(run=run)


COMMANDS = {"check": _arguments}


def run(args: argparse.Namespace) -> int:
    """Check drafts; exit with status 1 if any would be rejected.

    Other files that are named one by one are skipped: a commit hook passes every file that changed. Those of a folder are named.
    """
    if args.live is not None:
        from . import check_live

        return check_live.run(args)
    if not args.paths:
        say("Name the files or folders to check, or use --live to check what is published.")
        return 2
    try:
        files, left = find_files(args.paths)
    except FileNotFoundError as error:
        say(f"{error}: there is no such file or folder")
        return 2
    try:
        languages = _languages(args.theme)
    except (FileNotFoundError, ValueError) as error:
        say(str(error))
        return 2
    left = {path: problem for path, problem in left.items() if path not in args.paths or _is_meant(problem)}
    known = {key: path for key, path in in_order(files).items() if classify(key)}
    whole = known if any(path.is_dir() for path in args.paths) else {}
    found = _check_all(known, _Roots(whole, languages))
    lines = [line for path, checked in found.items() for line in problem_lines(path, checked._asdict())]
    say_left(left)
    data = [{"path": str(path), **checked._asdict()} for path, checked in found.items()]
    result(data, args.json, "\n".join(lines) or f"{len(found)} files checked, no problems found")
    return 1 if any(checked.problems for checked in found.values()) or refused(left) else 0


def _is_meant(problem: Problem) -> bool:
    """Return True if a file was named as an article."""
    return problem.kind not in (Kind.FILE_OTHER, Kind.IMAGE_STRAY, Kind.ATTACHMENT_STRAY)


def _check_all(files: Mapping[str, Path], roots: _Roots) -> dict[Path, CheckResult]:
    """Check files together. Of drafts with the same slug, the first by key has it, as in the pipeline."""
    names: dict[tuple[str, str], str] = {}
    found = {key: _check(key, path, names, roots) for key, path in files.items()}
    holders: dict[str, str] = {}
    for key in sorted(found):
        if key.startswith("drafts/") and not found[key].problems:
            holder = holders.setdefault(found[key].slug, key)
            if holder != key:
                problems = problem_dicts([slug_taken(found[key].slug, holder, slug_line(files[key].read_bytes()))])
                found[key] = CheckResult(found[key].slug, tuple(problems), ())
    _warn_of_aliases(files, found, holders)
    return {files[key]: checked for key, checked in found.items()}


class _Roots:
    """What lies around files in each folder that is laid out like the drafts bucket. Read once, however many files it has.

    Args:
        files: by key, those of a folder of drafts that is checked as a whole; empty if files are checked one by one.
        languages: those in which the theme speaks to readers.
    """

    def __init__(self, files: Mapping[str, Path], languages: Sequence[str]) -> None:
        self._files = files
        self.languages = languages
        self._pages: dict[Path, FolderPages | None] = {}
        # Of the last folder only: all profiles of a kind lie in one, and each draft has its own.
        self._beside: tuple[Path, list[tuple[str, Path]]] = (Path(), [])
        self._settings: dict[Path, tuple[Site, Container[str]]] = {}

    def beside(self, folder: Path) -> list[tuple[str, Path]]:
        """Return the files in a folder and below it that would be uploaded, with their paths from there."""
        if self._beside[0] != folder:
            found = [(file.relative_to(folder).as_posix(), file) for file in folder.rglob("*") if file.is_file()]
            self._beside = folder, [(name, file) for name, file in found if not is_hidden_or_temporary(name)]
        return self._beside[1]

    def settings(self, root: Path) -> tuple[Site, Container[str]]:
        """Return the settings, and the keys of the profiles."""
        if root not in self._settings:
            profiles = _profiles(root)
            is_known = profiles or self._files or (root / SITE_FILE).is_file()
            # Drafts that are checked one by one may belong elsewhere, so no profile of theirs is missed.
            self._settings[root] = _site(root), profiles if is_known else EVERYTHING
        return self._settings[root]

    def pages(self, path: Path, root: Path) -> FolderPages | None:
        """Return the pages of the newsroom, or of the folder, that a file lies in; None for a file by itself."""
        if root not in self._pages:
            is_newsrooms = any(path.resolve().is_relative_to(root / name) for name in (*FOLDERS, SITE_FILE))
            files = find_files([root]).files if is_newsrooms else self._files
            readers = {key: file.read_bytes for key, file in files.items()}
            site = self.settings(root)[0]
            self._pages[root] = FolderPages(site, readers, datetime.now(UTC)) if readers else None
        return self._pages[root]


def _warn_of_aliases(files: Mapping[str, Path], found: dict[str, CheckResult], holders: Mapping[str, str]) -> None:
    """Warn of aliases that another draft or a standing page has. Of drafts with the same alias, the first by key has it."""
    claimed: dict[str, str] = {}
    for key in sorted(found):
        checked = found[key]
        if not key.startswith("drafts/") or checked.problems:
            continue
        problems = []
        for address, line in alias_lines(files[key].read_bytes()).items():
            slug, page = slug_of_address(address), f"pages/{address.strip('/')}.md"
            holder = holders.get(slug, "") or (page if page in files else claimed.setdefault(address, key))
            if address and holder != key and not owner_of(address):
                problems.append(Kind.ALIAS_TAKEN.at(line, "aliases", path=address, holder=holder))
        warnings = tuple(by_line([*checked.warnings, *problem_dicts(problems)]))
        found[key] = checked._replace(warnings=warnings)


def _check(key: str, path: Path, names: dict[tuple[str, str], str], roots: _Roots) -> CheckResult:
    """Check a file together with the settings, profiles and images that lie around it.

    Args:
        names: the names of authors and topics in the drafts checked so far.
    """
    root = path.resolve().parents[key.count("/")]
    filed = classify(key)
    folder = filed.folder if filed else ""
    here = path.resolve().parent
    readers = {f"{folder}{name}": file.read_bytes for name, file in roots.beside(here)} if folder else {}
    sizes = {f"{folder}{name}": file.stat().st_size for name, file in roots.beside(here)} if folder else {}
    images = FolderImages(readers, picture_maker().inspect, sizes)
    site, profiles = roots.settings(root)
    now, pages = datetime.now(UTC), roots.pages(path, root)
    around = Surroundings(site, profiles, images, now, lambda _: "", pages, names, roots.languages)
    return check(key, path.read_bytes(), around)


def _languages(overlay: Path | None) -> Sequence[str]:
    """Return the languages in which the theme speaks to readers."""
    if overlay is None:
        return INTERFACE_LANGUAGES
    # Imported here because it is slow to load, and hooks check each commit.
    from nightdesk_local.themes import languages_with

    return languages_with(overlay)


def _site(root: Path) -> Site:
    """Return the settings; the defaults if there are none or if they are broken, which their own check reports."""
    try:
        return parse_site((root / "site.yaml").read_bytes())[0]
    except (FileNotFoundError, Rejected):
        return Site()


def _profiles(root: Path) -> Container[str]:
    """Return the names in the profiles, by their keys."""
    files = [(kind, file) for kind in ("authors", "topics") for file in (root / kind).glob("*.[mM]*[dD]*")]
    return {f"{kind}/{slugify(file.stem)}.json": profile_name(file.read_bytes()) for kind, file in files}
