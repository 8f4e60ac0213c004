"""Brings the local cloud up and down: the emulator, the stack, and the edge cache before it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from nightdesk.entrypoints.operator_ports import editor_accounts

from . import layers
from .cloud import ROOT, STACK, Cloud, chosen_theme, forget_state, outputs_of, sign_in_url, stripe_url, write_state
from .deploy import DeployError, deploy
from .edge_runtime import node_binary
from .home_lock import HomeLock
from .sessions import EmulatedSession
from .sign_in_server import SignInService, SignInStandIn
from .stripe_server import API_KEY, WEBHOOK_SECRET, StripeStandIn
from .torn_writes import take_back_torn_writes

MAIL_SENDER = "newsroom@nightdesk.example"
_STRIPE_SECRET = "nightdesk-stripe"
_PATIENCE = 120.0
_SAVE_SECONDS = 60.0


class StartError(Exception):
    """The local cloud cannot be started; the text says what to do."""


class _Edge(Protocol):
    def start(self) -> object: ...

    def stop(self) -> None: ...


class LocalCloud:
    """The local cloud of one NIGHTDESK_HOME.

    Args:
        home: where its state is kept; made if it is missing.
        port: of the site; the emulator listens on the next one.
        parameters: of the template, over those that are set here.
        say: told what takes long.
        persist: keep the state for the next start. Without, the emulator is killed at the end, and much quicker meanwhile.
    """

    def __init__(
        self,
        home: Path,
        port: int,
        parameters: dict[str, str] | None = None,
        say: Callable[[str], None] = lambda _: None,
        *,
        persist: bool = True,
    ) -> None:
        self._home = home
        self._persist = persist
        self._port = port
        self._say = say
        self._parameters = {
            "Emulated": "yes",
            "EmulatorUrl": self.endpoint,
            "PythonVersion": layers.python_version(),
            "Architecture": layers.architecture(),
            "BaseUrl": self.site_url,
            # The least that outlasts a function: what a stop interrupted is taken up a minute after the next start.
            "RetryAfterSeconds": "60",
            "MailSender": MAIL_SENDER,
            "MailDomain": MAIL_SENDER.partition("@")[2],
            # Its mail is never delivered, so a newsroom may try newsletters before it has set an address.
            "PostalAddress": "No postal address is set, see postal_address in site.yaml",
            # On a laptop, all readers are one network. Unit tests have the limits of a real stack.
            "SignInsPerAddress": "100000",
            "SignInsPerNetwork": "100000",
            "SignInsPerHour": "100000",
            "EmulatedStripe": stripe_url(port),
            "PaymentPages": stripe_url(port),
            **(parameters or {}),
        }
        self._emulator: subprocess.Popen[bytes] | None = None
        self._edge: _Edge | None = None
        self.stripe = StripeStandIn(stripe_url(port), self.site_url, home / "stripe.json")
        """What readers pay to here."""
        self._sign_in: SignInStandIn | None = None
        self._stopping = threading.Event()
        self._lock = HomeLock(home)
        self.session = EmulatedSession(self.endpoint)
        self.deployed = False
        """Whether the stack changed at the last `deploy`."""

    @property
    def site_url(self) -> str:
        """Where readers find the site."""
        return f"http://localhost:{self._port}"

    @property
    def endpoint(self) -> str:
        """The emulator's address. A number, so that boto3 puts a bucket's name into the path."""
        return f"http://127.0.0.1:{self._port + 1}"

    def start(self) -> Cloud:
        """Start everything, deploy what changed, and say where it is.

        Raises:
            StartError: the folder or a port is in use, or the emulator does not come up.
            DeployError: the stack did not come to be.
        """
        self._home.mkdir(parents=True, exist_ok=True)
        if not self._lock.acquire():
            raise StartError(f"another copy uses {self._home}: stop it first, or set NIGHTDESK_HOME to another folder")
        sign_in = urlsplit(sign_in_url(self._port)).port or 0
        for taken in (self._port, self._port + 1, self.stripe.port, sign_in):
            if _answers(taken):
                self._lock.release()
                raise StartError(f"port {taken} is in use; set NIGHTDESK_PORT to another one")
        try:
            built = threading.Thread(target=self._start_emulator)
            built.start()
            layers.build(say=self._say, theme=chosen_theme())
            built.join()
            self._wait_for_emulator()
            self._parameters.setdefault("StripeSecretArn", self._keys_to_stripe())
            cloud = self.deploy()
            self._start_edge(cloud)
            self.stripe.start()
            service = SignInService(cloud.outputs["EditorsSignInClient"], lambda: editor_accounts(cloud))
            self._sign_in = SignInStandIn(sign_in, service)
        except BaseException:
            self.stop()
            raise
        threading.Thread(target=self._save_now_and_then, name="save", daemon=True).start()
        return cloud

    def deploy(self) -> Cloud:
        """Build and deploy what changed.

        Raises:
            DeployError: the stack did not come to be.
        """
        layers.build(say=self._say, theme=chosen_theme())
        self.deployed = deploy(self.session, self.endpoint, ROOT / "template.yaml", STACK, self._parameters, self._say)
        outputs = outputs_of(self.session.client("cloudformation"), STACK)
        if outputs is None:
            raise DeployError(f"{STACK} is not there after its deploy")
        if self.deployed:
            self.save()
        cloud = Cloud(outputs, self.endpoint, pid=os.getpid())
        write_state(cloud, self._home)
        return cloud

    def tell_site_changed(self, cloud: Cloud) -> None:
        """Ask for all pages to be brought in line with the theme and the settings."""
        detail = json.dumps({"version": 1})
        entry = {"EventBusName": cloud.outputs["EventBusName"], "Source": "nightdesk.deploy", "Detail": detail}
        self.session.client("events").put_events(Entries=[{**entry, "DetailType": "SiteChanged"}])

    def _keys_to_stripe(self) -> str:
        """The ARN of the secret with the stand-in's keys, which on AWS is created by hand."""
        secrets = self.session.client("secretsmanager")
        with contextlib.suppress(secrets.exceptions.ResourceNotFoundException):
            return str(secrets.describe_secret(SecretId=_STRIPE_SECRET)["ARN"])
        keys = json.dumps({"api_key": API_KEY, "webhook_secret": WEBHOOK_SECRET})
        return str(secrets.create_secret(Name=_STRIPE_SECRET, SecretString=keys)["ARN"])

    def save(self) -> None:
        """Have the emulator write its state, which it otherwise does when it ends."""
        if self._persist and self._emulator and self._emulator.poll() is None:
            self._emulator.send_signal(signal.SIGUSR1)

    @property
    def failed(self) -> bool:
        """Whether the emulator has ended by itself."""
        return self._emulator is not None and self._emulator.poll() is not None

    def stop(self) -> None:
        """Stop everything; the emulator writes its state first."""
        self._stopping.set()
        if self._edge:
            with contextlib.suppress(Exception):
                self._edge.stop()
            self._edge = None
        self.stripe.stop()
        if self._sign_in:
            self._sign_in.stop()
            self._sign_in = None
        if self._emulator:
            if self._persist:
                self._emulator.terminate()
            else:
                # With the functions' processes: they are in the emulator's session, which is its process group too.
                os.killpg(self._emulator.pid, signal.SIGKILL)
            try:
                self._emulator.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                self._emulator.kill()
                self._emulator.wait()
            self._emulator = None
        forget_state(self._home)
        shutil.rmtree(self._home / "tmp", ignore_errors=True)
        self._lock.release()

    def _start_emulator(self) -> None:
        scratch = self._home / "tmp"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        environment = {
            "PATH": os.pathsep.join([str(node_binary().parent), "/usr/local/bin", "/usr/bin", "/bin"]),
            "HOME": str(scratch),
            "TMPDIR": str(scratch),
            "LANG": "C.UTF-8",
            "LOCAL_LAMBDA_PYTHON": str(lambda_python()),
            "LOCAL_PERMISSIONS": os.environ.get("NIGHTDESK_PERMISSIONS", ""),
            "LOCAL_MANNERS": os.environ.get("NIGHTDESK_AWS_MANNERS", ""),
            "GATEWAY_PORT": str(self._port + 1),
            "BIND_HOST": "127.0.0.1",
            "AUTH": "true",
            "PERSIST_STATE": "1" if self._persist else "0",
            "STATE_DIR": str(self._home / "state"),
            "S3_PERSIST": "1" if self._persist else "0",
            "S3_DATA_DIR": str(self._home / "s3"),
            "IOT_MTLS_ENABLED": "0",
            "LOG_LEVEL": os.environ.get("NIGHTDESK_EMULATOR_LOG", "WARNING"),
        }
        if self._persist:
            take_back_torn_writes(self._home / "s3")
        with (self._home / "emulator.log").open("ab") as log:
            # A separate session, so that Ctrl-C reaches this process only, which then stops the emulator.
            self._emulator = subprocess.Popen(
                [sys.executable, "-m", "nightdesk_local.emulator"],
                env=environment,
                cwd=scratch,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _wait_for_emulator(self) -> None:
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until and not self.failed:
            connection = http.client.HTTPConnection("127.0.0.1", self._port + 1, timeout=2)
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection.request("GET", "/_ministack/health")
                if connection.getresponse().status == 200:
                    return
            connection.close()
            time.sleep(0.05)
        raise StartError(f"the emulator did not start; see {self._home / 'emulator.log'}")

    def _start_edge(self, cloud: Cloud) -> None:
        from .edge_origin import EmulatedCloud
        from .edge_server import EdgeCache

        identifier, domain = cloud.outputs["DistributionId"], cloud.outputs["DistributionDomain"]
        self._edge = EdgeCache(self._port, lambda: EmulatedCloud(self.endpoint, identifier, domain)).start()

    def _save_now_and_then(self) -> None:
        while not self._stopping.wait(_SAVE_SECONDS):
            self.save()


def lambda_python() -> Path:
    """The interpreter of the functions: it holds what Lambda provides, and nothing else.

    Raises:
        StartError: it is not installed.
    """
    found = ROOT / ".venv-lambda" / "bin" / "python"
    if not found.exists():
        raise StartError("the functions' interpreter is missing: run “make run”, which installs it")
    return found


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
