"""Builds what `template.yaml` points at, into `build/`: the layers, the functions, and the edge functions' fragments.

    build/layers/dependencies/python/   third-party wheels from the locks, with a pruned AWS SDK
    build/layers/payments/python/       Stripe's library, less what the dependencies layer has
    build/layers/package/python/        shared/nightdesk
    build/layers/theme/theme/           layers/theme, its templates compiled, and the editors' API described
    build/functions/<name>/             functions/<name>; an API, which is a package, inside it once more
    build/edge/<name>.json              a CloudFormation fragment for AWS::Include

Lambda's disk is read-only, so a module without bytecode is compiled anew at every cold start. So everything is
compiled here, by the interpreter that the functions will run on; the template's PythonVersion follows it. The
bytecode is of the "unchecked hash" kind (PEP 552), for archives do not keep times.

The AWS SDK of the layer knows only the operations that our functions call: reading its descriptions is most of what a
first client costs (docs/benchmarks.md has the figures).
"""

from __future__ import annotations

import argparse
import fcntl
import gzip
import hashlib
import json
import platform
import py_compile
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
FUNCTIONS = ("render", "gate", "index", "invalidate", "updates", "reconcile")
"""The pipeline's stages."""
APIS = ("reader_api", "editor_api")
"""Functions with routes. Each is a package, so that its modules can import one another."""
EDGE_FUNCTIONS = ("viewer_request", "viewer_response", "api_request")
KEY_REFERENCES = {
    "@@EDGE_KEY@@": "{{resolve:secretsmanager:${EdgeKey}:SecretString}}",
    "@@EDGE_KEY_2@@": "{{resolve:secretsmanager:${EdgeKeyTwo}:SecretString}}",
}
"""What stands in an edge function's code, and what the template has in its place."""

OPERATIONS = {
    "cloudfront": ("CreateInvalidation", "GetInvalidation"),
    "dynamodb": (
        "BatchGetItem",
        "BatchWriteItem",
        "DeleteItem",
        "GetItem",
        "PutItem",
        "Query",
        "Scan",
        "TransactGetItems",
        "TransactWriteItems",
        "UpdateItem",
    ),
    "events": ("PutEvents",),
    "lambda": ("Invoke",),
    "s3": (
        "CopyObject",
        "CreateBucket",  # never called: botocore takes an upload form's address from it
        "DeleteObject",
        "DeleteObjects",
        "GetObject",
        "HeadObject",
        "ListObjectVersions",
        "ListObjectsV2",
        "PutObject",
    ),
    "scheduler": ("CreateSchedule", "DeleteSchedule", "GetSchedule", "UpdateSchedule"),
    "secretsmanager": ("GetSecretValue",),
    "sesv2": ("SendEmail",),
    "sqs": (
        "ChangeMessageVisibility",
        "ChangeMessageVisibilityBatch",
        "DeleteMessage",
        "GetQueueAttributes",
        "GetQueueUrl",
        "ReceiveMessage",
        "SendMessage",
        "SendMessageBatch",
    ),
}
"""What the layer's AWS SDK still knows. A function that calls something else names it here; without, the call is an
AttributeError, on a laptop as on AWS."""
_SHARED_DATA = ("_retry.json", "endpoints.json", "partitions.json", "sdk-default-configuration.json")

# The oldest glibc among the runtimes: 2.26 of Amazon Linux 2 under Python 3.11, 2.34 from 3.12 on (Lambda's
# "runtimes" page). Wheels for glibc 2.17 suit both.
_LAMBDA_PLATFORM = "{machine}-manylinux2014"


def python_version() -> str:
    """The version of the interpreter that builds, as the template's parameter takes it."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def architecture() -> str:
    """This machine's architecture, in Lambda's words."""
    return "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"


def build(
    root: Path = ROOT, out: Path = BUILD, *, for_aws: bool = False, say: Callable[[str], None] = lambda _: None
) -> str:
    """Build everything that is out of date.

    Args:
        root: the source tree.
        out: where to.
        for_aws: wheels for Lambda on x86_64, whatever this machine is. Otherwise wheels that run here too: on Linux
            those are the same, elsewhere the local cloud needs the host's own.
        say: told what takes long.

    Returns:
        A digest of all that was built.
    """
    marks = [_dependencies(root, out / "layers" / "dependencies", for_aws, say)]
    marks.append(_payments(root, out / "layers" / "payments", out / "layers" / "dependencies", for_aws, say))
    marks.append(_part("package", [root / "shared" / "nightdesk"], out / "layers" / "package", _package))
    described = [root / "functions" / "editor_api", root / "shared" / "nightdesk", root / "local" / "openapi.py"]
    marks.append(_part("theme", [root / "layers" / "theme", *described], out / "layers" / "theme", _theme))
    for name in FUNCTIONS:
        marks.append(_part(name, [root / "functions" / name], out / "functions" / name, _function))
    for name in APIS:
        marks.append(_part(name, [root / "functions" / name], out / "functions" / name, _api))
    marks.append(_part("edge", [root / "functions" / "edge"], out / "edge", _edge))
    return hashlib.sha256("".join(marks).encode()).hexdigest()


def _part(name: str, sources: list[Path], target: Path, make: Callable[[list[Path], Path], None]) -> str:
    """Make `target` from `sources` unless it was made from exactly these bytes; the digest of its making."""
    mark = _digest([Path(__file__), *sources], python_version())
    _replace(target, mark, lambda fresh: make(sources, fresh))
    return mark


def _replace(target: Path, mark: str, make: Callable[[Path], None]) -> None:
    """Make a directory beside `target` and swap it in, so that nobody meets half of one; one builder at a time."""
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
    """Compile every module under `root`, which will stand at `mounted` (that is what tracebacks show)."""

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


def _theme(sources: list[Path], target: Path) -> None:
    from nightdesk.rendering.environment import compile_templates

    from .openapi import text

    theme = target / "theme"
    _copy(sources[0], theme)
    compile_templates(theme)
    (theme / "root").mkdir(exist_ok=True)
    (theme / "root" / "openapi.json").write_text(text(sources[0].parent.parent), "utf-8")
    _compile(target, "/opt")
    # The emulator unpacks a layer anywhere; what tells a function where is its python directory, on the import path.
    (target / "python").mkdir()
    (target / "python" / "README.txt").write_text("The theme is in the directory beside this one.\n")


def _edge(sources: list[Path], target: Path) -> None:
    for name in EDGE_FUNCTIONS:
        code = (sources[0] / f"{name}.js").read_text("utf-8")
        (target / f"{name}.json").write_text(json.dumps(edge_fragment(code)))


def edge_fragment(code: str) -> dict[str, str]:
    """The CloudFormation value of an edge function's code.

    A fragment may use long forms only (user guide, AWS::Include transform). `${` would be a variable of Fn::Sub, so
    it is escaped; the keys come in by dynamic references, so that the template never holds them.
    """
    text = code.replace("${", "${!")
    for placeholder, reference in KEY_REFERENCES.items():
        text = text.replace(placeholder, reference)
    return {"Fn::Sub": text}


def _dependencies(root: Path, target: Path, for_aws: bool, say: Callable[[str], None]) -> str:
    locks = [root / "requirements" / "runtime.txt", root / "requirements" / "lambda.txt"]
    wheels = _wheel_platform(for_aws)
    mark = _digest([Path(__file__), *locks], python_version(), wheels)

    def make(fresh: Path) -> None:
        say("Building the dependencies layer ...")
        _prune(_install(locks, fresh, wheels))
        _compile(fresh, "/opt")

    _replace(target, mark, make)
    return mark


def _payments(root: Path, target: Path, dependencies: Path, for_aws: bool, say: Callable[[str], None]) -> str:
    """Stripe's library, for the function that needs it. What it shares with the dependencies layer, whose versions its lock
    was compiled with, is in that one."""
    locks = [root / "requirements" / name for name in ("payments.txt", "runtime.txt", "lambda.txt")]
    wheels = _wheel_platform(for_aws)
    mark = _digest([Path(__file__), *locks], python_version(), wheels)

    def make(fresh: Path) -> None:
        say("Building the payments layer ...")
        packages = _install(locks[:1], fresh, wheels)
        for entry in list(packages.iterdir()):
            if entry.name in ("bin", ".lock") or (dependencies / "python" / entry.name).exists():
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        shutil.rmtree(packages / "stripe" / "params")  # for type checkers alone, and half of it
        _compile(fresh, "/opt")

    _replace(target, mark, make)
    return mark


def _install(locks: list[Path], target: Path, wheels: str) -> Path:
    """Install what locks name, for the functions' platform; where it is."""
    packages = target / "python"
    command = [_uv(), "pip", "install", "--quiet", "--require-hashes", "--only-binary", ":all:"]
    command += ["--python", sys.executable, "--python-version", python_version(), "--target", str(packages)]
    command += ["--link-mode", "copy"]
    command += ["--python-platform", wheels] if wheels else []
    for lock in locks:
        command += ["--requirement", str(lock)]
    subprocess.run(command, check=True)
    return packages


def _wheel_platform(for_aws: bool) -> str:
    if for_aws:
        return _LAMBDA_PLATFORM.format(machine="x86_64")
    if platform.system() == "Linux":
        return _LAMBDA_PLATFORM.format(machine="aarch64" if architecture() == "arm64" else "x86_64")
    return ""


def _uv() -> str:
    beside = Path(sys.executable).parent / "uv"
    return str(beside) if beside.exists() else "uv"


def _prune(packages: Path) -> None:
    """Leave out what no function uses."""
    data = packages / "botocore" / "data"
    for entry in data.iterdir():
        if entry.is_dir() and entry.name in OPERATIONS:
            _prune_service(entry, OPERATIONS[entry.name])
        elif entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name not in _SHARED_DATA:
            entry.unlink()
    _prune_endpoints(data / "endpoints.json")
    for pattern in ("boto3/examples", "boto3/data", "bin", "**/tests", "**/__pycache__"):
        for unused in list(packages.glob(pattern)):
            shutil.rmtree(unused)
    for unused in [
        *packages.glob("**/*.pyi"),
        *packages.glob("**/*.c"),
        *packages.glob("**/*.pyx"),
        packages / ".lock",
    ]:
        unused.unlink(missing_ok=True)


def _prune_service(service: Path, operations: tuple[str, ...]) -> None:
    """Keep a service's newest description, its operations among `operations` and their shapes; and do not compress it."""
    *older, newest = sorted(service.iterdir())
    for version in older:
        shutil.rmtree(version)
    for path in list(newest.iterdir()):
        name = path.name.removesuffix(".gz").removesuffix(".json")
        if name not in ("service-2", "endpoint-rule-set-1", "paginators-1"):
            path.unlink()
            continue
        content = json.loads(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())
        if name == "service-2":
            _prune_model(content, operations)
        elif name == "paginators-1":
            content["pagination"] = {k: v for k, v in content["pagination"].items() if k in operations}
        path.unlink()
        (newest / f"{name}.json").write_text(json.dumps(content, separators=(",", ":")))


def _prune_model(model: dict[str, Any], operations: tuple[str, ...]) -> None:
    missing = set(operations) - set(model["operations"])
    if missing:
        raise ValueError(f"{model['metadata']['serviceId']} has no operation {', '.join(sorted(missing))}")
    model["operations"] = {name: model["operations"][name] for name in operations}
    shapes: dict[str, Any] = {}
    waiting = list(_shapes_in(model["operations"]))
    while waiting:
        name = waiting.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            waiting += _shapes_in(shapes[name])
    model["shapes"] = {name: shape for name, shape in model["shapes"].items() if name in shapes}
    _forget_documentation(model)


def _shapes_in(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("shape"), str):
            yield node["shape"]
        for value in node.values():
            yield from _shapes_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from _shapes_in(value)


def _forget_documentation(node: Any) -> None:
    """Empty the documentation; botocore wants the key itself."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "documentation" and isinstance(value, str):
                node[key] = ""
            else:
                _forget_documentation(value)
    elif isinstance(node, list):
        for value in node:
            _forget_documentation(value)


def _prune_endpoints(path: Path) -> None:
    """Keep the endpoints of our services, in every partition, and of the session's own."""
    content = json.loads(path.read_bytes())
    prefixes = {*OPERATIONS, "sts"}
    for partition in content["partitions"]:
        partition["services"] = {k: v for k, v in partition["services"].items() if k in prefixes}
    path.write_text(json.dumps(content, separators=(",", ":")))


def main() -> None:
    """Build from the command line."""
    parser = argparse.ArgumentParser(description="Build the layers, the functions and the edge functions.")
    parser.add_argument("--for-aws", action="store_true", help="wheels for Lambda on x86_64, whatever this machine is")
    options = parser.parse_args()
    started = time.perf_counter()
    mark = build(for_aws=options.for_aws, say=lambda text: print(text, file=sys.stderr))
    print(f"built {mark[:12]} in {time.perf_counter() - started:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
