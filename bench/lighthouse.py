"""Lighthouse on the example publication, as a phone with a slow connection shows it: the median of three runs of each page.

The pages are those of `nightdesk build`, compressed and with the headers of the site. On a busy machine, the emulated phone is slowed down less
(see `lighthouse.mjs`); scores of performance vary there all the same.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import mimetypes
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from nightdesk_local.edge_runtime import node_binary
from nightdesk_local.preview_server import POLICY
from nightdesk_local.quiet_server import QuietServer

from .chromium import HOW_TO_GET_IT, chromium
from .measure import ROOT, median, table

LOCK = ROOT / "requirements" / "npm"
MODULES = ROOT / "build" / "npm"
_PHOTOGRAPHS = "articles/tamrin-strait-insurance/"
PAGES = (
    ("front page, with photographs", "public", ""),
    ("article with photographs", "public", _PHOTOGRAPHS),
    ("the same for a member", "member", _PHOTOGRAPHS),
    ("article with drawings alone", "public", "articles/denna-ceasefire-ninety-days/"),
    ("topic, with photographs", "public", "topics/trade/"),
    ("search", "public", "search/"),
)
_TEXT = ("text/", "application/xml", "application/json", "image/svg")
mimetypes.add_type("image/avif", ".avif")
Audited = tuple[str, list[dict[str, Any]]]
"""The name of a page, and what was found in each run."""


def measure(runs: int = 3) -> str:
    """Audit the pages, or return a sentence that says what is missing."""
    if not chromium():
        return f"(lighthouse: skipped; {HOW_TO_GET_IT})\n"
    install()
    with tempfile.TemporaryDirectory() as folder:
        return report(audit_site(built_site(Path(folder)), runs), f"Lighthouse, phone, median of {runs}")


def built_site(folder: Path) -> Path:
    """Build the example publication in a folder, and return where it is."""
    out = folder / "site"
    build = [str(ROOT / ".venv/bin/nightdesk"), "build", "--drafts", str(ROOT / "examples/drafts"), "--out", str(out)]
    home = {**os.environ, "NIGHTDESK_HOME": str(folder / "home")}
    subprocess.run(build, check=True, env=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return out


def audit_site(out: Path, runs: int, **check: Any) -> list[Audited]:
    """Audit the pages of a built site (see `audit`)."""
    with ExitStack() as stack:
        ports = {tier: stack.enter_context(_served(out, tier)) for tier in ("public", "member")}
        pages = [(name, f"http://localhost:{ports[tier]}/{path}") for name, tier, path in PAGES]
        return audit(pages, runs, **check)


def report(found: Sequence[Audited], heading: str) -> str:
    """Return a table of what was found, and the audits that failed."""
    failed = sorted({f"{name}: {text}" for name, many in found for run in many for text in run["failed"]})
    columns = (
        "page",
        "runs",
        "performance",
        "accessibility",
        "best practices",
        "SEO",
        "LCP s",
        "CLS",
        "blocked ms",
        "kB",
    )
    rows = [_row(name, many) for name, many in found]
    return table(heading, columns, rows) + "".join(f"- {each}\n" for each in failed)


def audit(
    pages: Sequence[tuple[str, str]],
    runs: int,
    goals: Mapping[str, int] | None = None,
    most: int = 0,
    seconds: int | None = None,
) -> list[Audited]:
    """Return what Lighthouse finds in each run of each page: `scores`, `numbers`, and the audits that `failed`.

    Args:
        pages: a name and an address each.
        goals: the performance that each page must reach. A page is audited until more runs could not change whether the
            median of `runs` reaches it or, if it does not, whether that of `most` does; of each page once even after `seconds`.
    """
    job = {
        "chromium": str(chromium()),
        "runs": runs,
        "pages": pages,
        **({"goals": goals, "most": most, "seconds": seconds} if goals else {}),
    }
    return [(name, many) for name, many in run_script("lighthouse.mjs", job)]


def run_script(name: str, job: Mapping[str, Any]) -> Any:
    """Run a script of this folder with Node, and return what it prints as JSON.

    Args:
        job: what the script is told, besides where the packages are installed (`modules`).
    """
    told = json.dumps({"modules": str(MODULES / "node_modules"), **job})
    script = Path(__file__).with_name(name)
    done = subprocess.run([str(node_binary()), str(script), told], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def install() -> None:
    """Install the locked packages for Node, unless they are there."""
    digest = hashlib.sha256((LOCK / "package-lock.json").read_bytes()).hexdigest()
    stamp = MODULES / ".lock-digest"
    if stamp.is_file() and stamp.read_text() == digest:
        return
    shutil.rmtree(MODULES, ignore_errors=True)
    MODULES.mkdir(parents=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copyfile(LOCK / name, MODULES / name)
    npm("ci", MODULES)
    stamp.write_text(digest)


def npm(command: str, folder: Path) -> None:
    """Run npm in a folder: the one that comes with the locked Node, or else the one on PATH.

    Raises:
        FileNotFoundError: there is no npm.
    """
    node = node_binary()
    bundled, on_path = node.parent.parent / "lib/node_modules/npm/bin/npm-cli.js", shutil.which("npm")
    if not bundled.exists() and not on_path:
        raise FileNotFoundError("npm was not found: install it beside Node")
    program = [str(node), str(bundled)] if bundled.exists() else [str(on_path)]
    subprocess.run(
        [*program, *command.split(), "--loglevel", "error"],
        check=True,
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )


def _row(name: str, runs: Sequence[dict[str, Any]]) -> tuple[object, ...]:
    scores = {each: median([run["scores"][each] for run in runs]) for each in runs[0]["scores"]}
    numbers = {each: median([run["numbers"][each] for run in runs]) for each in runs[0]["numbers"]}
    seconds, blocked = numbers["lcp"] / 1000, round(numbers["tbt"])
    return (
        name,
        len(runs),
        *map(round, scores.values()),
        seconds,
        f"{numbers['cls']:.3f}",
        blocked,
        round(numbers["bytes"] / 1000),
    )


@contextmanager
def _served(out: Path, tier: str) -> Iterator[int]:
    """Serve a built site to readers of one tier, and return the port."""
    handler = type("Handler", (_Handler,), {"out": out, "tier": tier})
    server = QuietServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


class _Handler(BaseHTTPRequestHandler):
    out: Path
    tier: str
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].lstrip("/")
        found = next((each for each in self._candidates(path) if each.is_file()), None)
        body = (found or self.out / "~errors/404.html").read_bytes()
        kind = mimetypes.guess_type(found.name)[0] or "application/octet-stream" if found else "text/html"
        is_named_by_content = path.startswith("assets/") or ".public." in path
        headers = {
            "Content-Type": f"{kind}; charset=utf-8" if kind.startswith("text/") else kind,
            "Content-Security-Policy": POLICY,
            "Cache-Control": "public, max-age=31536000, immutable" if is_named_by_content else "public, max-age=0",
        }
        if kind.startswith(_TEXT):
            body, headers["Content-Encoding"] = gzip.compress(body, 6), "gzip"
        self.send_response(HTTPStatus.OK if found else HTTPStatus.NOT_FOUND)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _candidates(self, path: str) -> Iterator[Path]:
        parts = path.split("/")
        if parts[0] == "articles" and len(parts) > 2:
            rest = "/".join(parts[2:]) or "index.html"
            yield from (self.out / "articles" / parts[1] / f"~{tier}" / rest for tier in (self.tier, "public"))
        else:
            yield self.out / path if path and not path.endswith("/") else self.out / path / "index.html"

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing for each request."""
