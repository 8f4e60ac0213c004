"""The rules that `template.yaml` keeps: linters accept it, roles stay narrow, every stage is complete."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import subprocess
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from nightdesk.adapters.dynamodb import TTL
from nightdesk.domain.editor_sign_in import CALLBACK_PORTS, callback
from nightdesk.domain.events import (
    EVENTS,
    NewslettersDue,
    ReconcileDue,
    RelistRequested,
    SearchDue,
    TickerDue,
    parse_message,
)
from nightdesk.entrypoints.settings import Settings
from nightdesk_local.layers import APIS, EDGE_FUNCTIONS, FUNCTIONS, KEY_REFERENCES, TASKS, edge_fragment
from support.stores import BACKED_UP
from support.template import expanded_template

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".venv-sam" / "bin"
TEMPLATE = expanded_template()
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
STAGES = [name.capitalize() for name in FUNCTIONS]
QUEUES = {
    **{stage: [stage] for stage in STAGES},
    "Gate": ["Gate", "Regate"],
    "Invalidate": ["Invalidate", "Bulk"],
    "Mailer": ["Mailer", "Urgent"],
}
"""The queues that feed each stage."""
SCHEDULED = {"Gate", "Index", "Search", "Updates", "Reconcile", "Newsletter"}
"""The queues that EventBridge Scheduler sends to."""
OTHERS = ["".join(word.capitalize() for word in name.split("_")) for name in (*APIS, *TASKS)]
"""The functions that no queue feeds."""


def of_type(kind: str) -> dict[str, Any]:
    """Return the properties of all resources of a type, by logical id."""
    return {name: resource["Properties"] for name, resource in RESOURCES.items() if resource["Type"] == kind}


def as_list(value: Any) -> list[Any]:
    """Return a list of what IAM takes as one or many."""
    return value if isinstance(value, list) else [value]


@pytest.mark.slow
def test_linters_accept_it() -> None:
    """SAM runs cfn-lint too, which `make check` runs alone."""
    environment = {**os.environ, "AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0"}
    done = subprocess.run(
        [TOOLS / "sam", "validate", "--lint"], cwd=ROOT, capture_output=True, text=True, timeout=600, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr


# --- Roles ---


def resources_of(statement: dict[str, Any]) -> list[Any]:
    """Return the resources that a statement names, on either side of a condition."""
    resource = statement["Resource"]
    if isinstance(resource, dict) and "Fn::If" in resource:
        return [named for side in resource["Fn::If"][1:] for named in as_list(side)]
    return as_list(resource)


def statements_of(policy: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a policy's statements; of a conditional one, what it is where the condition holds."""
    return [statement.get("Fn::If", [None, statement])[1] for statement in policy["PolicyDocument"]["Statement"]]


def statements() -> list[tuple[str, dict[str, Any]]]:
    """Return every statement that applies to a role, with the role's logical id."""
    managed = of_type("AWS::IAM::ManagedPolicy")
    found = []
    for name, role in of_type("AWS::IAM::Role").items():
        attached = [managed[arn["Ref"]] for arn in role.get("ManagedPolicyArns", ()) if "Ref" in arn]
        policies = [*role.get("Policies", ()), *attached]
        found += [(name, statement) for policy in policies for statement in statements_of(policy)]
    return found


@pytest.mark.parametrize(
    ("role", "statement"), statements(), ids=lambda value: value if isinstance(value, str) else value["Sid"]
)
def test_roles_name_their_actions_and_resources(role: str, statement: dict[str, Any]) -> None:
    assert not any("*" in action for action in as_list(statement["Action"]))
    for resource in resources_of(statement):
        named = next(iter(resource.values())) if isinstance(resource, dict) else resource
        if statement["Sid"] == "ReadMailQuota":
            continue  # the quota is the account's: the action takes no resource
        if statement["Sid"] == "WriteTraces":
            continue  # X-Ray has no resource to name (Service Authorization Reference)
        assert named != "*"
        if statement["Sid"] == "SendMail":
            continue  # its condition names the sender instead; see below
        # A wildcard may only end a path in one of our buckets or in a group of schedules.
        if isinstance(named, str) and "*" in named:
            assert re.fullmatch(
                r"\$\{(Drafts|Private|Site|Audit)Bucket\.Arn\}/[a-z/-]*\*(/\*)?"
                r"|arn:.*:schedule/(\$\{ScheduleGroup\}|default)/\*",
                named,
            )


def test_each_function_and_schedule_has_its_own_role() -> None:
    functions = of_type("AWS::Serverless::Function")
    assert sorted(functions) == sorted(f"{name}Function" for name in [*STAGES, *OTHERS])
    roles = [function["Role"]["Fn::GetAtt"][0] for function in functions.values()]
    assert len(set(roles)) == len(functions)
    schedules = {name: schedule["Target"] for name, schedule in of_type("AWS::Scheduler::Schedule").items()}
    assert schedules.pop("CanarySchedule")["RoleArn"] == {"Fn::GetAtt": ["CanaryScheduleRole", "Arn"]}
    for target in schedules.values():
        queue = target["Arn"]["Fn::GetAtt"][0]
        assert target["RoleArn"] == {"Fn::GetAtt": [queue.replace("Queue", "ScheduleRole"), "Arn"]}
    # AWS Backup's role has AWS's policies only.
    expected = {*roles, *(f"{name}ScheduleRole" for name in (*SCHEDULED, *map(str.capitalize, TASKS))), "BackupRole"}
    assert set(of_type("AWS::IAM::Role")) == expected


@pytest.mark.parametrize("name", [*STAGES, *OTHERS])
def test_a_role_attaches_its_own_managed_policies_only(name: str) -> None:
    expected = [f"{name}Basics", *(f"{queue}Consumer" for queue in QUEUES.get(name, ()))]
    assert RESOURCES[f"{name}Role"]["Properties"]["ManagedPolicyArns"] == [{"Ref": policy} for policy in expected]
    basics = {s["Sid"]: s["Resource"] for s in statements_of(RESOURCES[f"{name}Basics"]["Properties"])}
    assert basics == {
        "WriteLogs": {"Fn::GetAtt": [f"{name}Logs", "Arn"]},
        "PublishEvents": {"Fn::GetAtt": ["Bus", "Arn"]},
        "WriteTraces": "*",
    }
    for queue in QUEUES.get(name, ()):
        (statement,) = statements_of(RESOURCES[f"{queue}Consumer"]["Properties"])
        assert statement["Resource"] == {"Fn::GetAtt": [f"{queue}Queue", "Arn"]}


@pytest.mark.parametrize("queue", sorted(SCHEDULED))
def test_a_schedule_role_sends_to_one_queue_and_its_dead_letters_only(queue: str) -> None:
    role = f"{queue}ScheduleRole"
    (statement,) = [statement for name, statement in statements() if name == role]
    assert (statement["Action"], statement["Resource"]) == (
        "sqs:SendMessage",
        [{"Fn::GetAtt": [f"{queue}Queue", "Arn"]}, {"Fn::GetAtt": [f"{queue}DeadLetterQueue", "Arn"]}],
    )
    (trust,) = RESOURCES[role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def site_keys_written_by(role: str) -> dict[str, list[str]]:
    """Return the keys of the site bucket that a role may write, and those that it is denied."""
    found: dict[str, list[str]] = {"Allow": [], "Deny": []}
    for name, statement in statements():
        if name == role and "s3:PutObject" in as_list(statement["Action"]):
            resources = [str(next(iter(r.values()))) for r in as_list(statement["Resource"])]
            found[statement["Effect"]] += [r.partition("/")[2] for r in resources if r.startswith("${SiteBucket.Arn}")]
    return found


def test_stages_write_separate_parts_of_the_site() -> None:
    assert site_keys_written_by("UpdatesRole") == {"Allow": ["updates/*"], "Deny": []}
    assert site_keys_written_by("GateRole") == {"Allow": ["articles/*"], "Deny": []}
    assert site_keys_written_by("IndexRole") == {
        "Allow": ["*"],
        "Deny": ["articles/*", "updates/*", "search/archive/*"],
    }


def test_index_publishes_files_of_the_theme_and_never_removes_one() -> None:
    denied = [s for role, s in statements() if role == "IndexRole" and s["Sid"] == "KeepThemeFiles"]
    assert [(s["Effect"], s["Action"], s["Resource"]) for s in denied] == [
        ("Deny", "s3:DeleteObject", {"Fn::Sub": "${SiteBucket.Arn}/assets/*"})
    ]


def test_render_cannot_approve_or_decide_about_readers() -> None:
    """It parses what writers upload. `editorial/` is carried to a new slug; approvals in it count with a proof below `approved/` only."""
    written = {
        str(resource["Fn::Sub"]).partition(".Arn}/")[2]
        for role, statement in statements()
        if role == "RenderRole" and {"s3:PutObject", "s3:DeleteObject"} & set(as_list(statement["Action"]))
        for resource in as_list(statement["Resource"])
    }
    assert written == {
        "articles/*", "editorial/*", "images/*", "attachments/*", "history/*", "authors/*", "topics/*", "pages/*", "newsletters/*",
        "site.json",  # it renders the settings
    }  # fmt: skip
    assert not {"approved/*", "takedowns/*", "facts/*", "preview/*", "*"} & written
    for bucket in ("SiteBucket", "DraftsBucket"):
        for role, statement in statements():
            if role == "RenderRole" and "s3:PutObject" in as_list(statement["Action"]):
                assert bucket not in json.dumps(statement["Resource"])


def test_no_role_changes_the_audit_log() -> None:
    audit = {"Fn::GetAtt": ["AuditTable", "Arn"]}
    actions = {
        (role, action)
        for role, statement in statements()
        if audit in resources_of(statement)
        for action in as_list(statement["Action"])
    }
    assert actions == {
        ("EditorApiRole", "dynamodb:PutItem"),
        ("EditorApiRole", "dynamodb:Query"),
        ("CanaryRole", "dynamodb:PutItem"),
    }


def test_copies_of_the_audit_log_are_locked_and_only_ever_added() -> None:
    bucket = RESOURCES["AuditBucket"]
    assert bucket["Condition"] == "LocksAudit", "it is for those who ask for it, since nobody can empty it again"
    lock = bucket["Properties"]["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert (bucket["Properties"]["ObjectLockEnabled"], lock["Mode"]) == (True, "COMPLIANCE")
    assert lock["Days"] == {"Ref": "AuditLockDays"}
    assert TEMPLATE["Parameters"]["AuditLockDays"]["Default"] == 0
    allowed = [
        (role, statement["Action"])
        for role, statement in statements()
        if "AuditBucket" in json.dumps(statement["Resource"])
    ]
    assert allowed == [("EditorApiRole", "s3:PutObject"), ("CanaryRole", "s3:PutObject")]


def test_the_readers_api_reads_settings_readers_pages_who_holds_a_slug_and_links_of_newsletters() -> None:
    articles, editions = ({"Fn::GetAtt": [name, "Arn"]} for name in ("ArticlesTable", "EditionsTable"))
    found = [s for role, s in statements() if role == "ReaderApiRole" and articles in resources_of(s)]
    assert [(s["Action"], s["Condition"]) for s in found] == [
        (
            "dynamodb:GetItem",
            {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["draft#drafts/*", "article#*"]}},
        )
    ]
    allowed = {
        json.dumps(resource)
        for role, statement in statements()
        if role == "ReaderApiRole"
        for action in as_list(statement["Action"])
        if action.startswith(("s3:", "dynamodb:"))
        for resource in as_list(statement["Resource"])
    }
    assert allowed == {
        json.dumps({"Fn::Sub": "${PrivateBucket.Arn}/site.json"}),
        json.dumps({"Fn::Sub": "${SiteBucket.Arn}/feed.xml"}),
        json.dumps({"Fn::Sub": "${SiteBucket.Arn}/articles/*"}),
        json.dumps({"Fn::GetAtt": ["MembershipsTable", "Arn"]}),
        json.dumps(articles),
        json.dumps(editions),
    }
    counting = [s for role, s in statements() if role == "ReaderApiRole" and editions in resources_of(s)]
    assert [(s["Action"], s["Condition"]["ForAllValues:StringLike"]) for s in counting] == [
        ("dynamodb:GetItem", {"dynamodb:LeadingKeys": ["links#*"]}),
        ("dynamodb:UpdateItem", {"dynamodb:LeadingKeys": ["clicks#*"]}),
    ]


def test_only_the_readers_api_reads_stripe_keys() -> None:
    roles = {role for role, statement in statements() if {"Ref": "StripeSecretArn"} in as_list(statement["Resource"])}
    assert roles == {"ReaderApiRole"}
    layers = {
        name
        for name, function in of_type("AWS::Serverless::Function").items()
        if {"Ref": "PaymentsLayer"} in function.get("Layers", ())
    }
    assert layers == {"ReaderApiFunction"}


# --- Stages ---


@pytest.mark.parametrize("queue", [queue for queues in QUEUES.values() for queue in queues])
def test_failed_messages_are_parked_and_raise_an_alarm(queue: str) -> None:
    found = RESOURCES[f"{queue}Queue"]["Properties"]
    assert found["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": [f"{queue}DeadLetterQueue", "Arn"]},
        "maxReceiveCount": 5,
    }
    timeouts = {"Reconcile": 5400, "Search": 5400, "Images": 1800, "Notify": 720}
    assert found["VisibilityTimeout"] == timeouts.get(queue, {"Ref": "RetryAfterSeconds"})
    assert found["DelaySeconds"] == (2 if queue == "Regate" else 0)
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
        properties = source["Properties"]
        assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        # Lambda requires a window of at least one second for batches of more than ten (API reference,
        # CreateEventSourceMapping).
        assert properties["BatchSize"] <= 10 or properties["MaximumBatchingWindowInSeconds"] >= 1


@pytest.mark.parametrize("name", [*STAGES, *OTHERS])
def test_a_function_logs_to_its_own_group(name: str) -> None:
    function = RESOURCES[f"{name}Function"]["Properties"]
    assert function["LoggingConfig"] == {"LogGroup": {"Ref": f"{name}Logs"}}
    logs = RESOURCES[f"{name}Logs"]["Properties"]
    assert logs["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    text, variables = logs["LogGroupName"]["Fn::Sub"]
    path = text.replace("${Name}", variables["Name"])
    assert path == "/aws/lambda/" + function["FunctionName"]["Fn::Sub"]


@pytest.mark.parametrize(("name", "rule"), of_type("AWS::Events::Rule").items(), ids=list(of_type("AWS::Events::Rule")))
def test_a_rule_may_send_to_its_queue_and_parks_what_it_cannot_deliver(name: str, rule: dict[str, Any]) -> None:
    (target,) = rule["Targets"]
    queue = target["Arn"]["Fn::GetAtt"][0]
    parked = target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]
    assert parked == queue.replace("Queue", "DeadLetterQueue")
    # The default is 185 retries within 24 hours (EventBridge user guide, "Retrying event delivery").
    assert "RetryPolicy" not in target
    policy = RESOURCES[f"{queue}Policy"]["Properties"]
    assert policy["Queues"] == [{"Ref": queue}, {"Ref": parked}]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Action"] == "sqs:SendMessage"
    assert statement["Resource"] == [{"Fn::GetAtt": [queue, "Arn"]}, {"Fn::GetAtt": [parked, "Arn"]}]
    senders = [
        {"Fn::GetAtt": [other, "Arn"]}
        for other, found in of_type("AWS::Events::Rule").items()
        if found["Targets"][0]["Arn"] == target["Arn"]
    ]
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": senders}}


def test_queue_policies_admit_rules_only() -> None:
    queues = {rule["Targets"][0]["Arn"]["Fn::GetAtt"][0] for rule in of_type("AWS::Events::Rule").values()}
    assert set(of_type("AWS::SQS::QueuePolicy")) == {f"{queue}Policy" for queue in queues}


def test_rules_name_existing_events() -> None:
    for rule in of_type("AWS::Events::Rule").values():
        pattern = rule["EventPattern"]
        if pattern["source"] not in (["aws.s3"], ["aws.ses"]):
            assert set(pattern["detail-type"]) <= set(EVENTS)
            assert rule["EventBusName"] == {"Ref": "Bus"}


@pytest.mark.parametrize("stage", FUNCTIONS)
def test_a_stage_receives_exactly_the_events_that_it_handles(stage: str) -> None:
    """Any other message would end in the dead-letter queue."""
    module = import_module(f"nightdesk.stages.{stage}")
    batch = getattr(module, f"{stage.capitalize()}Batch")
    handled = set(getattr(batch, "events", [event.__name__ for event in batch.handles]))
    queues = [{"Fn::GetAtt": [f"{queue}Queue", "Arn"]} for queue in QUEUES[stage.capitalize()]]
    # EventBridge Scheduler sends these straight to the queues.
    received = {
        "gate": {"ArticleDue"},
        "reconcile": {"ReconcileDue"},
        "newsletter": {"NewslettersDue"},
        "search": {"SearchDue"},
    }.get(stage, set())
    for rule in of_type("AWS::Events::Rule").values():
        if rule["Targets"][0]["Arn"] in queues:
            pattern = rule["EventPattern"]
            outside = {"aws.s3": {"ObjectChanged"}, "aws.ses": {"MailReturned"}}
            [source] = pattern["source"]
            received |= set(pattern["detail-type"]) if isinstance(source, dict) else outside[source]
    assert received == handled


@pytest.mark.parametrize(
    ("schedule", "queue", "event"),
    [
        ("TickerDueSchedule", "UpdatesQueue", TickerDue()),
        ("ReconcileDueSchedule", "ReconcileQueue", ReconcileDue()),
        ("SearchDueSchedule", "SearchQueue", SearchDue()),
        ("NewsSitemapSchedule", "IndexQueue", RelistRequested("news")),
        ("NewslettersDueSchedule", "NewsletterQueue", NewslettersDue()),
    ],
)
def test_a_schedule_sends_an_event_that_its_stage_handles(schedule: str, queue: str, event: object) -> None:
    target = RESOURCES[schedule]["Properties"]["Target"]
    assert target["Arn"] == {"Fn::GetAtt": [queue, "Arn"]}
    assert parse_message(target["Input"]) == event


def test_a_stack_that_tells_nobody_anything_does_nothing_for_it() -> None:
    assert RESOURCES["NotifyRule"]["Properties"]["State"] == {"Fn::If": ["GivesNotice", "ENABLED", "DISABLED"]}
    [source] = RESOURCES["NotifyFunction"]["Properties"]["Events"].values()
    assert source["Properties"]["Enabled"] == {"Fn::If": ["GivesNotice", True, False]}
    assert RESOURCES["WebhookKey"]["Condition"] == "GivesNotice"


def test_only_the_notify_stage_reads_the_key_of_webhooks_and_it_reads_no_text() -> None:
    readers = [role for role, statement in statements() if {"Ref": "WebhookKey"} in resources_of(statement)]
    assert readers == ["NotifyRole"]
    read = [s["Resource"] for role, s in statements() if role == "NotifyRole" and s["Action"] == "s3:GetObject"]
    assert read == [{"Fn::Sub": "${PrivateBucket.Arn}/site.json"}]


def test_article_schedules_send_to_the_gate() -> None:
    variables = RESOURCES["GateFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["NIGHTDESK_SCHEDULE_QUEUE"] == {"Fn::GetAtt": ["GateQueue", "Arn"]}
    assert variables["NIGHTDESK_SCHEDULE_QUEUE_URL"] == {"Ref": "GateQueue"}
    assert variables["NIGHTDESK_SCHEDULE_ROLE"] == {"Fn::GetAtt": ["GateScheduleRole", "Arn"]}


def test_servers_on_this_machine_are_reached_on_the_local_cloud_only() -> None:
    names = ("NIGHTDESK_LOOPBACK_FEEDS", "NIGHTDESK_LOOPBACK_WEBHOOKS")
    found = {
        (function, name): resource["Environment"]["Variables"][name]
        for function, resource in of_type("AWS::Serverless::Function").items()
        for name in names
        if name in resource["Environment"]["Variables"]
    }
    only_locally = {"Fn::If": ["OnAws", "no", "yes"]}
    assert found == {("UpdatesFunction", names[0]): only_locally, ("NotifyFunction", names[1]): only_locally}
    variables = RESOURCES["NotifyFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["NIGHTDESK_INDEXNOW_API"]["Fn::If"] == ["OnAws", "https://api.indexnow.org/indexnow", ""]
    assert TEMPLATE["Conditions"]["OnAws"] == {"Fn::Equals": [{"Ref": "Emulated"}, "no"]}


# --- Storage ---


def test_buckets_are_private_and_versioned() -> None:
    buckets = of_type("AWS::S3::Bucket")
    assert sorted(buckets) == ["AuditBucket", "DraftsBucket", "LogsBucket", "PrivateBucket", "SiteBucket"]
    for name, bucket in buckets.items():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        # With a key of KMS, the distribution could not read, and an ETag would differ for equal bytes.
        [encryption] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert encryption == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        if name == "LogsBucket":
            continue  # CloudFront writes to it by an access control list
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


@pytest.mark.parametrize("kind", ["AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::Cognito::UserPool"])
def test_data_outlives_the_stack(kind: str) -> None:
    for name in of_type(kind):
        assert RESOURCES[name]["DeletionPolicy"] == "RetainExceptOnCreate", "a failed first deploy strands nothing"
        assert RESOURCES[name]["UpdateReplacePolicy"] == "Retain"


def test_tables_expire_items_except_the_audit_log() -> None:
    tables = of_type("AWS::DynamoDB::Table")
    assert sorted(tables) == [
        "ArticlesTable",
        "AuditTable",
        "EditionsTable",
        "MembershipsTable",
        "RequestsTable",
        "UpdatesTable",
    ]
    for name, table in tables.items():
        expected = None if name == "AuditTable" else {"AttributeName": TTL, "Enabled": True}
        assert table.get("TimeToLiveSpecification") == expected
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


# --- Edge and APIs ---


def test_pages_load_nothing_from_elsewhere_and_run_nothing_inline() -> None:
    config = RESOURCES["PageHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]
    text, variables = config["SecurityHeadersConfig"]["ContentSecurityPolicy"]["ContentSecurityPolicy"]["Fn::Sub"]
    policy = text.replace("${Pages}", "")
    # Without payments, forms cannot leave the site.
    assert variables["Pages"] == {"Fn::If": ["HasStripe", {"Fn::Sub": " ${PaymentPages}"}, ""]}
    assert text.endswith("form-action 'self'${Pages}")
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == directives["script-src"] == directives["style-src"] == "'self'"
    assert directives["frame-ancestors"] == directives["object-src"] == directives["base-uri"] == "'none'"
    assert directives["frame-src"] == "https:", "each page names the players that it may load"
    assert "unsafe" not in policy
    assert (directives["require-trusted-types-for"], directives["trusted-types"]) == ("'script'", "'none'")


def headers_of(policy: str) -> dict[str, str]:
    """Return the custom headers of a response-headers policy by name."""
    config = RESOURCES[policy]["Properties"]["ResponseHeadersPolicyConfig"]
    items = config["CustomHeadersConfig"]["Items"]
    assert all(item["Override"] for item in items)
    return {item["Header"]: item["Value"] for item in items}


def test_an_uploaded_file_is_never_a_document_of_the_site() -> None:
    """Wherever an article's, a preview's or an author's files are served, by path: other kinds of files are covered too."""
    behaviours = [*distribution_config()["CacheBehaviors"], distribution_config()["DefaultCacheBehavior"]]
    for path in ("/articles/x/chart.0a1b.svg", "/articles/x/a.pdf", "/preview/x/photo.jpg", "/authors/x/portrait.svg"):
        served = next(b for b in behaviours if fnmatch.fnmatchcase(path, b.get("PathPattern", "*")))
        assert served["ResponseHeadersPolicyId"] == {"Ref": "UploadHeaders"}, path
        assert served["AllowedMethods"] == ["GET", "HEAD"]
        assert served["FunctionAssociations"] == distribution_config()["DefaultCacheBehavior"]["FunctionAssociations"]
    for path in ("/", "/articles/x/", "/authors/x/", "/preview/x/", "/assets/site.0a1b.css", "/feed.xml"):
        served = next(b for b in behaviours if fnmatch.fnmatchcase(path, b.get("PathPattern", "*")))
        assert served["ResponseHeadersPolicyId"] == {"Ref": "PageHeaders"}, path
    security = RESOURCES["UploadHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    policy = security["ContentSecurityPolicy"]
    assert policy == {
        "ContentSecurityPolicy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "Override": True,
    }
    assert security["ContentTypeOptions"] == {"Override": True}


def test_other_sites_may_show_images_and_nothing_else() -> None:
    assert headers_of("PageHeaders")["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers_of("UploadHeaders")["Cross-Origin-Resource-Policy"] == "cross-origin", "feed readers show images"


def distribution_config() -> dict[str, Any]:
    found: dict[str, Any] = RESOURCES["Distribution"]["Properties"]["DistributionConfig"]
    return found


def test_every_page_passes_the_edge_functions() -> None:
    behaviour = distribution_config()["DefaultCacheBehavior"]
    assert behaviour["AllowedMethods"] == ["GET", "HEAD"]
    assert [function["EventType"] for function in behaviour["FunctionAssociations"]] == [
        "viewer-request",
        "viewer-response",
    ]


def test_the_api_and_previews_are_not_cached() -> None:
    behaviours = distribution_config()["CacheBehaviors"]
    previews = [behaviour for behaviour in behaviours if behaviour["PathPattern"].startswith("/preview/")]
    assert previews
    for preview in previews:
        assert preview["TargetOriginId"] == "previews"
        assert preview["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "CachingDisabled"
        assert preview["AllowedMethods"] == ["GET", "HEAD"]
        assert preview["FunctionAssociations"] == distribution_config()["DefaultCacheBehavior"]["FunctionAssociations"]
    answered = [behaviour for behaviour in behaviours if behaviour["TargetOriginId"] == "reader-api"]
    assert [behaviour["PathPattern"] for behaviour in answered] == ["/api/*", "/account/"]
    for behaviour in answered:
        assert behaviour["TargetOriginId"] == "reader-api"
        assert behaviour["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "CachingDisabled"
        assert behaviour["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac", "AllViewerExceptHostHeader"
        assert behaviour["ResponseHeadersPolicyId"] == {"Ref": "PageHeaders"}
        (function,) = behaviour["FunctionAssociations"]
        assert function["FunctionARN"] == {"Fn::GetAtt": ["ApiRequest", "FunctionARN"]}


def test_the_distribution_and_the_api_share_the_origin_key() -> None:
    (origin,) = [origin for origin in distribution_config()["Origins"] if origin["Id"] == "reader-api"]
    headers = {header["HeaderName"]: header["HeaderValue"] for header in origin["OriginCustomHeaders"]}
    variables = RESOURCES["ReaderApiFunction"]["Properties"]["Environment"]["Variables"]
    assert headers["x-origin-key"] == variables["NIGHTDESK_ORIGIN_KEY"]
    assert origin["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"


def test_the_origin_key_can_be_replaced() -> None:
    assert {"Ref": "OriginKeySerial"} in RESOURCES["OriginKey"]["Properties"]["Name"]["Fn::Join"][1]


def test_hsts_covers_other_hosts_only_if_asked_to() -> None:
    policies = of_type("AWS::CloudFront::ResponseHeadersPolicy").values()
    for policy in policies:
        found = policy["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]["StrictTransportSecurity"]
        assert found["IncludeSubdomains"] == {"Fn::If": ["CoversSubdomains", True, False]}
    assert TEMPLATE["Parameters"]["HstsSubdomains"]["Default"] == "no"


def test_access_logs_are_written_if_asked_for_and_expire() -> None:
    assert distribution_config()["Logging"]["Fn::If"][0] == "WritesAccessLogs"
    assert RESOURCES["EditorApiStage"]["Properties"]["AccessLogSettings"]["Fn::If"][0] == "WritesAccessLogs"
    [rule] = RESOURCES["LogsBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == {"Ref": "AccessLogDays"}


def test_traces_are_recorded_if_asked_for() -> None:
    assert TEMPLATE["Parameters"]["Tracing"]["Default"] == "off"
    assert TEMPLATE["Globals"]["Function"]["Tracing"] == {"Fn::If": ["Traces", "Active", "PassThrough"]}
    for name in [*STAGES, *OTHERS]:
        document = RESOURCES[f"{name}Basics"]["Properties"]["PolicyDocument"]
        assert [s["Fn::If"][0] for s in document["Statement"] if "Fn::If" in s] == ["Traces"]


def test_a_functions_variables_are_text() -> None:
    """The emulator gives a function what stands here, and a process cannot start with a number in its environment."""

    def texts(value: Any) -> bool:
        if isinstance(value, dict) and "Fn::If" in value:
            return all(texts(one) for one in value["Fn::If"][1:])
        return isinstance(value, str | dict)

    variables = [TEMPLATE["Globals"]["Function"], *of_type("AWS::Serverless::Function").values()]
    named = [pair for function in variables for pair in function["Environment"]["Variables"].items()]
    assert named
    assert [name for name, value in named if not texts(value)] == []


def test_the_stripe_emulator_is_ignored_on_aws() -> None:
    variables = RESOURCES["ReaderApiFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["NIGHTDESK_STRIPE_API"] == {"Fn::If": ["OnAws", "", {"Ref": "EmulatedStripe"}]}
    uses = re.findall(r"!Ref EmulatedStripe|\$\{EmulatedStripe\}", (ROOT / "template.yaml").read_text("utf-8"))
    assert len(uses) == 1


@pytest.mark.parametrize("name", EDGE_FUNCTIONS)
def test_edge_functions_enter_the_template_without_comments(name: str) -> None:
    code = (ROOT / "functions" / "edge" / f"{name}.js").read_text("utf-8")
    value = edge_fragment(code)["Fn::Sub"]
    assert "@@" not in value
    # Undo Fn::Sub, except for the keys.
    assert set(re.findall(r"\$\{([^!][^}]*)\}", value)) <= {"EdgeKey", "EdgeKeyTwo"}
    for placeholder, reference in KEY_REFERENCES.items():
        value = value.replace(reference, placeholder)
    lines = [line.lstrip() for line in code.splitlines(keepends=True)]
    assert value.replace("${!", "${") == "".join(line for line in lines if line and not line.startswith("//"))
    assert len(value.replace("@@EDGE_KEY", "k" * 48).encode()) < 10_000, "CloudFront accepts 10 KB"


# --- Settings and outputs ---


def test_every_function_knows_what_readers_can_do() -> None:
    """Pages of all stages depend on it: a stage that did not know would offer, lock or unlock something else."""
    shared = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    assert shared["NIGHTDESK_CAN_PAY"] == {"Fn::If": ["HasStripe", "yes", "no"]}
    assert shared["NIGHTDESK_CAN_SIGN_IN"] == {"Fn::If": ["HasMailSender", "yes", "no"]}
    own = [f["Environment"]["Variables"] for f in of_type("AWS::Serverless::Function").values()]
    assert not [names for names in own if {"NIGHTDESK_CAN_PAY", "NIGHTDESK_CAN_SIGN_IN"} & set(names)]


def test_environment_variables_are_settings() -> None:
    for function in of_type("AWS::Serverless::Function").values():
        names = {**TEMPLATE["Globals"]["Function"]["Environment"]["Variables"], **function["Environment"]["Variables"]}
        ours = {name.removeprefix("NIGHTDESK_").lower() for name in names if name.startswith("NIGHTDESK_")}
        assert ours <= {field.name for field in fields(Settings)}, json.dumps(sorted(ours))


def test_the_editors_api_knows_every_queue() -> None:
    variables = RESOURCES["EditorApiFunction"]["Properties"]["Environment"]["Variables"]
    names = [queue for queues in QUEUES.values() for queue in queues]
    expected = {
        (name.lower(), f"${{{name}Queue.QueueName}}", f"${{{name}DeadLetterQueue.QueueName}}") for name in names
    }
    url, *words = variables["NIGHTDESK_QUEUES"]["Fn::Sub"].split(" ")
    assert url == "${RenderQueue}"
    assert set(zip(words[::3], words[1::3], words[2::3], strict=True)) == expected
    assert {f"{name}{kind}QueueUrl" for name in names for kind in ("", "DeadLetter")} <= set(TEMPLATE["Outputs"])
    for sid, kind in (("CountAndSendMessages", "Queue"), ("ReceiveDeadLetters", "DeadLetterQueue")):
        [statement] = [one for role, one in statements() if role == "EditorApiRole" and one["Sid"] == sid]
        assert {json.dumps(arn) for arn in statement["Resource"]} == {
            json.dumps({"Fn::GetAtt": [f"{name}{kind}", "Arn"]}) for name in names
        }


def test_outputs_include_those_of_the_contract() -> None:
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


# --- On AWS ---


def test_names_in_global_services_differ_by_region() -> None:
    """CloudFront's functions, policies and access controls are global, so two regions' stacks of one name must not meet."""
    names = [function["Name"] for function in of_type("AWS::CloudFront::Function").values()]
    for kind, config in [
        ("OriginAccessControl", "OriginAccessControlConfig"),
        ("CachePolicy", "CachePolicyConfig"),
        ("ResponseHeadersPolicy", "ResponseHeadersPolicyConfig"),
    ]:
        names += [properties[config]["Name"] for properties in of_type(f"AWS::CloudFront::{kind}").values()]
    assert len(names) >= 6
    for name in names:
        assert "${AWS::StackName}-${AWS::Region}-" in name["Fn::Sub"]


def error_responses() -> list[dict[str, Any]]:
    """Return what the distribution does with errors of its origins on AWS."""
    return [part.get("Fn::If", [None, part])[1] for part in distribution_config()["CustomErrorResponses"]]


def test_errors_of_the_api_are_not_cached() -> None:
    """CloudFront caches a 5xx for ten seconds by default, and the API's cache key has neither cookie nor query."""
    responses = error_responses()
    uncached = {part["ErrorCode"] for part in responses if part["ErrorCachingMinTTL"] == 0}
    assert uncached >= {403, 404, 500, 502, 503, 504}


def test_a_missing_page_is_a_404_and_a_fault_stays_a_403() -> None:
    """S3 answers 404 to those only who may list the bucket. A 403 is a wrong origin key or permission, and must show."""
    pages = [part["ErrorCode"] for part in error_responses() if "ResponsePagePath" in part]
    assert pages == [404]
    for name in ("PrivateBucket", "SiteBucket"):
        document = RESOURCES[f"{name}Policy"]["Properties"]["PolicyDocument"]
        [found] = [s for s in document["Statement"] if s.get("Sid") == "TellWhatIsMissing"]
        assert (found["Action"], found["Resource"]) == ("s3:ListBucket", {"Fn::GetAtt": [name, "Arn"]})
        assert found["Principal"] == {"Service": "cloudfront.amazonaws.com"}
        assert "aws:SourceArn" in json.dumps(found["Condition"])


def test_a_firewall_is_refused_where_aws_has_none() -> None:
    rule = TEMPLATE["Rules"]["FirewallIsInVirginia"]
    assert rule["Assertions"][0]["Assert"] == {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}
    assert distribution_config()["WebACLId"]["Fn::If"][0] == "HasWebAcl"
    rules = RESOURCES["Firewall"]["Properties"]["Rules"]
    assert [rule["Priority"] for rule in rules] == list(range(len(rules)))
    for rule in rules:
        [choice] = [rule[key] for key in ("Action", "OverrideAction") if key in rule]
        assert choice["Fn::If"][0] == "Blocks", "the first step only counts"
        assert choice["Fn::If"][2] == {"Count": {}}


def test_concurrency_is_within_what_an_account_has() -> None:
    functions = of_type("AWS::Serverless::Function")
    sources = [e["Properties"] for f in functions.values() for e in f.get("Events", {}).values() if e["Type"] == "SQS"]
    largest = [s["ScalingConfig"]["MaximumConcurrency"] for s in sources]
    assert all(most == 2 or (most["Fn::If"][0] == "FewRuns" and most["Fn::If"][1] == 2) for most in largest), (
        "AWS's least is 2"
    )
    stages = sum(most if isinstance(most, int) else most["Fn::If"][2] for most in largest)
    reserved = [f["ReservedConcurrentExecutions"] for f in functions.values() if "ReservedConcurrentExecutions" in f]
    assert all(part["Fn::If"][0] == "ReservesRuns" for part in reserved), (
        "an account with a quota of ten can reserve none"
    )
    # Lambda keeps 100 unreserved; docs and the parameter's description say 500.
    assert sum(part["Fn::If"][1] for part in reserved) + max(100, stages) <= 500


def test_the_canary_runs_if_asked_for_and_touches_its_articles_alone() -> None:
    schedule = RESOURCES["CanarySchedule"]["Properties"]
    assert TEMPLATE["Parameters"]["Canary"]["Default"] == "off"
    assert schedule["State"] == {"Fn::If": ["RunsCanary", "ENABLED", "DISABLED"]}
    assert TEMPLATE["Conditions"]["RunsCanary"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "Canary"}, "off"]}]}
    assert RESOURCES["CanaryFunction"]["Properties"]["EventInvokeConfig"] == {"MaximumRetryAttempts": 0}
    assert RESOURCES["CanaryErrorsAlarm"]["Properties"]["DatapointsToAlarm"] == 1, "it runs once an hour at most"
    (trust,) = RESOURCES["CanaryScheduleRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    written = [
        resource["Fn::Sub"].partition(".Arn}/")[2]
        for role, statement in statements()
        if role == "CanaryRole" and {"s3:PutObject", "s3:DeleteObject"} & set(as_list(statement["Action"]))
        for resource in as_list(statement["Resource"])
    ]
    # The text of a withdrawn article is marked by its digest, and so is the proof of an approval, which `editorial/` names.
    others = [key for key in written if "smoke-test-" not in key]
    assert others == ["editorial/texts/*", "approved/*", "audit/*"]


def test_economy_stops_feeds_mail_and_indexing_and_nothing_that_publishes() -> None:
    stopped = {
        name
        for name, schedule in of_type("AWS::Scheduler::Schedule").items()
        if schedule.get("State") == {"Fn::If": ["Saves", "DISABLED", "ENABLED"]}
    }
    assert stopped == {"TickerDueSchedule", "SearchDueSchedule", "NewslettersDueSchedule"}
    held = [
        source
        for function in of_type("AWS::Serverless::Function").values()
        for source, event in function.get("Events", {}).items()
        if event["Properties"].get("Enabled") == {"Fn::If": ["Saves", False, True]}
    ]
    assert held == ["Mailer"]
    # `EditorService.rebuild` refuses, in the API and at the command line.
    variables = RESOURCES["EditorApiFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["NIGHTDESK_ECONOMY"] == TEMPLATE["Outputs"]["Economy"]["Value"] == {"Ref": "Economy"}


def test_old_layers_are_deleted_and_protection_is_asked_for() -> None:
    layers = of_type("AWS::Serverless::LayerVersion")
    assert {layer["RetentionPolicy"] for layer in layers.values()} == {"Delete"}
    for table in of_type("AWS::DynamoDB::Table").values():
        assert table["DeletionProtectionEnabled"] == {"Fn::If": ["IsProtected", True, False]}
    assert RESOURCES["Editors"]["Properties"]["DeletionProtection"] == {"Fn::If": ["IsProtected", "ACTIVE", "INACTIVE"]}


def test_a_stack_can_adopt_data_that_is_there() -> None:
    for name in ("Drafts", "Private", "Site"):
        found = RESOURCES[f"{name}Bucket"]["Properties"]["BucketName"]
        assert found == {"Fn::If": [f"Names{name}", {"Ref": f"{name}BucketName"}, {"Ref": "AWS::NoValue"}]}
    for name, table in of_type("AWS::DynamoDB::Table").items():
        expected = {"Fn::Sub": "${TablePrefix}-" + name.removesuffix("Table")}
        assert table["TableName"] == {"Fn::If": ["NamesTables", expected, {"Ref": "AWS::NoValue"}]}
    pool = {"Fn::If": ["MakesPool", {"Ref": "Editors"}, {"Ref": "EditorsPool"}]}
    assert TEMPLATE["Outputs"]["EditorsPool"]["Value"] == RESOURCES["EditorsClient"]["Properties"]["UserPoolId"] == pool
    for name in ("Editors", "Writer", "Editor", "Admin"):
        assert RESOURCES[name]["Condition"] == "MakesPool"


def test_people_sign_in_with_a_client_of_their_own_that_the_api_accepts() -> None:
    client = RESOURCES["EditorsSignIn"]["Properties"]
    assert client["CallbackURLs"] == [callback(port) for port in CALLBACK_PORTS]
    assert (client["AllowedOAuthFlows"], client["GenerateSecret"]) == (["code"], False)
    on_aws = {"Fn::If": ["OnAws", 15, 60]}
    for name in ("EditorsClient", "EditorsSignIn"):
        found = RESOURCES[name]["Properties"]
        assert found["TokenValidityUnits"]["IdToken"] == "minutes"
        assert found["WriteAttributes"] == ["locale"], "nobody gives themselves the name by which approvals are signed"
        assert found["IdTokenValidity"] in (15, on_aws), "the API knows of a lost role when the token ends"
    accepted = RESOURCES["EditorApiAuthorizer"]["Properties"]["JwtConfiguration"]["Audience"]
    assert accepted == [{"Ref": "EditorsClient"}, {"Ref": "EditorsSignIn"}]
    assert RESOURCES["EditorsSignInDomain"]["Condition"] == "MakesSignIn"


def test_backups_hold_everything_that_cannot_be_made_again() -> None:
    copied = {
        arn["Fn::GetAtt"][0] for arn in RESOURCES["BackupSelection"]["Properties"]["BackupSelection"]["Resources"]
    }
    stores = {*of_type("AWS::S3::Bucket"), *of_type("AWS::DynamoDB::Table")}
    # Pages are made again; requests are of the last days; the log copies cannot be deleted; access logs expire.
    assert copied == stores - {"SiteBucket", "RequestsTable", "AuditBucket", "LogsBucket"} == set(BACKED_UP)


def test_a_domain_without_a_certificate_is_refused_before_the_deploy() -> None:
    rule = TEMPLATE["Rules"]["DomainHasCertificate"]
    assert rule["RuleCondition"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "SiteDomain"}, ""]}]}
    assert rule["Assertions"][0]["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "CertificateArn"}, ""]}]}


@pytest.mark.parametrize(
    ("parameter", "right", "wrong"),
    [
        ("SiteDomain", ["", "news.example", "xn--mnchen-3ya.example"], ["https://news.example", "news.example/", "News.example"]),
        (
            "CertificateArn",
            ["", "arn:aws:acm:us-east-1:123456789012:certificate/0a1b-2c"],
            ["arn:aws:acm:eu-central-1:123456789012:certificate/0a1b-2c", "0a1b-2c"],
        ),
        ("MailSender", ["", "desk@news.example"], ["The Quay <desk@news.example>", "news.example", "a@b.example, c@d.example"]),
        ("AlarmEmail", ["", "desk@news.example"], ["desk", "desk@news.example "]),
    ],
)  # fmt: skip
def test_a_parameter_that_aws_would_refuse_late_is_refused_at_once(
    parameter: str, right: list[str], wrong: list[str]
) -> None:
    """CloudFormation compares the whole value."""
    pattern = TEMPLATE["Parameters"][parameter]["AllowedPattern"]
    assert [value for value in right if not re.fullmatch(pattern, value)] == []
    assert [value for value in wrong if re.fullmatch(pattern, value)] == []


def test_a_budget_that_would_warn_nobody_is_refused() -> None:
    rule = TEMPLATE["Rules"]["BudgetHasReader"]
    named = {part["Fn::Equals"][0]["Ref"] for part in rule["RuleCondition"]["Fn::Not"][0]["Fn::And"]}
    budgets = [RESOURCES[name]["Condition"] for name in of_type("AWS::Budgets::Budget")]
    assert {f"Has{name}" for name in named} == set(budgets)
    assert rule["Assertions"][0]["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmEmail"}, ""]}]}


def test_mail_is_sent_from_one_address_to_any_recipient() -> None:
    """In its sandbox SES authorizes the recipient's identity as well, if the account has verified it."""
    statements = RESOURCES["ReaderApiRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    [send] = [s["Fn::If"][1] for s in statements if "Fn::If" in s and s["Fn::If"][1].get("Sid") == "SendMail"]
    assert send["Resource"]["Fn::Sub"].endswith(":identity/*")
    assert send["Condition"] == {"StringEquals": {"ses:FromAddress": {"Ref": "MailSender"}}}


def test_a_message_stays_hidden_for_six_attempts_and_the_batching_window() -> None:
    default = TEMPLATE["Parameters"]["RetryAfterSeconds"]["Default"]
    timeout = TEMPLATE["Globals"]["Function"]["Timeout"]
    windows = [
        event["Properties"].get("MaximumBatchingWindowInSeconds", 0)
        for function in of_type("AWS::Serverless::Function").values()
        for event in function.get("Events", {}).values()
        if event["Type"] == "SQS"
    ]
    assert default >= 6 * timeout + max(windows)


def test_a_stage_that_sends_to_itself_is_not_stopped_as_a_loop() -> None:
    roles = of_type("AWS::IAM::Role")
    looping = []
    for stage, queues in QUEUES.items():
        for policy in roles[f"{stage}Role"]["Policies"]:
            for statement in statements_of(policy):
                targets = [{"Fn::GetAtt": [f"{queue}Queue", "Arn"]} for queue in queues]
                if "sqs:SendMessage" in as_list(statement["Action"]) and statement["Resource"] in targets:
                    looping.append(stage)
    assert looping == ["Gate", "Updates"]
    for stage in looping:
        assert RESOURCES[f"{stage}Function"]["Properties"]["RecursiveLoop"] == "Allow"


def test_every_runtime_that_can_build_the_layers_is_accepted() -> None:
    accepted = TEMPLATE["Parameters"]["PythonVersion"]["AllowedValues"]
    assert set(accepted) == {"3.11", "3.12", "3.13", "3.14"}


@pytest.mark.parametrize(
    ("arguments", "architecture", "region"),
    [
        ([], "x86_64", ""),
        (["PARAMETERS=Architecture=arm64 PriceClass=PriceClass_All", "REGION=eu-south-2"], "arm64", "eu-south-2"),
        (["ARGS=--guided --region eu-north-1"], "x86_64", "eu-north-1"),
        (["ARGS=--region=eu-north-1"], "x86_64", "eu-north-1"),
    ],
)
def test_a_deploy_builds_and_rebuilds_where_it_deploys(arguments: list[str], architecture: str, region: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MAKE"))}
    show = "show-region: ; @echo region=$$AWS_DEFAULT_REGION"
    done = subprocess.run(
        ["make", "--no-print-directory", "--eval", show, "show-region", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == f"region={region}"
    plan = subprocess.run(
        ["make", "-n", "deploy", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert f"layers --lambda-on {architecture}\n" in plan
    assert ("Architecture=arm64" in plan) == (architecture == "arm64")
