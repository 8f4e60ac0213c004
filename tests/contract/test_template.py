"""What must hold of `template.yaml`: AWS's own linters accept it, and it keeps our rules."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from nightdesk.adapters.dynamodb import TTL
from nightdesk.events import DETAILS, Envelope
from nightdesk_local.deploy import load_template
from nightdesk_local.layers import APIS, EDGE_FUNCTIONS, FUNCTIONS, KEY_REFERENCES, edge_fragment

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".venv-sam" / "bin"
TEMPLATE = load_template(ROOT / "template.yaml")
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
STAGES = [name.capitalize() for name in FUNCTIONS]
QUEUES = {**{stage: [stage] for stage in STAGES}, "Gate": ["Gate", "Touch"], "Invalidate": ["Invalidate", "Bulk"]}
"""The queues that feed each stage."""
APIS_IN_TEMPLATE = ["".join(word.capitalize() for word in name.split("_")) for name in APIS]


def of_type(kind: str) -> dict[str, Any]:
    """Properties of all resources of a type, by logical id."""
    return {name: resource["Properties"] for name, resource in RESOURCES.items() if resource["Type"] == kind}


def as_list(value: Any) -> list[Any]:
    """IAM takes one or many."""
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize(
    "command", [["sam", "validate", "--lint"], ["cfn-lint", "template.yaml"]], ids=["sam", "cfn-lint"]
)
def test_linters_accept_it(command: list[str]) -> None:
    environment = {**os.environ, "AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0"}
    done = subprocess.run(
        [TOOLS / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True, timeout=120, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr


def all_of(resource: Any) -> list[Any]:
    """The resources that a statement may name, those of both sides of a condition among them."""
    if isinstance(resource, dict) and "Fn::If" in resource:
        return resource["Fn::If"][1:]
    return as_list(resource)


def statements() -> list[tuple[str, dict[str, Any]]]:
    """Every statement of every role, with the role's logical id; of a conditional one, what it is where it is."""
    return [
        (name, statement.get("Fn::If", [None, statement])[1])
        for name, role in of_type("AWS::IAM::Role").items()
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


@pytest.mark.parametrize(
    ("role", "statement"), statements(), ids=lambda value: value if isinstance(value, str) else value["Sid"]
)
def test_roles_name_their_actions_and_resources(role: str, statement: dict[str, Any]) -> None:
    for action in as_list(statement["Action"]):
        assert "*" not in action
    for resource in all_of(statement["Resource"]):
        named = next(iter(resource.values())) if isinstance(resource, dict) else resource
        if statement["Sid"] == "SendMail" and named == "*":
            continue  # on the emulator, which knows no resource for it
        assert named != "*"
        # A wildcard ends a path in one of our buckets, and nothing else.
        if isinstance(named, str) and "*" in named:
            assert re.fullmatch(
                r"\$\{(Drafts|Work|Site)Bucket\.Arn\}/[a-z/]*\*(/\*)?|arn:.*:schedule/(\$\{AlarmGroup\}|default)/\*",
                named,
            )


def test_each_function_has_a_role_of_its_own() -> None:
    functions = of_type("AWS::Serverless::Function")
    assert sorted(functions) == sorted(f"{name}Function" for name in [*STAGES, *APIS_IN_TEMPLATE])
    roles = [function["Role"]["Fn::GetAtt"][0] for function in functions.values()]
    schedules = of_type("AWS::Scheduler::Schedule").values()
    roles += [schedule["Target"]["RoleArn"]["Fn::GetAtt"][0] for schedule in schedules]
    assert sorted({*roles, "AlarmRole"}) == sorted(of_type("AWS::IAM::Role"))
    assert not [role for role in of_type("AWS::IAM::Role").values() if "ManagedPolicyArns" in role]


@pytest.mark.parametrize("queue", [queue for queues in QUEUES.values() for queue in queues])
def test_a_queue_parks_what_fails_and_says_so(queue: str) -> None:
    found = RESOURCES[f"{queue}Queue"]["Properties"]
    assert found["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": [f"{queue}DeadLetterQueue", "Arn"]},
        "maxReceiveCount": 5,
    }
    assert found["VisibilityTimeout"] == (5400 if queue == "Reconcile" else {"Ref": "RetryAfterSeconds"})
    alarm = RESOURCES[f"{queue}Alarm"]["Properties"]
    assert alarm["Dimensions"][0]["Value"] == {"Fn::GetAtt": [f"{queue}DeadLetterQueue", "QueueName"]}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_complete(stage: str) -> None:
    timeout = TEMPLATE["Globals"]["Function"]["Timeout"]
    assert TEMPLATE["Parameters"]["RetryAfterSeconds"]["Default"] >= 6 * timeout
    function = RESOURCES[f"{stage}Function"]["Properties"]
    assert function.get("Timeout", 0) * 6 in (0, RESOURCES[f"{stage}Queue"]["Properties"]["VisibilityTimeout"])
    sources = list(function["Events"].values())
    assert [source["Type"] for source in sources] == ["SQS"] * len(sources)
    queues = [source["Properties"]["Queue"] for source in sources]
    assert queues == [{"Fn::GetAtt": [f"{queue}Queue", "Arn"]} for queue in QUEUES[stage]]
    for source in sources:
        facts = source["Properties"]
        assert facts["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        # Lambda demands a second or more to gather batches of more than ten (API reference, CreateEventSourceMapping).
        assert facts["BatchSize"] <= 10 or facts["MaximumBatchingWindowInSeconds"]["Fn::If"][1] >= 1
    assert f"{stage}Logs" in of_type("AWS::Logs::LogGroup")
    assert RESOURCES[f"{stage}Logs"]["Properties"]["RetentionInDays"]


@pytest.mark.parametrize(("name", "rule"), of_type("AWS::Events::Rule").items(), ids=list(of_type("AWS::Events::Rule")))
def test_a_rule_delivers_to_a_queue_that_lets_it_and_parks_the_rest(name: str, rule: dict[str, Any]) -> None:
    (target,) = rule["Targets"]
    queue = target["Arn"]["Fn::GetAtt"][0]
    parked = target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]
    assert parked == queue.replace("Queue", "DeadLetterQueue")
    assert target["RetryPolicy"]["MaximumRetryAttempts"] > 100
    policy = RESOURCES[f"{queue}Policy"]["Properties"]
    assert policy["Queues"] == [{"Ref": queue}, {"Ref": parked}]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert {"Fn::GetAtt": [name, "Arn"]} in as_list(statement["Condition"]["ArnEquals"]["aws:SourceArn"])
    assert statement["Resource"] == [{"Fn::GetAtt": [queue, "Arn"]}, {"Fn::GetAtt": [parked, "Arn"]}]


def test_rules_speak_of_events_that_there_are() -> None:
    for rule in of_type("AWS::Events::Rule").values():
        pattern = rule["EventPattern"]
        if pattern["source"] != ["aws.s3"]:
            assert set(pattern["detail-type"]) <= set(DETAILS)
            assert rule["EventBusName"] == {"Ref": "Bus"}


@pytest.mark.parametrize("stage", FUNCTIONS)
def test_a_stage_hears_exactly_what_it_understands(stage: str) -> None:
    """A message that it raises TypeError at would end in the dead-letter queue."""
    code = (ROOT / "shared" / "nightdesk" / "stages" / f"{stage}.py").read_text("utf-8")
    named = {name for names in re.findall(r"isinstance\(detail, ([\w |]+)\)", code) for name in names.split(" | ")}
    understood = {name for name, model in DETAILS.items() if named & {base.__name__ for base in model.__mro__}}
    understood |= named & {"ObjectEvent"}
    queues = [{"Fn::GetAtt": [f"{queue}Queue", "Arn"]} for queue in QUEUES[stage.capitalize()]]
    heard = {"gate": {"ArticleDue"}, "reconcile": {"ReconcileDue"}}.get(stage, set())  # the scheduler's
    for rule in of_type("AWS::Events::Rule").values():
        if rule["Targets"][0]["Arn"] in queues:
            pattern = rule["EventPattern"]
            heard |= {"ObjectEvent"} if pattern["source"] == ["aws.s3"] else set(pattern["detail-type"])
    assert heard == understood


def sites_written_by(role: str) -> dict[str, list[str]]:
    """The keys of the site's bucket that a role may write, and those that it may not even so."""
    found: dict[str, list[str]] = {"Allow": [], "Deny": []}
    for name, statement in statements():
        if name == role and "s3:PutObject" in as_list(statement["Action"]):
            resources = [str(next(iter(r.values()))) for r in as_list(statement["Resource"])]
            found[statement["Effect"]] += [r.partition("/")[2] for r in resources if r.startswith("${SiteBucket.Arn}")]
    return found


def test_the_tickers_files_are_the_tickers_alone() -> None:
    assert sites_written_by("UpdatesRole") == {"Allow": ["updates/*"], "Deny": []}
    assert "updates/*" in sites_written_by("IndexRole")["Deny"]
    assert sites_written_by("GateRole") == {"Allow": ["articles/*"], "Deny": []}


def test_feeds_on_ones_own_machine_are_for_laptops() -> None:
    names = {
        function: resource["Environment"]["Variables"]["NIGHTDESK_LOOPBACK_FEEDS"]
        for function, resource in of_type("AWS::Serverless::Function").items()
        if "NIGHTDESK_LOOPBACK_FEEDS" in resource["Environment"]["Variables"]
    }
    assert names == {"UpdatesFunction": {"Fn::If": ["OnAws", "no", "yes"]}}
    assert TEMPLATE["Conditions"]["OnAws"] == {"Fn::Equals": [{"Ref": "Emulated"}, "no"]}


def test_the_schedule_says_what_the_stage_understands() -> None:
    schedule = RESOURCES["TickerScheduleEntry"]["Properties"]
    assert schedule["Target"]["Arn"] == {"Fn::GetAtt": ["UpdatesQueue", "Arn"]}
    assert Envelope.model_validate_json(schedule["Target"]["Input"]).type == "TickerDue"


def test_buckets_are_private_and_keep_versions() -> None:
    buckets = of_type("AWS::S3::Bucket")
    assert sorted(buckets) == ["DraftsBucket", "SiteBucket", "WorkBucket"]
    for bucket in buckets.values():
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


@pytest.mark.parametrize("kind", ["AWS::S3::Bucket", "AWS::DynamoDB::Table"])
def test_what_holds_data_stays_when_the_stack_goes(kind: str) -> None:
    for name in of_type(kind):
        assert RESOURCES[name]["DeletionPolicy"] == "Retain"
        assert RESOURCES[name]["UpdateReplacePolicy"] == "Retain"


def test_pages_may_load_nothing_foreign_and_run_nothing_inline() -> None:
    config = RESOURCES["PageHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]
    text, variables = config["SecurityHeadersConfig"]["ContentSecurityPolicy"]["ContentSecurityPolicy"]["Fn::Sub"]
    policy = text.replace("${Pages}", "")
    # Where nothing is sold, a form stays on the site.
    assert variables["Pages"] == {"Fn::If": ["HasStripe", {"Fn::Sub": " ${PaymentPages}"}, ""]}
    assert text.endswith("form-action 'self'${Pages}")
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == directives["script-src"] == directives["style-src"] == "'self'"
    assert directives["frame-ancestors"] == directives["object-src"] == directives["base-uri"] == "'none'"
    assert "unsafe" not in policy


def behaviours() -> list[dict[str, Any]]:
    """The distribution's cache behaviours but for the default one."""
    found: list[dict[str, Any]] = RESOURCES["Distribution"]["Properties"]["DistributionConfig"]["CacheBehaviors"]
    return found


def test_every_answer_passes_the_edge_functions() -> None:
    config = RESOURCES["Distribution"]["Properties"]["DistributionConfig"]
    behaviour = config["DefaultCacheBehavior"]
    assert behaviour["AllowedMethods"] == ["GET", "HEAD"]
    assert [function["EventType"] for function in behaviour["FunctionAssociations"]] == [
        "viewer-request",
        "viewer-response",
    ]


def test_of_the_api_and_of_previews_nothing_is_cached() -> None:
    assert [behaviour["PathPattern"] for behaviour in behaviours()] == ["/api/*", "/account/", "/preview/*"]
    preview = behaviours()[2]
    assert preview["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "CachingDisabled"
    assert preview["AllowedMethods"] == ["GET", "HEAD"]
    config = RESOURCES["Distribution"]["Properties"]["DistributionConfig"]
    assert preview["FunctionAssociations"] == config["DefaultCacheBehavior"]["FunctionAssociations"]
    for behaviour in behaviours()[:2]:
        assert behaviour["TargetOriginId"] == "reader-api"
        assert behaviour["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "CachingDisabled"
        assert behaviour["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac", "all but Host"
        assert behaviour["ResponseHeadersPolicyId"] == {"Ref": "PageHeaders"}
        (function,) = behaviour["FunctionAssociations"]
        assert function["FunctionARN"] == {"Fn::GetAtt": ["ApiRequest", "FunctionARN"]}


def test_the_api_hears_the_distribution_alone() -> None:
    (origin,) = [
        origin
        for origin in RESOURCES["Distribution"]["Properties"]["DistributionConfig"]["Origins"]
        if origin["Id"] == "reader-api"
    ]
    said = {header["HeaderName"]: header["HeaderValue"] for header in origin["OriginCustomHeaders"]}
    variables = RESOURCES["ReaderApiFunction"]["Properties"]["Environment"]["Variables"]
    assert said["x-origin-key"] == variables["NIGHTDESK_ORIGIN_KEY"]
    assert origin["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"


def test_stripes_stand_in_is_for_an_emulated_stack_alone() -> None:
    variables = RESOURCES["ReaderApiFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["NIGHTDESK_STRIPE_API"] == {"Fn::If": ["OnAws", "", {"Ref": "EmulatedStripe"}]}
    uses = re.findall(r"!Ref EmulatedStripe|\$\{EmulatedStripe\}", (ROOT / "template.yaml").read_text("utf-8"))
    assert len(uses) == 1


def test_stripes_keys_are_read_by_the_readers_api_alone() -> None:
    named = {role for role, statement in statements() if {"Ref": "StripeSecretArn"} in as_list(statement["Resource"])}
    assert named == {"ReaderApiRole"}
    layers = {
        name
        for name, function in of_type("AWS::Serverless::Function").items()
        if {"Ref": "PaymentsLayer"} in function.get("Layers", ())
    }
    assert layers == {"ReaderApiFunction"}


def test_the_api_reads_settings_and_readers_and_nothing_of_articles() -> None:
    allowed = {
        json.dumps(resource)
        for role, statement in statements()
        if role == "ReaderApiRole"
        for action in as_list(statement["Action"])
        if action.startswith(("s3:", "dynamodb:"))
        for resource in as_list(statement["Resource"])
    }
    assert allowed == {
        json.dumps({"Fn::Sub": "${WorkBucket.Arn}/site.json"}),
        json.dumps({"Fn::GetAtt": ["MembershipsTable", "Arn"]}),
    }


def test_what_ends_by_itself_leaves_the_table() -> None:
    ttl = RESOURCES["MembershipsTable"]["Properties"]["TimeToLiveSpecification"]
    assert ttl == {"AttributeName": TTL, "Enabled": True}


@pytest.mark.parametrize("name", EDGE_FUNCTIONS)
def test_edge_functions_go_into_the_template_as_they_are(name: str) -> None:
    code = (ROOT / "functions" / "edge" / f"{name}.js").read_text("utf-8")
    value = edge_fragment(code)["Fn::Sub"]
    assert "@@" not in value
    # What Fn::Sub would make of it, but for the keys.
    assert set(re.findall(r"\$\{([^!][^}]*)\}", value)) <= {"EdgeKey", "EdgeKeyTwo"}
    for placeholder, reference in KEY_REFERENCES.items():
        value = value.replace(reference, placeholder)
    assert value.replace("${!", "${") == code
    assert len(code.replace("@@EDGE_KEY", "k" * 48).encode()) < 10_000, "CloudFront takes 10 KB"


def test_names_of_the_environment_are_settings() -> None:
    from nightdesk.settings import Settings

    for function in of_type("AWS::Serverless::Function").values():
        names = {**TEMPLATE["Globals"]["Function"]["Environment"]["Variables"], **function["Environment"]["Variables"]}
        ours = {name.removeprefix("NIGHTDESK_").lower() for name in names if name.startswith("NIGHTDESK_")}
        assert ours <= set(Settings.model_fields), json.dumps(sorted(ours))


def test_outputs_are_those_of_the_contract() -> None:
    assert {
        "SiteUrl",
        "DraftsBucket",
        "SiteBucket",
        "ArticlesTable",
        "MembershipsTable",
        "UpdatesTable",
        "EventBusName",
        "DistributionId",
    } <= set(TEMPLATE["Outputs"])
