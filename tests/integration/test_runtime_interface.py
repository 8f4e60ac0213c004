"""Each function under AWS's own runtime client: it starts from its layers and answers, on a disk that cannot be written.

Where the system lets us mount one (Linux with user namespaces), code and layers are on a read-only file system. Elsewhere, nothing
may have been written beside them afterwards.

A small server plays the Lambda Runtime API (developer guide, “Building a custom runtime”) and, on the same port, an AWS that refuses
everything. So a stage answers that its message failed, an API refuses the request, and the canary fails.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from nightdesk_local.layers import APIS, FUNCTIONS, TASKS, build
from nightdesk_local.up import lambda_python
from support.template import expanded_template

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="AWS's runtime client has wheels for Linux only"),
]
ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
READ_ONLY = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
             'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && cd "$PWD" && exec "$@"', str(BUILD)]  # fmt: skip
"""Runs a command with the folder of all code mounted read-only, as `/var/task` and `/opt` are on Lambda."""
TEMPLATE = expanded_template()
FAILED = {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
"""A partial batch response: the message is delivered again."""


class Runtime(ThreadingHTTPServer):
    """Gives one invocation, and keeps what comes back: its kind (`response`, `error`, `init/error`) and the body."""

    daemon_threads = True

    def __init__(self, event: dict[str, Any]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.event = event
        self.given = False
        self.answer: tuple[str, Any] | None = None
        self.answered = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    server: Runtime

    def do_GET(self) -> None:
        if not self.path.endswith("/runtime/invocation/next"):
            self._refuse()
            return
        if self.server.given:
            self.server.answered.wait()  # there is no other one; the process is stopped
            return
        self.server.given = True
        headers = {"Lambda-Runtime-Aws-Request-Id": "r-1", "Lambda-Runtime-Deadline-Ms": "99999999999999"}
        arn = "arn:aws:lambda:us-east-1:000000000000:function:f"
        self._send(200, json.dumps(self.server.event), {**headers, "Lambda-Runtime-Invoked-Function-Arn": arn})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = re.search(r"/runtime/(?:invocation/r-1/)?(response|error|init/error)$", self.path)
        if not found:
            self._refuse()
            return
        self.server.answer = found[1], json.loads(body)
        self._send(202, "{}")
        self.server.answered.set()

    do_PUT = do_HEAD = do_DELETE = do_GET

    def _refuse(self) -> None:
        self._send(400, '{"__type": "ValidationException", "message": "no"}')

    def _send(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def logical_id(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_")) + "Function"


def layers_of(name: str) -> list[str]:
    """Return the folders of a function's layers, in the template's order."""
    own = TEMPLATE["Resources"][logical_id(name)]["Properties"].get("Layers", [])
    layers = [*TEMPLATE["Globals"]["Function"]["Layers"], *own]
    return [TEMPLATE["Resources"][layer["Ref"]]["Properties"]["ContentUri"].rstrip("/") for layer in layers]


def environment_of(name: str, port: int) -> dict[str, str]:
    """Return the environment that Lambda would give a function; names of resources are made up."""
    own = TEMPLATE["Resources"][logical_id(name)]["Properties"]["Environment"]["Variables"]
    given = {**TEMPLATE["Globals"]["Function"]["Environment"]["Variables"], **own}
    variables = {key: value if isinstance(value, str) else "1" for key, value in given.items()}
    variables |= {
        "NIGHTDESK_QUEUES": "https://sqs.example/0/queue render queue parked",
        "POWERTOOLS_METRICS_NAMESPACE": "Nightdesk",
    }
    variables |= {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    places = [BUILD / "functions" / name, *(ROOT / layer / "python" for layer in layers_of(name))]
    return variables | {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(map(str, places)),
        "NIGHTDESK_THEME_DIR": str(BUILD / "layers/theme/theme"),
        "LAMBDA_TASK_ROOT": str(BUILD / "functions" / name),
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }


def event_for(name: str) -> dict[str, Any]:
    """Return a batch with a message that no stage can read, or a request that no API allows."""
    if name in FUNCTIONS:
        batch = json.loads((ROOT / "events/sqs_batch.json").read_text("utf-8"))
        return {"Records": [{**batch["Records"][0], "messageId": "m-1", "body": "not an event"}]}
    http = {"method": "GET", "path": "/v1/pipeline", "sourceIp": "192.0.2.1", "protocol": "HTTP/1.1", "userAgent": "x"}
    context = {"http": http, "requestId": "r-1", "stage": "$default", "domainName": "x", "accountId": "anonymous"}
    return {"version": "2.0", "routeKey": "$default", "rawPath": http["path"], "rawQueryString": "", "headers": {},
            "requestContext": context, "isBase64Encoded": False}  # fmt: skip


@contextmanager
def started(name: str, runtime: Runtime) -> Iterator[subprocess.Popen[bytes]]:
    """Run a function until the caller is done with it."""
    module = f"{name}.handler" if name in APIS else "handler"
    command = [*(READ_ONLY if can_mount() else ()), str(lambda_python()), "-m", "awslambdaric", f"{module}.handler"]
    environment = environment_of(name, runtime.server_address[1])
    threading.Thread(target=runtime.serve_forever, args=(0.05,), daemon=True).start()
    process = subprocess.Popen(
        command, cwd=BUILD / "functions" / name, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        runtime.shutdown()
        runtime.server_close()


@cache
def can_mount() -> bool:
    """Return True if a process of ours may mount a folder read-only."""
    try:
        command = ["env", "LC_ALL=C", *READ_ONLY, "touch", str(BUILD / "written")]
        tried = subprocess.run(command, capture_output=True, timeout=30, check=False)
    except FileNotFoundError:
        return False
    return b"Read-only" in tried.stderr


def files_in(*folders: Path) -> set[tuple[Path, float]]:
    return {(path, path.stat().st_mtime) for folder in folders for path in folder.rglob("*")}


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    build()


@pytest.mark.parametrize("name", [*FUNCTIONS, *APIS, *TASKS])
def test_a_function_starts_from_its_layers_and_answers(name: str) -> None:
    code = [BUILD / "functions" / name, *(ROOT / layer for layer in layers_of(name))]
    before = files_in(*code)
    runtime = Runtime(event_for(name))
    with started(name, runtime) as process:
        if not runtime.answered.wait(120):
            process.kill()
            pytest.fail((process.stdout.read() if process.stdout else b"").decode()[-3000:])
    assert runtime.answer
    kind, body = runtime.answer
    assert kind == ("error" if name in TASKS else "response"), body
    if name in FUNCTIONS:
        assert body == FAILED
    elif name in TASKS:
        assert body["errorType"] == "ClientError", body
    else:
        assert 400 <= body["statusCode"] < 500, body
    assert files_in(*code) == before, (
        "Lambda's disk cannot be written, and what is compiled there slows each cold start"
    )
