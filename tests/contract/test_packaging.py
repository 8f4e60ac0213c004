"""What a deploy on AWS would refuse late, computed from the template with names as CloudFormation makes them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import botocore
import botocore.session
import pytest
from botocore.loaders import Loader
from nightdesk.entrypoints.clients import SIGNING
from nightdesk_local import layers
from nightdesk_local.deploy import load_template
from nightdesk_local.gradual import with_aliases
from nightdesk_local.layers import edge_fragment
from nightdesk_local.sdk_pruning import OPERATIONS, prune
from support.template import expand_loops, expanded_template

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


LOCKS = [["runtime", "lambda"], ["payments"], ["search"], ["images"]]
"""What the layers are installed from, together."""


def test_wheels_for_arm64_are_of_a_platform_for_which_there_are_some() -> None:
    assert layers._wheel_platform("arm64") == "aarch64-manylinux_2_28"
    assert layers._wheel_platform("x86_64") == "x86_64-manylinux2014", "Python 3.11's runtime has glibc 2.26"


def test_a_runtime_on_which_pictures_cannot_be_made_is_refused_before_a_deploy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(layers, "python_version", lambda: "3.11")
    monkeypatch.setattr(sys, "argv", ["layers", "--lambda-on", "x86_64"])
    with pytest.raises(SystemExit):
        layers.main()
    assert "PYTHON=python3.13" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.deep
@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
@pytest.mark.parametrize("names", LOCKS, ids=" ".join)
def test_each_lock_has_wheels_for_both_architectures(architecture: str, names: list[str], tmp_path: Path) -> None:
    """This asks the package index, and installs nothing."""
    platform = layers._wheel_platform(architecture, *([layers._NEWER_PLATFORM] if names == ["images"] else []))
    command = [
        ROOT / ".venv/bin/uv",
        "pip",
        "install",
        "--quiet",
        "--dry-run",
        "--require-hashes",
        "--only-binary",
        ":all:",
    ]
    command += [
        "--python",
        ROOT / ".venv/bin/python",
        "--python-version",
        "3.13",
        "--target",
        tmp_path,
        "--python-platform",
        platform,
    ]
    for name in names:
        command += ["--requirement", ROOT / f"requirements/{name}.txt"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


EXPAND = """
import json, sys
from samtranslator.translator.transform import transform
class NoPolicies:
    def load(self):
        return {}
print(json.dumps(transform(json.load(sys.stdin), {}, NoPolicies())["Resources"]))
"""
"""A program for SAM's interpreter: the resources that CloudFormation gets."""


def as_packaged(node: Any) -> Any:
    """Return part of a template with the edge functions' code inlined, and uploads replaced with placeholders."""
    if isinstance(node, list):
        return [as_packaged(value) for value in node]
    if not isinstance(node, dict):
        return node
    if "Fn::Transform" in node:
        name = Path(node["Fn::Transform"]["Parameters"]["Location"]).stem
        return edge_fragment((ROOT / f"functions/edge/{name}.js").read_text("utf-8"))
    return {
        key: f"s3://bucket/{value}" if key in ("CodeUri", "ContentUri") else as_packaged(value)
        for key, value in node.items()
    }


def named_in(node: Any) -> set[str]:
    """Return the names that an expression refers to."""
    if isinstance(node, list):
        return {name for value in node for name in named_in(value)}
    if not isinstance(node, dict):
        return set()
    found: set[str] = set()
    for key, value in node.items():
        if key in ("Ref", "DependsOn"):
            found |= set(value if isinstance(value, list) else [value])
        elif key == "Fn::GetAtt":
            found.add(value[0] if isinstance(value, list) else value.partition(".")[0])
        elif key == "Fn::Sub":
            text, variables = (value, {}) if isinstance(value, str) else value
            found |= {name.partition(".")[0] for name in re.findall(r"\$\{([^!}][^}]*)\}", text)} | named_in(variables)
        else:
            found |= named_in(value)
    return found


@pytest.mark.slow
def test_resources_name_one_another_in_no_circle_and_the_function_url_is_open_to_the_distribution(
    tmp_path: Path,
) -> None:
    """Checked for a gradual deploy, which has all resources of a plain one, and aliases."""
    path = tmp_path / "template.yaml"
    path.write_text(with_aliases((ROOT / "template.yaml").read_text("utf-8")), "utf-8")
    template = expand_loops(load_template(path))
    done = subprocess.run(
        [ROOT / ".venv-sam/bin/python", "-c", EXPAND],
        input=json.dumps(as_packaged(template), default=str), env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    resources = json.loads(done.stdout)
    assert len(resources) < 500, "CloudFormation takes so many"
    order = TopologicalSorter({name: named_in(part) & resources.keys() for name, part in resources.items()})
    order.prepare()  # raises CycleError
    invoked = {"Ref": "ReaderApiFunctionAliaslive"}
    allowed = {
        part["Properties"]["Action"]: part["Properties"]
        for part in resources.values()
        if part["Type"] == "AWS::Lambda::Permission" and part["Properties"]["FunctionName"] == invoked
    }
    # Lambda developer guide, "Control access to Lambda function URLs": both, since October 2025.
    assert set(allowed) == {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}
    assert allowed["lambda:InvokeFunction"]["InvokedViaFunctionUrl"] is True


@pytest.mark.slow
def test_the_sdk_of_the_layer_finds_each_service_in_newer_regions_too(tmp_path: Path) -> None:
    known, pruned = Path(botocore.__file__).parent / "data", tmp_path / "botocore/data"
    pruned.mkdir(parents=True)
    for service in OPERATIONS:
        shutil.copytree(known / service, pruned / service)
    for file in known.glob("*.json"):
        shutil.copy(file, pruned)
    prune(tmp_path)
    session = botocore.session.Session()
    session.set_credentials("AKIAEXAMPLE", "secret")
    session.register_component("data_loader", Loader([str(pruned)], include_default_search_paths=False))
    prefixes = {"sesv2": "email"}
    for region in ("eu-central-1", "eu-south-2", "ap-southeast-4", "ca-west-1"):
        for service in OPERATIONS.keys() - {"cloudfront"}:
            host = session.create_client(service, region).meta.endpoint_url
            assert host == f"https://{prefixes.get(service, service)}.{region}.amazonaws.com"
        form = session.create_client("s3", region, config=SIGNING).generate_presigned_post("drafts", "a.md")
        assert form["url"] == f"https://drafts.s3.{region}.amazonaws.com/"


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
