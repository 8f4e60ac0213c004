"""No command prints a traceback: every kind of failure is one line that says what to do."""

from __future__ import annotations

import io
import socket
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import ModuleType
from typing import Any

import botocore.exceptions as aws
import pytest
from nightdesk.adapters.aws import translate_aws_errors
from nightdesk.domain.errors import Conflict, NotFound, Permanent, Transient
from nightdesk.domain.problems import Kind
from nightdesk.domain.timestamps import InvalidTimestamp
from nightdesk.usecases.readers.members import NoSuchReader
from nightdesk_cli import main as command_line
from nightdesk_local.quiet_server import QuietServer


def refused(code: str, message: str = "") -> aws.ClientError:
    return aws.ClientError({"Error": {"Code": code, "Message": message}}, "DescribeStacks")


SETUP = [
    (aws.NoRegionError(), "AWS_REGION"),
    (aws.InvalidRegionError(region_name="eu north"), "AWS_REGION"),
    (aws.NoCredentialsError(), "aws sso login"),
    (aws.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"), "incomplete"),
    (aws.CredentialRetrievalError(provider="sso", error_msg="x"), "sign in again"),
    (aws.UnauthorizedSSOTokenError(), "sign in again"),
    (aws.SSOTokenLoadError(error_msg="x"), "sign in again"),
    (aws.ProfileNotFound(profile="night"), "AWS_PROFILE"),
    (aws.ConfigParseError(path="~/.aws/config", error="x"), "~/.aws/config"),
    (aws.EndpointConnectionError(endpoint_url="https://nowhere.example", error="x"), "https://nowhere.example"),
    (aws.ConnectTimeoutError(endpoint_url="https://nowhere.example"), "does not answer"),
    (aws.ReadTimeoutError(endpoint_url="https://nowhere.example"), "does not answer"),
    (aws.ConnectionClosedError(endpoint_url="https://nowhere.example"), "does not answer"),
    (aws.SSLError(endpoint_url="https://nowhere.example", error="x"), "does not answer"),
    (aws.ProxyConnectionError(proxy_url="http://proxy.example"), "http://proxy.example"),
    (ValueError("Invalid endpoint: https://s3.eu north.amazonaws.com"), "AWS_ENDPOINT_URL"),
    (refused("ExpiredToken"), "sign in again"),
    (refused("InvalidClientTokenId"), "sign in again"),
    (refused("AccessDenied"), "does not allow"),
    (refused("ResourceNotFoundException"), "deploy the stack"),
    (refused("ValidationError", "Name\nis too long"), "AWS refused DescribeStacks: Name is too long"),
    (ConnectionResetError(104, "Connection reset by peer"), "Connection reset by peer"),
    (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
    (TimeoutError(), "broke off"),
    (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
    (PermissionError(13, "Permission denied", "/srv/site.yaml"), "/srv/site.yaml: Permission denied"),
    (OSError(28, "No space left on device"), "No space left"),
    (Permanent("no such tier"), "no such tier"),
    (Transient("the table is busy"), "the table is busy"),
    (Conflict("ferry has changed"), "ferry has changed"),
    (InvalidTimestamp(Kind.TIMESTAMP_FORM, "tomorrow"), "“tomorrow” is not a date such as 2026-11-23"),
]


def run(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run a command that raises an error, and return its exit status."""

    def fail(_: Any) -> int:
        raise error

    module = ModuleType("nightdesk_cli.failing")
    module.COMMANDS = {"fail": lambda parser: parser.set_defaults(run=fail)}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "nightdesk_cli.failing", module)
    monkeypatch.setitem(command_line.COMMANDS, "fail", command_line.Command("failing", "Fail"))
    return command_line.main(["fail"])


@pytest.mark.parametrize(("error", "said"), SETUP, ids=lambda value: type(value).__name__)
def test_a_wrong_set_up_is_one_line(
    error: Exception, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(error, monkeypatch) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert said in line
    assert "Traceback" not in line


def test_what_an_adapter_translated_keeps_its_cause(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Transient) as raised, translate_aws_errors("get an item"):
        raise aws.NoCredentialsError
    assert run(raised.value, monkeypatch) == 2
    assert "aws sso login" in capsys.readouterr().err


@pytest.mark.parametrize("error", [NotFound("there is no article “ferry”"), NoSuchReader()])
def test_what_is_not_found_has_one_exit_status(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(error, monkeypatch) == 2
    assert capsys.readouterr().err.strip() == str(error)


@pytest.mark.parametrize("error", [ValueError("invalid literal for int()"), KeyError("DraftsBucket"), TypeError("x")])
def test_a_fault_of_ours_is_named_in_one_line_without_pythons_words(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("NIGHTDESK_DEBUG", raising=False)
    assert run(error, monkeypatch) == 70
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"This is a fault of Nightdesk ({type(error).__name__} in test_failures.py, line ")
    assert str(error) not in line
    monkeypatch.setenv("NIGHTDESK_DEBUG", "1")
    run(error, monkeypatch)
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "AWS_REGION"),
        ({"AWS_REGION": "eu north"}, "AWS"),
        ({"AWS_PROFILE": "night"}, "AWS_PROFILE"),
        ({"AWS_REGION": "eu-north-1", "AWS_EC2_METADATA_DISABLED": "true"}, "credentials"),
    ],
)
def test_a_stack_that_cannot_be_reached_is_one_line(
    environment: dict[str, str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert command_line.main(["status", "--stack", "nope"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert said in line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["revisions", "a", "--limit", "9" * 5000], "is too large"),
        (["rollback", "a", "²"], "is not a whole number"),
        (["access", "a", "--gate", f"{'9' * 5000}=member"], "does not name a gate"),
    ],
)
def test_pythons_words_stay_out_of_arguments(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command_line.main(words)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_a_connection_that_is_reset_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(0.2)
            for _ in range(100):
                self.wfile.write(b"x" * 100_000)

    server = QuietServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    handled = threading.Event()
    original = server.handle_error

    def handle_error(*words: Any) -> None:
        original(*words)
        handled.set()

    server.handle_error = handle_error  # type: ignore[method-assign]
    client = socket.create_connection(server.server_address[:2])  # type: ignore[arg-type]
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.sendall(b"GET / HTTP/1.0\r\n\r\n")
    client.close()
    assert handled.wait(10)
    server.shutdown()
    server.server_close()
    assert "Traceback" not in capsys.readouterr().err


def test_a_terminal_that_does_not_know_a_character_gets_an_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.TextIOWrapper(io.BytesIO(), "latin-1")
    monkeypatch.setattr(sys, "stderr", terminal)
    assert command_line.main(["–"]) == 2
    terminal.flush()
    assert b"There is no command" in terminal.buffer.getvalue()  # type: ignore[attr-defined]
