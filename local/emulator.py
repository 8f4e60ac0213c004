"""Runs MiniStack as an honest cloud. Started by `nightdesk_local.up` as a process of its own, with a bare environment.

MiniStack would run functions under its own interpreter, so that they could import whatever it has installed. Here
they get an interpreter that holds only what Lambda provides; layers and code come as deployed. Functions cannot write
bytecode, as on Lambda's read-only disk. Schedules are looked at twice a second rather than every ten seconds.
Layers are unpacked once, not for every worker: it is thousands of files, and most of what a first worker costs.
A queue's messages come to a function in batches as large, and after a window as long, as its event source says; MiniStack
knows no window, and no batch of more than ten. Invalidations are listed as CloudFront lists them, the newest hundred first: MiniStack lists all there ever were, and the
edge cache asks many times a second.

All of this reaches into private names, so MiniStack's version is pinned, and the names are asserted.

Environment: LOCAL_LAMBDA_PYTHON, the functions' interpreter; the rest is MiniStack's own (GATEWAY_PORT, AUTH, ...).
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import signal
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

VERSION = "1.5.33"
_TICK = 0.5
_LISTED = 100
"""MaxItems of ListInvalidations (CloudFront API reference)."""


def harden(
    lambda_python: str, runtime: Any, scheduler: Any, events: Any, cloudfront: Any, sqs: Any, functions: Any
) -> None:  # fmt: skip
    """Make MiniStack's modules honest.

    Args:
        lambda_python: the interpreter that functions run on.
        runtime: the module `ministack.core.lambda_runtime`.
        scheduler: the module `ministack.services.scheduler`.
        events: the module `ministack.services.eventbridge`.
        cloudfront: the module `ministack.services.cloudfront`.
        sqs: the module `ministack.services.sqs`.
        functions: the module `ministack.services.lambda_svc`.

    Raises:
        RuntimeError: this is not the MiniStack that we know.
    """
    found = importlib.metadata.version("ministack")
    wanted = (
        (runtime, "_detect_runtime_binary"),
        (runtime, "zipfile"),
        (scheduler, "_SCHEDULE_TICK_INTERVAL"),
        (events, "_SCHEDULER_TICK_INTERVAL"),
        (cloudfront, "_list_invalidations"),
        (cloudfront, "_invalidations"),
        (cloudfront, "_xml_response"),
        (cloudfront, "SubElement"),
        *((sqs, name) for name in ("_receive_messages_for_esm", "_queues_lock", "_get_q", "_collect_msgs")),
        *((sqs, name) for name in ("_expire_retained", "_dlq_sweep", "_ensure_msg_fields")),
        (functions, "_esms"),
    )
    missing = [f"{module.__name__}.{name}" for module, name in wanted if not hasattr(module, name)]
    if found != VERSION or missing:
        raise RuntimeError(f"the launcher knows MiniStack {VERSION}; this is {found}, without {missing or 'nothing'}")
    detect = runtime._detect_runtime_binary

    def detect_honestly(name: str) -> tuple[str, str]:
        binary, worker = detect(name)
        return (lambda_python, worker) if name.startswith("python") else (binary, worker)

    runtime._detect_runtime_binary = detect_honestly
    runtime.zipfile = SimpleNamespace(**{**vars(zipfile), "ZipFile": SharedArchive})
    scheduler._SCHEDULE_TICK_INTERVAL = events._SCHEDULER_TICK_INTERVAL = _TICK
    sqs._receive_messages_for_esm = lambda url, size: gathered_messages(sqs, functions, url, size)
    cloudfront._list_invalidations = lambda distribution: newest_invalidations(cloudfront, distribution)
    # For the functions' processes: this one has read it at its start.
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    os.environ["PYTHONNOUSERSITE"] = "1"


class SharedArchive(zipfile.ZipFile):
    """An archive that, where it is a layer's, is unpacked once; every worker gets a link to that."""

    def extractall(self, path: Any = None, members: Any = None, pwd: bytes | None = None) -> None:
        """Unpack into `path`, or put a link there."""
        target = Path(path or ".")
        if not target.name.startswith("layer_") or members is not None:
            super().extractall(path, members, pwd)
            return
        contents = repr([(entry.filename, entry.CRC, entry.file_size) for entry in self.infolist()])
        shared = Path(tempfile.gettempdir()) / "layers" / hashlib.sha256(contents.encode()).hexdigest()
        if not shared.exists():
            shared.parent.mkdir(exist_ok=True)
            fresh = Path(tempfile.mkdtemp(dir=shared.parent))
            super().extractall(fresh)
            with contextlib.suppress(OSError):  # another worker was first
                fresh.rename(shared)
        target.rmdir()
        target.symlink_to(shared, target_is_directory=True)


def gathered_messages(sqs: Any, functions: Any, url: str, size: int) -> list[Any]:
    """The messages that an event source takes from its queue now: none, until there are `size` or its window has passed."""
    with sqs._queues_lock:
        queue = sqs._get_q(url)
        sqs._expire_retained(queue)
        sqs._dlq_sweep(queue)
        arn, now = queue["attributes"]["QueueArn"], time.time()
        windows = [
            source.get("MaximumBatchingWindowInSeconds") or 0
            for source in list(functions._esms._data.values())
            if source.get("EventSourceArn") == arn
        ]
        for message in queue["messages"]:
            sqs._ensure_msg_fields(message)
        ready = [message["visible_at"] for message in queue["messages"] if message["visible_at"] <= now]
        if ready and len(ready) < size and now - min(ready) < max(windows, default=0):
            return []
        taken: list[Any] = sqs._collect_msgs(queue, int(size), int(queue["attributes"]["VisibilityTimeout"]))
        return taken


def newest_invalidations(cloudfront: Any, distribution: str) -> Any:
    """The answer to ListInvalidations: the newest first, and no more than AWS puts on a page."""
    known = cloudfront._invalidations.get(distribution, [])
    page = known[: -_LISTED - 1 : -1]

    def build(root: Any) -> None:
        cloudfront.SubElement(root, "IsTruncated").text = "true" if len(known) > len(page) else "false"
        items = cloudfront.SubElement(root, "Items")
        for found in page:
            summary = cloudfront.SubElement(items, "InvalidationSummary")
            for name in ("Id", "Status", "CreateTime"):
                cloudfront.SubElement(summary, name).text = found[name]

    return cloudfront._xml_response("InvalidationList", build)


def save_on_signal(app: Any) -> None:
    """Save the state at SIGUSR1, so that a power cut costs a minute and not everything since the start."""
    asked = threading.Event()

    def save() -> None:
        while True:
            asked.wait()
            asked.clear()
            for _ in range(5):
                # A dictionary may change while it is written; then once more.
                with contextlib.suppress(RuntimeError):
                    app.save_all(app._build_persistence_save_dict())
                    break

    def ask(_signal: int, _frame: FrameType | None) -> None:
        asked.set()

    threading.Thread(target=save, name="save", daemon=True).start()
    signal.signal(signal.SIGUSR1, ask)


def main() -> None:
    """Serve until SIGTERM."""
    import ministack.core.lambda_runtime as runtime
    import ministack.services.eventbridge as events
    import ministack.services.scheduler as scheduler
    from ministack import app
    from ministack.services import cloudfront, lambda_svc, sqs

    try:
        harden(os.environ.pop("LOCAL_LAMBDA_PYTHON"), runtime, scheduler, events, cloudfront, sqs, lambda_svc)
    except RuntimeError as error:
        sys.exit(str(error))
    if app.PERSIST_STATE:
        save_on_signal(app)
    app.main()


if __name__ == "__main__":
    main()
