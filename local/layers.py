"""Builds what `template.yaml` refers to, into `build/`: the layers, the functions, and the edge functions' fragments.

    build/layers/dependencies/python/   third-party wheels from the locks, with a pruned AWS SDK
    build/layers/payments/python/       Stripe's library, less what the dependencies layer has
    build/layers/search/python/         Pagefind
    build/layers/imaging/python/        Pillow
    build/layers/package/python/        shared/nightdesk
    build/layers/theme/theme/           layers/theme and what lies over it, its templates and texts compiled, and the editors' API described
    build/functions/<name>/             functions/<name>; an API is a package, so it is inside once more
    build/edge/<name>.json              a CloudFormation fragment for AWS::Include

Lambda's disk is read-only, so a module without bytecode is compiled again at every cold start. Everything is therefore
compiled here, by the interpreter that the functions will run on; the template's PythonVersion follows it. The
bytecode is of the "unchecked hash" kind (PEP 552), because archives do not keep times.

The AWS SDK of the layer knows only the operations that our functions call (see `sdk_pruning`).
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import platform
import py_compile
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from .cloud import chosen_theme
from .sdk_pruning import prune

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
_PRUNING = Path(__file__).with_name("sdk_pruning.py")
FUNCTIONS = (
    "render",
    "images",
    "gate",
    "index",
    "search",
    "invalidate",
    "updates",
    "reconcile",
    "newsletter",
    "mailer",
    "notify",
)
"""The pipeline's stages."""
TASKS = ("canary",)
"""Functions that a schedule starts."""
APIS = ("reader_api", "editor_api")
"""Functions with routes. Each is a package, so that its modules can import one another."""
EDGE_FUNCTIONS = ("viewer_request", "viewer_response", "api_request")
KEY_REFERENCES = {
    "@@EDGE_KEY@@": "{{resolve:secretsmanager:${EdgeKey}:SecretString}}",
    "@@EDGE_KEY_2@@": "{{resolve:secretsmanager:${EdgeKeyTwo}:SecretString}}",
}
"""Placeholders in an edge function's code, and what the template has in their place."""

# The oldest glibc among the runtimes: 2.26 of Amazon Linux 2 under Python 3.11, 2.34 from 3.12 on (Lambda's
# "runtimes" page). Wheels for glibc 2.17 suit both.
_LAMBDA_PLATFORM = "{machine}-manylinux2014"
# Pillow has no wheels for a platform that old, so on AWS the images function needs Python 3.12 or newer (see docs/aws.md). On arm64
# every function does, because css-inline has none either.
_NEWER_PLATFORM = "{machine}-manylinux_2_28"


def python_version() -> str:
    """Return the version of this interpreter in the form of the template's parameter."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def architecture() -> str:
    """Return this machine's architecture by Lambda's name."""
    return "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"


def build(
    root: Path = ROOT,
    out: Path = BUILD,
    *,
    lambda_on: str = "",
    say: Callable[[str], None] = lambda _: None,
    theme: Path | None = None,
) -> str:
    """Build everything that is out of date.

    Args:
        root: the source tree.
        out: where the result goes.
        lambda_on: the architecture of the functions on AWS, `x86_64` or `arm64`, for which wheels are taken. If it is empty,
            take wheels that run here: on Linux those are for Lambda too, elsewhere the local cloud needs the host's own.
        say: called with a line about each step that takes long.
        theme: a newsroom's files, which lie over those of the default theme.

    Returns:
        A digest of everything that was built.
    """
    marks = [_dependencies(root, out / "layers" / "dependencies", lambda_on, say)]
    marks.append(_payments(root, out / "layers" / "payments", out / "layers" / "dependencies", lambda_on, say))
    marks.append(_search(root, out / "layers" / "search", lambda_on, say))
    marks.append(_imaging(root, out / "layers" / "imaging", lambda_on, say))
    marks.append(_part("package", [root / "shared" / "nightdesk"], out / "layers" / "package", _package))
    described = [root / "functions" / "editor_api", root / "shared" / "nightdesk", root / "local" / "openapi.py"]
    themes = [root / "layers" / "theme", *([theme] if theme else [])]
    marks.append(_part("theme", [*themes, *described], out / "layers" / "theme", partial(_theme, theme)))
    for name in (*FUNCTIONS, *TASKS):
        marks.append(_part(name, [root / "functions" / name], out / "functions" / name, _function))
    for name in APIS:
        marks.append(_part(name, [root / "functions" / name], out / "functions" / name, _api))
    marks.append(_part("edge", [root / "functions" / "edge"], out / "edge", _edge))
    return hashlib.sha256("".join(marks).encode()).hexdigest()


def _part(name: str, sources: list[Path], target: Path, make: Callable[[list[Path], Path], None]) -> str:
    """Make `target` from `sources` unless it was made from exactly these bytes. Returns the digest of the sources."""
    mark = _digest([Path(__file__), *sources], python_version())
    _replace(target, mark, lambda fresh: make(sources, fresh))
    return mark


def _replace(target: Path, mark: str, make: Callable[[Path], None]) -> None:
    """Make a directory beside `target` and swap it in, so that no one sees half of it; one builder at a time."""
    stamp = target.with_name(f".{target.name}.mark")
    fresh, stale = target.with_name(f".{target.name}.fresh"), target.with_name(f".{target.name}.stale")
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f".{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.is_dir() and stamp.is_file() and stamp.read_text() == mark:
            return
        for left in (fresh, stale):
            shutil.rmtree(left, ignore_errors=True)
        fresh.mkdir()
        make(fresh)
        stamp.unlink(missing_ok=True)
        if target.exists():
            target.rename(stale)
        fresh.rename(target)
        stamp.write_text(mark)
        shutil.rmtree(stale, ignore_errors=True)


def _digest(sources: Iterable[Path], *more: str) -> str:
    digest = hashlib.sha256("\0".join(more).encode())
    for source in sources:
        for path in _files(source):
            name = path.relative_to(source).as_posix()
            digest.update(f"\0{name}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _files(source: Path) -> Iterator[Path]:
    if source.is_file():
        yield source
        return
    for path in sorted(source.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith("."):
            yield path


def _copy(source: Path, target: Path) -> None:
    ignore = shutil.ignore_patterns("__pycache__", ".*")
    shutil.copytree(source, target, ignore=ignore, dirs_exist_ok=True)


def _compile(root: Path, mounted: str) -> None:
    """Compile every module under `root`, which will be mounted at `mounted` (tracebacks show that path)."""

    def one(path: Path) -> None:
        py_compile.compile(
            str(path),
            dfile=f"{mounted}/{path.relative_to(root).as_posix()}",
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )

    for path in root.rglob("*.py"):
        one(path)


def _package(sources: list[Path], target: Path) -> None:
    _copy(sources[0], target / "python" / "nightdesk")
    _compile(target, "/opt")


def _function(sources: list[Path], target: Path) -> None:
    _copy(sources[0], target)
    _compile(target, "/var/task")


def _api(sources: list[Path], target: Path) -> None:
    _copy(sources[0], target / sources[0].name)
    _compile(target, "/var/task")


def _theme(overlay: Path | None, sources: list[Path], target: Path) -> None:
    from nightdesk.rendering.environment import compile_theme
    from nightdesk.rendering.theme_overlay import lay_over

    from .openapi import text

    theme = target / "theme"
    if overlay:
        lay_over(overlay, sources[0], theme)
    else:
        _copy(sources[0], theme)
    compile_theme(theme)
    (theme / "root").mkdir(exist_ok=True)
    (theme / "root" / "openapi.json").write_text(text(sources[0].parent.parent), "utf-8")
    _compile(target, "/opt")
    # The emulator unpacks a layer anywhere; its python directory, which is on the import path, tells a function where.
    (target / "python").mkdir()
    (target / "python" / "README.txt").write_text("The theme is in the directory beside this one.\n")


def _edge(sources: list[Path], target: Path) -> None:
    for name in EDGE_FUNCTIONS:
        code = (sources[0] / f"{name}.js").read_text("utf-8")
        (target / f"{name}.json").write_text(json.dumps(edge_fragment(code)))


def edge_fragment(code: str) -> dict[str, str]:
    """Return the CloudFormation value of an edge function's code.

    A fragment may use long forms only (user guide, AWS::Include transform). `${` would be a variable of Fn::Sub, so
    it is escaped; the keys are dynamic references, so that the template never holds them. Comments and indentation are
    left out: a function may have 10 KB.
    """
    lines = [line.lstrip() for line in code.splitlines(keepends=True)]
    text = "".join(line for line in lines if line and not line.startswith("//")).replace("${", "${!")
    for placeholder, reference in KEY_REFERENCES.items():
        text = text.replace(placeholder, reference)
    return {"Fn::Sub": text}


def _dependencies(root: Path, target: Path, lambda_on: str, say: Callable[[str], None]) -> str:
    locks = [root / "requirements" / "runtime.txt", root / "requirements" / "lambda.txt"]
    wheels = _wheel_platform(lambda_on)
    mark = _digest([Path(__file__), _PRUNING, *locks], python_version(), wheels)

    def make(fresh: Path) -> None:
        say("Building the dependencies layer ...")
        prune(_install(locks, fresh, wheels))
        _compile(fresh, "/opt")

    _replace(target, mark, make)
    return mark


def _payments(root: Path, target: Path, dependencies: Path, lambda_on: str, say: Callable[[str], None]) -> str:
    """Build the layer with Stripe's library. What it shares with the dependencies layer, with the same versions, is left out."""
    locks = [root / "requirements" / name for name in ("payments.txt", "runtime.txt", "lambda.txt")]
    wheels = _wheel_platform(lambda_on)
    mark = _digest([Path(__file__), _PRUNING, *locks], python_version(), wheels)

    def make(fresh: Path) -> None:
        say("Building the payments layer ...")
        packages = _install(locks[:1], fresh, wheels)
        for entry in list(packages.iterdir()):
            if entry.name in ("bin", ".lock") or (dependencies / "python" / entry.name).exists():
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        shutil.rmtree(packages / "stripe" / "params")  # for type checkers only, and half of the library
        _compile(fresh, "/opt")

    _replace(target, mark, make)
    return mark


def _search(root: Path, target: Path, lambda_on: str, say: Callable[[str], None]) -> str:
    """Build the layer with Pagefind, a program that needs nothing else."""
    return _one_lock("search", root, target, lambda_on, say)


def _imaging(root: Path, target: Path, lambda_on: str, say: Callable[[str], None]) -> str:
    """Build the layer with Pillow."""
    return _one_lock("images", root, target, lambda_on, say, _NEWER_PLATFORM)


def _one_lock(
    name: str,
    root: Path,
    target: Path,
    lambda_on: str,
    say: Callable[[str], None],
    wheels_for: str = _LAMBDA_PLATFORM,
) -> str:
    """Build a layer with the packages of one lock, which need no others."""
    locks = [root / "requirements" / f"{name}.txt"]
    wheels = _wheel_platform(lambda_on, wheels_for)
    mark = _digest([Path(__file__), *locks], python_version(), wheels)

    def make(fresh: Path) -> None:
        say(f"Building the {target.name} layer ...")
        _install(locks, fresh, wheels)
        _compile(fresh, "/opt")

    _replace(target, mark, make)
    return mark


def _install(locks: list[Path], target: Path, wheels: str) -> Path:
    """Install the packages of locks for the functions' platform, and return their directory."""
    packages = target / "python"
    command = [_uv(), "pip", "install", "--quiet", "--require-hashes", "--only-binary", ":all:"]
    command += ["--python", sys.executable, "--python-version", python_version(), "--target", str(packages)]
    command += ["--link-mode", "copy"]
    command += ["--python-platform", wheels] if wheels else []
    for lock in locks:
        command += ["--requirement", str(lock)]
    subprocess.run(command, check=True)
    return packages


def _wheel_platform(lambda_on: str, wheels_for: str = _LAMBDA_PLATFORM) -> str:
    if not lambda_on and platform.system() != "Linux":
        return ""
    if (lambda_on or architecture()) == "arm64":
        return _NEWER_PLATFORM.format(machine="aarch64")
    return wheels_for.format(machine="x86_64")


def _uv() -> str:
    beside = Path(sys.executable).parent / "uv"
    return str(beside) if beside.exists() else "uv"


def main() -> None:
    """Build from the command line."""
    parser = argparse.ArgumentParser(description="Build the layers, the functions and the edge functions.")
    parser.add_argument(
        "--lambda-on",
        default="",
        choices=["x86_64", "arm64"],
        help="take wheels for functions on AWS of this architecture",
    )
    options = parser.parse_args()
    if options.lambda_on and python_version() == "3.11":
        parser.error(
            "Pillow does not start on Lambda's runtime for Python 3.11: make clean, then make deploy PYTHON=python3.13"
        )
    started = time.perf_counter()
    mark = build(lambda_on=options.lambda_on, say=lambda text: print(text, file=sys.stderr), theme=chosen_theme())
    print(f"built {mark[:12]} in {time.perf_counter() - started:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
