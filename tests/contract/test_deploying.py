"""Deploys: profiles, aliases, and the examples for a pipeline."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from nightdesk.entrypoints.operator_ports import operator_editor_ports
from nightdesk.usecases.editors.audit import Actor
from nightdesk.usecases.editors.operations import EditorService
from nightdesk_local.deploy import load_template
from nightdesk_local.gradual import with_aliases
from nightdesk_local.layers import APIS, FUNCTIONS, TASKS, python_version
from nightdesk_local.parameters import overrides

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs/deploying"


def functions_of(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the properties of a template's functions, by name."""
    return {
        name.removesuffix("Function"): resource["Properties"]
        for name, resource in template["Resources"].items()
        if isinstance(resource, dict) and resource["Type"] == "AWS::Serverless::Function"
    }


def test_a_gradual_deploy_gives_each_function_an_alias_that_goes_back_on_errors(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(with_aliases((ROOT / "template.yaml").read_text("utf-8")), "utf-8")
    template = load_template(path)
    functions = functions_of(template)
    aliased = {name for name, function in functions.items() if function.get("AutoPublishAlias") == "live"}
    assert aliased == set(functions)
    assert len(aliased) == len(FUNCTIONS) + len(APIS) + len(TASKS)
    for name in aliased:
        preference = functions[name]["DeploymentPreference"]
        assert preference["Type"].startswith("Canary")
        assert 0 < len(preference["Alarms"]) <= 10, "CodeDeploy takes ten"
        assert {alarm["Ref"].removesuffix("ErrorsAlarm") for alarm in preference["Alarms"]} <= set(functions)
        assert functions[name]["AutoPublishAliasAllProperties"], "a new layer is a new version too"
    alias = {"Ref": "EditorApiFunctionAliaslive"}
    resources = template["Resources"]
    assert resources["EditorApiIntegration"]["Properties"]["IntegrationUri"] == alias
    assert resources["EditorApiPermission"]["Properties"]["FunctionName"] == alias
    schedule = resources["CanarySchedule"]["Properties"]["Target"]
    [invoke] = resources["CanaryScheduleRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    assert schedule["Arn"] == invoke["Resource"] == {"Ref": "CanaryFunctionAliaslive"}
    variables = functions["ReaderApi"]["Environment"]["Variables"]
    assert variables["NIGHTDESK_JOBS_FUNCTION"] == {"Fn::Sub": "${AWS::StackName}-reader-api:live"}
    [statement] = [
        s
        for s in resources["ReaderApiRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        if s.get("Sid") == "InvokeItself"
    ]
    assert [arn["Fn::Sub"].rpartition(":function:")[2] for arn in statement["Resource"]] == [
        "${AWS::StackName}-reader-api",
        "${AWS::StackName}-reader-api:live",
    ]


def test_a_function_that_is_invoked_in_an_unknown_way_is_refused() -> None:
    with pytest.raises(ValueError, match="IntegrationUri"):
        with_aliases("Resources: {}")


def test_the_template_itself_has_no_aliases() -> None:
    """The local cloud and a plain deploy switch at once."""
    assert not [f for f in functions_of(load_template(ROOT / "template.yaml")).values() if "AutoPublishAlias" in f]


def test_each_profile_is_complete() -> None:
    profiles = tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))
    del profiles["version"]
    assert set(profiles) == {"default", "dev", "prod"}
    for name, profile in profiles.items():
        assert profile["global"]["parameters"]["language_extensions"] is True
        assert profile["deploy"]["parameters"]["confirm_changeset"] is (name == "prod")
        assert "application=nightdesk" in profile["deploy"]["parameters"]["tags"]
    assert profiles["dev"]["global"]["parameters"]["stack_name"] == "nightdesk-dev"


@pytest.mark.parametrize(
    ("arguments", "stack", "is_protected"),
    [
        ([], "nightdesk", False),
        (["PROFILE=dev"], "nightdesk-dev", False),
        (["PROFILE=prod", "GRADUAL=yes"], "nightdesk", True),
        (["PROFILE=prod", "PARAMETERS=Economy=yes"], "nightdesk", True),
    ],
)
def test_a_deploy_follows_its_profile(arguments: list[str], stack: str, is_protected: bool) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MAKE"))}
    plan = subprocess.run(
        ["make", "-n", "deploy", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert f"--stack-name {stack} " in plan
    assert (f"rebuild --stack {stack}\n" in plan) == ("PARAMETERS=Economy=yes" not in arguments)
    assert ("EnableTerminationProtection=True" in plan) == is_protected
    assert ("--template-file template.gradual.yaml" in plan) == ("GRADUAL=yes" in arguments)


@pytest.mark.slow
def test_a_parameter_may_hold_spaces() -> None:
    """SAM CLI parses them with its own expressions, so this test runs them."""
    given = {
        "PostalAddress": '1 Quay Street, "Orrin"',
        "TickerSchedule": "rate(5 minutes)",
        "PaymentPages": "https://a.example https://b.example",
        "StripeSecretArn": "",
        "CertificateArn": "arn:aws:acm:us-east-1:1:certificate/x=y",
    }
    written = overrides([f"{name}={value}" for name, value in given.items()])
    script = "import json, sys; from samcli.cli.types import CfnParameterOverridesType as Type; print(json.dumps(Type().convert((sys.argv[1],), None, None)))"
    python = ROOT / ".venv-sam/bin/python"
    done = subprocess.run([python, "-c", script, written], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"PythonVersion": python_version(), **given}


@pytest.mark.parametrize("words", [["SiteDomain"], ["PostalAddress=1", "Quay"], ["--parallel=1"]])
def test_what_is_no_parameter_stops_a_deploy(words: list[str]) -> None:
    with pytest.raises(ValueError, match="is not a parameter"):
        overrides(words)


def test_the_workflow_holds_no_keys_and_names_its_actions_by_version() -> None:
    text = (EXAMPLES / "deploy.yml").read_text("utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read", "id-token": "write"}
    [job] = workflow["jobs"].values()
    assert job["environment"] == "production"
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@v\d+\.\d+\.\d+", action) for action in used)
    assert "secrets." not in text
    assert "ACCESS_KEY" not in text.upper()
    assert not list(ROOT.glob(".github/workflows/*")), "an example must not run"


class Calls:
    """Clients of AWS that answer as an empty stack would, and note what they were asked: action and resource."""

    def __init__(self) -> None:
        self.made: set[tuple[str, str]] = set()

    def client(self, service: str, **_: Any) -> SimpleNamespace:
        item = {name: {"S": "2026-11-30T00:00:00+00:00"} for name in ("pk", "sk", "at", "topic", "author", "version")}
        return SimpleNamespace(
            get_paginator=lambda name: SimpleNamespace(paginate=self._list),
            put_object=lambda Bucket, Key, **_: self._note("s3:PutObject", f"s3:::{Bucket}/{Key}"),
            put_events=lambda Entries: self._note("events:PutEvents", f"events:{HERE}:event-bus/nightdesk-bus"),
            get_item=lambda TableName, **_: {**self._of("GetItem", TableName), "Item": {**item, "total": {"N": "0"}}},
            transact_write_items=self._write,
            get_queue_attributes=lambda QueueUrl, **_: self._note("sqs:GetQueueAttributes", f"sqs:{HERE}:{QueueUrl}"),
        )

    def _note(self, action: str, resource: str) -> dict[str, Any]:
        self.made.add((action, f"arn:aws:{resource}"))
        counts = dict.fromkeys(COUNTS, "0")
        return {"FailedEntryCount": 0, "Entries": [], "Attributes": counts, "ETag": "", "VersionId": ""}

    def _list(self, Bucket: str, **_: Any) -> list[dict[str, Any]]:
        return [self._note("s3:ListBucket", f"s3:::{Bucket}")]

    def _of(self, operation: str, table: str) -> dict[str, Any]:
        return self._note(f"dynamodb:{operation}", f"dynamodb:{HERE}:table/{table}")

    def _write(self, TransactItems: list[dict[str, Any]]) -> None:
        for [(operation, asked)] in (each.items() for each in TransactItems):
            self._of(f"{operation}Item", asked["TableName"])


HERE = "eu-north-1:123456789012"
COUNTS = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]


def test_the_deploy_role_may_ask_for_the_rebuild_after_a_deploy() -> None:
    kinds = ("DraftsBucket", "PrivateBucket", "SiteBucket", "AuditBucket")
    names = {name: f"nightdesk-{name.lower()}-1a2b" for name in kinds}
    names |= {f"{name}Table": f"nightdesk-{name}Table-1A2B" for name in ("Articles", "Updates", "Memberships", "Audit")}
    names |= {f"{name}Table": f"nightdesk-{name}Table-1A2B" for name in ("Requests", "Editions")}
    names |= dict.fromkeys(("EventBusName", "DistributionId", "SiteUrl", "CanSignIn", "CanPay", "PostalAddress"), "-")
    names |= {"RenderQueueUrl": "nightdesk-RenderQueue-1A2B", "RenderDeadLetterQueueUrl": "nightdesk-Render-1A2B"}
    calls = Calls()
    stack = SimpleNamespace(outputs=names, stripe="", client=calls.client)
    EditorService(Actor("cli:ci", "CI"), operator_editor_ports(stack)).rebuild("", "")
    assert len(calls.made) > 6
    role = load_template(EXAMPLES / "deploy-role.yaml")["Resources"]["DeployRole"]["Properties"]
    given = {"AWS::Partition": "aws", "AWS::AccountId": "123456789012", "StackName": "nightdesk"}
    rules = [
        (as_list(statement["Action"]), re.sub(r"\$\{([\w:]+)\}", lambda found: given[found[1]], arn["Fn::Sub"]))
        for statement in role["Policies"][0]["PolicyDocument"]["Statement"]
        for arn in as_list(statement["Resource"])
        if "Fn::Sub" in arn
    ]
    refused = {
        (action, resource)
        for action, resource in calls.made
        if not any(action in actions and fnmatchcase(resource, pattern) for actions, pattern in rules)
    }
    assert refused == set()


def as_list(value: Any) -> list[Any]:
    """Return a list of what IAM takes as one or many."""
    return value if isinstance(value, list) else [value]


def test_the_deploy_role_is_for_one_repository_and_one_stack() -> None:
    resources = load_template(EXAMPLES / "deploy-role.yaml")["Resources"]
    role = resources["DeployRole"]["Properties"]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    condition = trust["Condition"]["StringEquals"]
    assert condition["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"
    assert condition["token.actions.githubusercontent.com:sub"] == {
        "Fn::Sub": "repo:${Repository}:environment:${Environment}"
    }
    assert "ManagedPolicyArns" not in role
    for statement in role["Policies"][0]["PolicyDocument"]["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        resources_named = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        assert not [action for action in actions if "*" in action]
        assert "*" not in resources_named
    [passed] = [s for s in role["Policies"][0]["PolicyDocument"]["Statement"] if s["Action"] == "iam:PassRole"]
    assert passed["Resource"] == {"Fn::GetAtt": ["CloudFormationRole", "Arn"]}
    [cloudformation] = resources["CloudFormationRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert cloudformation["Principal"] == {"Service": "cloudformation.amazonaws.com"}
