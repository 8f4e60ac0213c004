"""The policies of the stack's roles as AWS gets them, with made-up names; and what they say of a call."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any

from support.template import expanded_template

_TEMPLATE = expanded_template()
_ACCOUNT = "us-east-1:123456789012"
_ARNS = {
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{_ACCOUNT}:table/{{}}",
    "AWS::SQS::Queue": f"arn:aws:sqs:{_ACCOUNT}:{{}}",
    "AWS::Events::EventBus": f"arn:aws:events:{_ACCOUNT}:event-bus/{{}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{_ACCOUNT}:log-group:{{}}:*",
    "AWS::IAM::Role": "arn:aws:iam::123456789012:role/{}",
    "AWS::Serverless::Function": f"arn:aws:lambda:{_ACCOUNT}:function:{{}}",
    "AWS::SecretsManager::Secret": f"arn:aws:secretsmanager:{_ACCOUNT}:secret:{{}}",
}
_SECRETS = ("SmtpSecretArn", "StripeSecretArn", "WebhookKey")
_PSEUDO = {"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": "123456789012"}
_NOTHING = object()


def arn_of(name: str) -> str:
    kind = "AWS::SecretsManager::Secret" if name in _SECRETS else _TEMPLATE["Resources"].get(name, {}).get("Type", "")
    return _ARNS.get(kind, "{}").format(name.lower())


def filled(node: Any) -> Any:
    """Return a policy as it is on AWS, with made-up names; of a choice, what holds there and if the feature is used."""
    if isinstance(node, list):
        return [value for value in map(filled, node) if value is not _NOTHING]
    if not isinstance(node, dict):
        return node
    if "Fn::If" in node:
        return filled(node["Fn::If"][1])
    if "Ref" in node:
        return _NOTHING if node["Ref"] == "AWS::NoValue" else arn_of(node["Ref"])
    if "Fn::GetAtt" in node:
        return arn_of(node["Fn::GetAtt"][0])
    if "Fn::FindInMap" in node:
        section, first, second = node["Fn::FindInMap"]
        return _TEMPLATE["Mappings"][section][first][second]
    if "Fn::Sub" in node:
        named = r"\$\{([^}]+?)(?:\.Arn)?\}"
        return re.sub(named, lambda found: _PSEUDO.get(found[1]) or arn_of(found[1]), node["Fn::Sub"])
    values = {key: filled(value) for key, value in node.items()}
    return {key: value for key, value in values.items() if value is not _NOTHING}


def policies() -> dict[str, Any]:
    found = {}
    for name, resource in _TEMPLATE["Resources"].items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::IAM::ManagedPolicy":
            found[name] = filled(properties["PolicyDocument"])
        for policy in properties.get("Policies", ()) if resource["Type"] == "AWS::IAM::Role" else ():
            found[f"{name}/{policy['PolicyName']}"] = filled(policy["PolicyDocument"])
    return found


def statements() -> dict[str, list[dict[str, Any]]]:
    """Return the statements of each function's role, those of its managed policies included."""
    found = {}
    documents = policies()
    for name, role in _TEMPLATE["Resources"].items():
        if role["Type"] != "AWS::IAM::Role" or "lambda.amazonaws.com" not in str(role["Properties"]):
            continue
        inline = [f"{name}/{policy['PolicyName']}" for policy in role["Properties"].get("Policies", ())]
        managed = [arn["Ref"] for arn in role["Properties"].get("ManagedPolicyArns", ()) if "Ref" in arn]
        found[name] = [each for document in (*inline, *managed) for each in documents[document]["Statement"]]
    return found


def decision(rules: list[dict[str, Any]], call: dict[str, Any]) -> str:
    """Return `Allow`, `Deny` or `ImplicitDeny`, as IAM decides on a call (IAM user guide, "Policy evaluation logic")."""
    effects = {rule["Effect"] for rule in rules if _applies(rule, call)}
    return "Deny" if "Deny" in effects else "Allow" if effects else "ImplicitDeny"


def _applies(rule: dict[str, Any], call: dict[str, Any]) -> bool:
    assert rule.keys() <= {"Sid", "Effect", "Action", "Resource", "Condition"}, "the replay knows no other elements"
    named = any(fnmatchcase(call["action"].lower(), action.lower()) for action in _list(rule["Action"]))
    meant = any(fnmatchcase(call["resource"], resource) for resource in _list(rule["Resource"]))
    conditions = rule.get("Condition", {}).items()
    return named and meant and all(_holds(kind, keys, call["context"]) for kind, keys in conditions)


def _holds(operator: str, keys: dict[str, Any], context: dict[str, Any]) -> bool:
    """Tell if a condition holds. `ForAllValues` holds if the request has no value; any other operator does not."""
    quantifier, _, name = operator.rpartition(":")
    matches = {"StringEquals": lambda value, wanted: value == wanted, "StringLike": fnmatchcase}[name]
    for key, wanted in keys.items():
        values = _list(context.get(key.lower(), []))
        hits = [any(matches(value, each) for each in _list(wanted)) for value in values]
        if not (all(hits) if quantifier == "ForAllValues" else any(hits)):
            return False
    return True


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
