"""Parliament, which knows the actions, resources and condition keys of AWS, finds nothing wrong in the roles' policies."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from support.template import expanded_template

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = expanded_template()
ACCOUNT = "us-east-1:123456789012"
ARNS = {
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{ACCOUNT}:table/{{}}",
    "AWS::SQS::Queue": f"arn:aws:sqs:{ACCOUNT}:{{}}",
    "AWS::Events::EventBus": f"arn:aws:events:{ACCOUNT}:event-bus/{{}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{ACCOUNT}:log-group:{{}}:*",
    "AWS::IAM::Role": "arn:aws:iam::123456789012:role/{}",
    "AWS::SecretsManager::Secret": f"arn:aws:secretsmanager:{ACCOUNT}:secret:{{}}",
}
SECRETS = ("SmtpSecretArn", "StripeSecretArn", "WebhookKey")
PSEUDO = {"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": "123456789012"}
NOTHING = object()
ACCEPTED: set[tuple[str, str]] = set()
"""Policies and findings that were looked at and are right, each with its reason beside it."""
SCRIPT = """
import json, sys
from parliament import analyze_policy_string, enhance_finding
found = []
for name, document in json.load(sys.stdin).items():
    for finding in map(enhance_finding, analyze_policy_string(json.dumps(document)).findings):
        found.append([name, finding.issue, str(finding.detail), str(finding.location)])
json.dump(found, sys.stdout)
"""


def arn_of(name: str) -> str:
    kind = "AWS::SecretsManager::Secret" if name in SECRETS else TEMPLATE["Resources"].get(name, {}).get("Type", "")
    return ARNS.get(kind, "{}").format(name.lower())


def filled(node: Any) -> Any:
    """Return a policy as it is on AWS, with made-up names; of a choice, what holds there and if the feature is used."""
    if isinstance(node, list):
        return [value for value in map(filled, node) if value is not NOTHING]
    if not isinstance(node, dict):
        return node
    if "Fn::If" in node:
        return filled(node["Fn::If"][1])
    if "Ref" in node:
        return NOTHING if node["Ref"] == "AWS::NoValue" else arn_of(node["Ref"])
    if "Fn::GetAtt" in node:
        return arn_of(node["Fn::GetAtt"][0])
    if "Fn::FindInMap" in node:
        section, first, second = node["Fn::FindInMap"]
        return TEMPLATE["Mappings"][section][first][second]
    if "Fn::Sub" in node:
        named = r"\$\{([^}]+?)(?:\.Arn)?\}"
        return re.sub(named, lambda found: PSEUDO.get(found[1]) or arn_of(found[1]), node["Fn::Sub"])
    values = {key: filled(value) for key, value in node.items()}
    return {key: value for key, value in values.items() if value is not NOTHING}


def policies() -> dict[str, Any]:
    found = {}
    for name, resource in TEMPLATE["Resources"].items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::IAM::ManagedPolicy":
            found[name] = filled(properties["PolicyDocument"])
        for policy in properties.get("Policies", ()) if resource["Type"] == "AWS::IAM::Role" else ():
            found[f"{name}/{policy['PolicyName']}"] = filled(policy["PolicyDocument"])
    return found


def findings(documents: dict[str, Any]) -> list[list[str]]:
    python = ROOT / ".venv-sam/bin/python"
    done = subprocess.run(
        [python, "-W", "ignore", "-c", SCRIPT], input=json.dumps(documents), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    found: list[list[str]] = json.loads(done.stdout)
    return found


def test_policies_say_what_aws_understands() -> None:
    wrong = {"Sid": "Wrong", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket"}
    documents = policies() | {"wrong": {"Version": "2012-10-17", "Statement": [wrong]}}
    assert len(documents) > 40
    found = {(name, issue): (detail, place) for name, issue, detail, place in findings(documents)}
    assert found.pop(("wrong", "RESOURCE_MISMATCH"), None), "what is wrong is found"
    assert {key: why for key, why in found.items() if key not in ACCEPTED} == {}
    assert set(found) >= ACCEPTED
