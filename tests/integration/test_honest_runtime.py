"""The local cloud is no kinder than AWS: what a function forgets to bring or to be allowed is missing.

Two small functions are deployed beside the stack: one whose code imports what it has no layer for, and one that does
what its role does not allow. Each has a twin that is right, so that what fails does so for that reason alone.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from nightdesk_local.layers import python_version
from support.cloud_under_test import CloudUnderTest

ASSUME = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}


class Lab:
    """Deploys small functions, and takes them away again."""

    def __init__(self, cloud: CloudUnderTest) -> None:
        self._cloud = cloud
        self._lambda = cloud.client("lambda")
        self._iam = cloud.client("iam")
        self._made: list[str] = []

    def invoke(
        self, name: str, code: str, *, allow: list[dict[str, Any]] | None = None, like: str = ""
    ) -> dict[str, Any]:
        """Deploy a function and call it.

        Args:
            code: defines `handler(event, context)`.
            allow: statements of its role.
            like: a function of the stack, whose layers it gets.
        """
        role = self._iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(ASSUME))["Role"]["Arn"]
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **s} for s in allow or []]}
        if allow:
            self._iam.put_role_policy(RoleName=name, PolicyName="it", PolicyDocument=json.dumps(policy))
        layers = self._lambda.get_function_configuration(FunctionName=like)["Layers"] if like else []
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as target:
            target.writestr("handler.py", code)
        self._lambda.create_function(
            FunctionName=name,
            Runtime=f"python{python_version()}",
            Role=role,
            Handler="handler.handler",
            Timeout=20,
            Layers=[layer["Arn"] for layer in layers],
            Code={"ZipFile": archive.getvalue()},
        )
        self._made.append(name)
        self._lambda.get_waiter("function_active_v2").wait(FunctionName=name)
        answer = self._lambda.invoke(FunctionName=name, Payload=b"{}")
        return {"failed": "FunctionError" in answer, "payload": json.loads(answer["Payload"].read())}

    def clear(self) -> None:
        """Take everything away."""
        for name in self._made:
            self._lambda.delete_function(FunctionName=name)
            for policy in self._iam.list_role_policies(RoleName=name)["PolicyNames"]:
                self._iam.delete_role_policy(RoleName=name, PolicyName=policy)
            self._iam.delete_role(RoleName=name)


@pytest.fixture
def lab(cloud: CloudUnderTest) -> Iterator[Lab]:
    found = Lab(cloud)
    yield found
    found.clear()


IMPORTS = """
import importlib
def handler(event, context):
    found = {}
    for name in %r:
        try:
            importlib.import_module(name)
            found[name] = "there"
        except ModuleNotFoundError as error:
            found[name] = str(error)
    return found
"""


def test_a_function_without_layers_has_the_sdk_and_nothing_else(lab: Lab) -> None:
    names = [
        "boto3",
        "jinja2",
        "pydantic",
        "yaml",
        "aws_lambda_powertools",
        "nightdesk",
        "ministack",
        "samtranslator",
        "pip",
    ]
    answer = lab.invoke("bare", IMPORTS % names)
    assert answer["payload"].pop("boto3") == "there"
    assert answer["payload"] == {name: f"No module named '{name}'" for name in names[1:]}


def test_layers_bring_what_the_function_lacks(lab: Lab) -> None:
    names = ["boto3", "jinja2", "pydantic", "yaml", "aws_lambda_powertools", "nightdesk", "pyromark", "nh3"]
    answer = lab.invoke("layered", IMPORTS % names, like="nightdesk-gate")
    assert answer["payload"] == dict.fromkeys(names, "there")


def test_a_forgotten_dependency_fails_the_function(lab: Lab) -> None:
    answer = lab.invoke("forgetful", "import jinja2\ndef handler(event, context): return 'fine'\n")
    assert answer["failed"]
    assert "No module named 'jinja2'" in json.dumps(answer["payload"])


READ = """
import boto3
def handler(event, context):
    s3 = boto3.client("s3")
    s3.put_object(Bucket=%r, Key="probe/one", Body=b"words")
    return "written"
"""


def test_a_missing_permission_is_refused(lab: Lab, cloud: CloudUnderTest) -> None:
    bucket = cloud.outputs["PrivateBucket"]
    elsewhere = [{"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/other/*"}]
    answer = lab.invoke("forbidden", READ % bucket, allow=elsewhere)
    assert answer["failed"]
    assert "AccessDenied" in json.dumps(answer["payload"])
    here = [{"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/probe/*"}]
    assert lab.invoke("allowed", READ % bucket, allow=here)["payload"] == "written"


ENVIRONMENT = """
import os, sys
def handler(event, context):
    return {"names": sorted(os.environ), "path": sys.path, "bytecode": sys.dont_write_bytecode}
"""


def test_nothing_of_the_host_reaches_a_function(
    lab: Lab, cloud: CloudUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    answer = lab.invoke("surroundings", ENVIRONMENT)["payload"]
    for name in ("VIRTUAL_ENV", "PYTHONPATH", "USER", "NIGHTDESK_HOME", "PYTEST_CURRENT_TEST", "LOCAL_LAMBDA_PYTHON"):
        assert name not in answer["names"]
    assert not [
        entry for entry in answer["path"] if entry.endswith("/.venv/lib/python" + python_version() + "/site-packages")
    ]
    assert answer["bytecode"], "Lambda's disk is read-only"


def test_index_cannot_read_documents(lab: Lab, cloud: CloudUnderTest) -> None:
    """The template's promise, on the deployed role itself: nothing hidden can slip into a list."""
    document = iam_decision(cloud, "IndexRole", "s3:GetObject", f"{cloud.outputs['PrivateBucket']}/articles/any.json")
    assert document == "implicitDeny"
    facts = iam_decision(cloud, "IndexRole", "s3:GetObject", f"{cloud.outputs['PrivateBucket']}/facts/any.json")
    assert facts == "allowed"
    variant = iam_decision(
        cloud, "IndexRole", "s3:PutObject", f"{cloud.outputs['SiteBucket']}/articles/a/~member/index.html"
    )
    assert variant == "explicitDeny"


def iam_decision(cloud: CloudUnderTest, role: str, action: str, key: str) -> str:
    found = cloud.client("cloudformation").describe_stack_resource(StackName=cloud.cloud.stack, LogicalResourceId=role)
    name = found["StackResourceDetail"]["PhysicalResourceId"]
    arn = cloud.client("iam").get_role(RoleName=name)["Role"]["Arn"]
    answer = cloud.client("iam").simulate_principal_policy(
        PolicySourceArn=arn, ActionNames=[action], ResourceArns=[f"arn:aws:s3:::{key}"]
    )
    return str(answer["EvaluationResults"][0]["EvalDecision"])
