"""Deploys `template.yaml` as `sam deploy` would: packages what it points at, and executes a change set.

In process, since the AWS tools take seconds to start. What is sent is what `aws cloudformation package` would send.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import yaml
from botocore.exceptions import ClientError

_LOCAL_CODE = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}
_MARK = "nightdesk:template"
_POLL = 0.1
_PATIENCE = 300


class DeployError(Exception):
    """The stack did not come to be as the template says; the text names the resources and why."""


if TYPE_CHECKING:
    from yaml import SafeLoader as _SafeLoader
else:  # the one in C is five times as fast, but not every build of PyYAML has it
    _SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_SafeLoader):
    """YAML with CloudFormation's short forms."""


def _long_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _long_form)


def load_template(path: Path) -> dict[str, Any]:
    """A template, with intrinsic functions in their long forms."""
    template: dict[str, Any] = yaml.load(path.read_text("utf-8"), _Loader)
    return template


def deploy(
    session: boto3.Session,
    endpoint: str,
    template: Path,
    stack: str,
    parameters: Mapping[str, str],
    say: Callable[[str], None] = lambda _: None,
) -> bool:
    """Bring a stack in line with a template.

    Args:
        endpoint: the emulator's address.
        template: what lies beside it must be built.
        say: told what takes long.

    Returns:
        Whether anything was deployed; nothing is when template, code and parameters are those of the last time.

    Raises:
        DeployError: the stack did not come to be.
    """
    body, files = package(load_template(template), template.parent, f"{stack}-artifacts")
    text = json.dumps(body, sort_keys=True)
    mark = hashlib.sha256(json.dumps([text, dict(parameters)], sort_keys=True).encode()).hexdigest()
    client = session.client("cloudformation")
    there = _describe(client, stack)
    if there and there["StackStatus"].endswith("_COMPLETE") and "ROLLBACK" not in there["StackStatus"]:
        if {tag["Key"]: tag["Value"] for tag in there.get("Tags", ())}.get(_MARK) == mark:
            return False
    elif there and there["StackStatus"] in ("ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS", "CREATE_FAILED"):
        client.delete_stack(StackName=stack)
        _wait(client, stack, lambda found: found is None)
        there = None
    say("Deploying the stack ..." if there is None else "Updating the stack ...")
    _upload(session, f"{stack}-artifacts", {**files, f"{mark}.json": text.encode()})
    name = f"deploy-{mark[:16]}-{int(time.time())}"
    client.create_change_set(
        StackName=stack,
        ChangeSetName=name,
        ChangeSetType="UPDATE" if there else "CREATE",
        TemplateURL=f"{endpoint}/{stack}-artifacts/{mark}.json",
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in sorted(parameters.items())],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        Tags=[{"Key": _MARK, "Value": mark}],
    )
    if not _prepared(client, stack, name):
        return False
    client.execute_change_set(StackName=stack, ChangeSetName=name)
    found = _wait(
        client, stack, lambda found: found is not None and found["StackStatus"].endswith(("_COMPLETE", "FAILED"))
    )
    status = found["StackStatus"] if found else "gone"
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise DeployError(f"{stack} is {status}\n" + "\n".join(_reasons(client, stack)))
    return True


def package(template: dict[str, Any], root: Path, bucket: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    """A template whose local paths are replaced by addresses in a bucket, and the objects that belong there."""
    files: dict[str, bytes] = {}

    def store(content: bytes, suffix: str) -> str:
        key = f"{hashlib.sha256(content).hexdigest()}.{suffix}"
        files[key] = content
        return f"s3://{bucket}/{key}"

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(value) for value in node]
        if not isinstance(node, dict):
            return node
        node = {key: walk(value) for key, value in node.items()}
        include = node.get("Fn::Transform")
        if isinstance(include, dict) and include.get("Name") == "AWS::Include":
            parameters = include["Parameters"]
            parameters["Location"] = store((root / parameters["Location"]).read_bytes(), "json")
        key = _LOCAL_CODE.get(node.get("Type", "")) if isinstance(node.get("Type"), str) else None
        if key:
            node["Properties"][key] = store(archive(root / node["Properties"][key]), "zip")
        return node

    packaged: dict[str, Any] = walk(template)
    return packaged, files


def archive(directory: Path) -> bytes:
    """A directory as an archive that depends on its files' names and bytes alone."""
    if not directory.is_dir():
        raise DeployError(f"{directory} is missing: build it with “make layers”")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as target:
        for path in sorted(path for path in directory.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(directory).as_posix(), (1980, 1, 1, 0, 0, 0))
            entry.external_attr = (0o755 if path.stat().st_mode & 0o100 else 0o644) << 16
            target.writestr(entry, path.read_bytes())
    return buffer.getvalue()


def _upload(session: boto3.Session, bucket: str, files: Mapping[str, bytes]) -> None:
    s3 = session.client("s3")
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError:
        s3.create_bucket(Bucket=bucket)
    for key, content in files.items():
        try:
            s3.head_object(Bucket=bucket, Key=key)
        except ClientError:
            s3.put_object(Bucket=bucket, Key=key, Body=content)


def _describe(client: Any, stack: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = client.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return None if found["StackStatus"] == "DELETE_COMPLETE" else found


def _wait(client: Any, stack: str, done: Callable[[dict[str, Any] | None], bool]) -> dict[str, Any] | None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        found = _describe(client, stack)
        if done(found):
            return found
        time.sleep(_POLL)
    raise DeployError(f"{stack} was not ready after {_PATIENCE} s")


def _prepared(client: Any, stack: str, name: str) -> bool:
    """Whether the change set is ready to be executed; False when it holds no change."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        found = client.describe_change_set(StackName=stack, ChangeSetName=name)
        if found["Status"] == "CREATE_COMPLETE":
            return True
        if found["Status"] == "FAILED":
            reason = found.get("StatusReason", "")
            if "didn't contain changes" in reason or "No updates" in reason:
                client.delete_change_set(StackName=stack, ChangeSetName=name)
                return False
            raise DeployError(f"the change set of {stack} failed: {reason}")
        time.sleep(_POLL)
    raise DeployError(f"the change set of {stack} was not ready after {_PATIENCE} s")


def _reasons(client: Any, stack: str) -> list[str]:
    events = client.describe_stack_events(StackName=stack)["StackEvents"]
    return [
        f"  {event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
        for event in reversed(events)
        if event["ResourceStatus"].endswith("FAILED")
    ]
