"""What the command line and the stages load: both must start quickly, and the command line needs no Lambda runtime."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from nightdesk_cli.main import COMMANDS
from nightdesk_local.cloud import ROOT
from nightdesk_local.layers import APIS, FUNCTIONS

_REPORT = "; import json, sys; print(json.dumps(sorted(sys.modules)))"


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after running some code."""
    done = subprocess.run([sys.executable, "-c", code + _REPORT], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_the_help_text_loads_no_sdk_and_none_of_the_package() -> None:
    modules = loaded_by("from nightdesk_cli.main import build_parser; build_parser().format_help()")
    heavy = {"boto3", "botocore", "pydantic", "aws_lambda_powertools", "jinja2", "nightdesk.ports", "nightdesk.domain"}
    assert not modules & heavy


def test_no_command_loads_a_lambda_runtime() -> None:
    modules = loaded_by(f"from nightdesk_cli.main import build_parser; build_parser({list(COMMANDS)!r})")
    assert "nightdesk.usecases.editors.status" in modules
    runtimes = {f"nightdesk.entrypoints.{name}" for name in ("queue_worker", "editor_ports", "http", "routing", "logs")}
    assert not modules & {"aws_lambda_powertools", *runtimes}


def test_status_loads_neither_boto3_nor_pydantic() -> None:
    modules = loaded_by("from nightdesk_cli.main import build_parser; build_parser(['status'])")
    modules |= loaded_by("import nightdesk.usecases.editors.status, nightdesk.usecases.editors.pipeline_status")
    modules |= loaded_by("import nightdesk.entrypoints.operator_ports, nightdesk.entrypoints.reader_ports")
    assert not modules & {"boto3", "pydantic", "jinja2"}


@pytest.mark.parametrize("stage", sorted(set(FUNCTIONS) - set(APIS)))
def test_a_stage_does_not_load_pydantic(stage: str) -> None:
    """Pydantic is for the requests of the two APIs; a stage would load it at each cold start for nothing."""
    handler = (ROOT / "functions" / stage / "handler.py").read_text("utf-8")
    imports = re.findall(r"^from (nightdesk\.[\w.]+) import", handler, re.MULTILINE)
    modules = loaded_by(f"import {', '.join(imports)}")
    assert "nightdesk.ports" in modules
    assert "pydantic" not in modules
