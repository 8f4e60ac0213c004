"""What a deploy on AWS would refuse late, computed from the template with names as CloudFormation makes them."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.template import expanded_template

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = expanded_template()
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
FUNCTIONS = {
    name: resource["Properties"]
    for name, resource in RESOURCES.items()
    if resource["Type"] == "AWS::Serverless::Function"
}
STACK = "nightdesk-of-the-late-meridian"
"""As long as docs/aws.md allows."""
PSEUDO = {
    "AWS::StackName": STACK,
    "AWS::Region": "ap-southeast-4",
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::NoValue": "",
}
ACCOUNT = "ap-southeast-4:123456789012"
GIVEN = {"SiteDomain": "news.the-late-meridian.example", "MailSender": "newsroom@news.the-late-meridian.example"}
FORMS = {
    "AWS::SQS::Queue": ("https://sqs.ap-southeast-4.amazonaws.com/123456789012/{}", f"arn:aws:sqs:{ACCOUNT}:{{}}"),
    "AWS::SecretsManager::Secret": (f"arn:aws:secretsmanager:{ACCOUNT}:secret:{{}}-ABCDEF",) * 2,
    "AWS::IAM::Role": ("{}", "arn:aws:iam::123456789012:role/{}"),
}
"""What Ref and GetAtt of an ARN give for a name."""


def text_of(node: Any) -> str:
    """Return the value of an expression on AWS; of a choice, the longer one."""
    if not isinstance(node, dict):
        return str(node)
    [(function, argument)] = node.items()
    if function == "Fn::If":
        return max(map(text_of, argument[1:]), key=len)
    if function == "Ref":
        return text_of_reference(argument, "")
    if function == "Fn::GetAtt":
        return text_of_reference(*argument)
    if function == "Fn::Sub":
        return re.sub(r"\$\{([\w:]+)\.?(\w*)\}", lambda found: text_of_reference(found[1], found[2]), argument)
    if function == "Fn::Join":
        return str(argument[0]).join(map(text_of, argument[1]))
    raise AssertionError(f"unknown function {function}")


def text_of_reference(name: str, attribute: str) -> str:
    if name in PSEUDO:
        return PSEUDO[name]
    if name in TEMPLATE["Parameters"]:
        return GIVEN.get(name) or str(TEMPLATE["Parameters"][name].get("Default") or "x" * 40)
    # CloudFormation user guide, "Name type": stack, logical id and 13 random letters; secrets of ours carry the stack's id.
    physical = f"{STACK}-{name}-{'A' * 13}{'x' * 24 if name.startswith('EdgeKey') else ''}"
    if attribute in ("QueueName", "Name", "DomainName"):
        return physical
    kind = RESOURCES[name]["Type"]
    if kind == "AWS::S3::Bucket":
        return physical.lower()[:63]
    reference, arn = FORMS.get(kind, ("{}", "{}"))
    return (arn if attribute else reference).format(physical)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_functions_variables_fit(name: str) -> None:
    """All of them together may have 4 KB (Lambda developer guide, "Lambda quotas")."""
    shared = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    variables = {**shared, **FUNCTIONS[name]["Environment"]["Variables"]}
    # As JSON each takes six characters more: quotation marks, a colon and a comma.
    size = sum(len(key) + len(text_of(value)) + 6 for key, value in variables.items())
    assert size <= 4096, f"{size} bytes"


LACKING = """
import json, sys
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER as schemas
types, regions = json.load(sys.stdin)
print(json.dumps({region: sorted(set(types) - set(schemas.get_resource_types(region))) for region in regions}))
"""
"""A program for cfn-lint's interpreter: what regions lack of some types of resources."""


@pytest.mark.slow
def test_each_region_that_the_guide_lists_has_all_types_of_the_template() -> None:
    """CloudFormation refuses a template with a type that the region does not know, whatever its condition."""
    guide = (ROOT / "docs/aws.md").read_text("utf-8")
    regions = re.findall(r"`([a-z]+-[a-z]+-\d)`", guide[guide.index("These regions have all") :].partition("\n\n")[0])
    assert len(regions) > 10
    types = sorted({resource["Type"] for resource in RESOURCES.values()})
    given = json.dumps([[kind for kind in types if not kind.startswith("AWS::Serverless::")], regions])
    python = ROOT / ".venv-sam/bin/python"
    done = subprocess.run([python, "-c", LACKING], input=given, capture_output=True, text=True, check=True)
    assert {region: lacking for region, lacking in json.loads(done.stdout).items() if lacking} == {}
