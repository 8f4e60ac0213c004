"""Patches that make MiniStack quicker, without changing its answers. Each says what it saves."""

from __future__ import annotations

import hashlib
import tempfile
import threading
import time
import zipfile
from functools import cached_property, lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import uvicorn
from nightdesk_local.patching import require

_UNPACKING = threading.Lock()


def patch_layers(runtime: Any) -> None:
    """Unpack each layer once, not for every worker: it is thousands of files, and most of what a first worker costs."""
    require(runtime, "zipfile")
    runtime.zipfile = SimpleNamespace(**{**vars(zipfile), "ZipFile": SharedArchive})


def patch_server(server: Any) -> None:
    """Serve with uvicorn, whose HTTP parser is written in C: MiniStack's own server takes a third of its CPU time."""
    require(server, "serve")
    server.serve = serve


async def serve(app: Any, config: Any) -> None:
    """Serve an ASGI application until SIGTERM, with a configuration of hypercorn's."""
    host, _, port = config.bind[0].rpartition(":")
    settings = uvicorn.Config(
        app,
        host=host,
        port=int(port),
        http="httptools",
        ws="none",
        log_level=config.loglevel.lower(),
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=int(config.keep_alive_timeout),
        timeout_graceful_shutdown=1,
    )
    await uvicorn.Server(settings).serve()


def patch_principals(evaluator: Any) -> None:
    """Read a caller's policies once a second, not three times a request: that is a quarter of MiniStack's CPU time.

    A changed policy holds after a second, as on AWS it does after some.
    """
    require(evaluator, "resolve_principal", "PrincipalInfo")
    resolve = evaluator.resolve_principal
    known: dict[tuple[str, str], tuple[float, Any]] = {}

    def resolve_principal(key: str, account: str, credential: Any = None) -> Any:
        until, principal = known.get((key, account), (0.0, None))
        if time.monotonic() > until:
            principal = resolve(key, account, credential)
            if isinstance(principal, evaluator.PrincipalInfo):
                known[key, account] = time.monotonic() + 1, principal
        return principal

    evaluator.resolve_principal = resolve_principal


def patch_expressions(dynamodb: Any) -> None:
    """Parse an expression of DynamoDB once, not for every item that a query compares with it."""
    require(dynamodb, "_tokenize", "_condition_syntax_error")
    tokens_of = lru_cache(1024)(lambda expression, tokenize=dynamodb._tokenize: tuple(tokenize(expression)))
    dynamodb._tokenize = lambda expression: list(tokens_of(expression))
    dynamodb._condition_syntax_error = lru_cache(1024)(dynamodb._condition_syntax_error)


class SharedArchive(zipfile.ZipFile):
    """An archive that, if it is a layer's, is unpacked once; every worker gets a link to that copy.

    MiniStack writes `layer_<n>.zip`, checks where each of `namelist` would be unpacked, and calls `extractall` with the folder
    `layer_<n>` beside it.
    """

    def namelist(self) -> list[str]:
        """Return the names to check: none if they were checked before, since that takes long for thousands of files."""
        return [] if self._is_layer and self._shared.exists() else super().namelist()

    def extractall(self, path: Any = None, members: Any = None, pwd: bytes | None = None) -> None:
        """Unpack into `path`, or replace it by a link to the shared copy."""
        target = Path(path or ".")
        if not (self._is_layer and target.name.startswith("layer_")) or members is not None:
            super().extractall(path, members, pwd)
            return
        with _UNPACKING:
            if not self._shared.exists():
                self._shared.parent.mkdir(exist_ok=True)
                fresh = Path(tempfile.mkdtemp(dir=self._shared.parent))
                super().extractall(fresh)
                fresh.rename(self._shared)
        target.rmdir()
        target.symlink_to(self._shared, target_is_directory=True)
        Path(str(self.filename)).unlink()

    @property
    def _is_layer(self) -> bool:
        return Path(str(self.filename)).name.startswith("layer_")

    @cached_property
    def _shared(self) -> Path:
        contents = repr([(entry.filename, entry.CRC, entry.file_size) for entry in self.infolist()])
        return Path(tempfile.gettempdir()) / "layers" / hashlib.sha256(contents.encode()).hexdigest()
