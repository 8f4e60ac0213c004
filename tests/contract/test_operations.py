"""Alarms, their runbook, and what else tells a newsroom at night that something is wrong."""

from __future__ import annotations

import fnmatch
import json
import re
import shlex
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from nightdesk_cli.main import COMMANDS as commands
from nightdesk_cli.main import build_parser
from support.template import expanded_template

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = expanded_template()
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
MANUAL = (ROOT / "docs/operations.md").read_text("utf-8")


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of all resources of a type, by logical id."""
    return {name: resource["Properties"] for name, resource in RESOURCES.items() if resource["Type"] == kind}


ALARMS = of_type("AWS::CloudWatch::Alarm")
QUEUES = [name.removesuffix("DeadLetterQueue") for name in RESOURCES if name.endswith("DeadLetterQueue")]
FUNCTIONS = [name.removesuffix("Function") for name in of_type("AWS::Serverless::Function")]
EDGE = list(of_type("AWS::CloudFront::Function"))
MANY = {"QUEUE": QUEUES, "FUNCTION": FUNCTIONS, "EDGE": EDGE}
"""What begins the names of alarms that there are many of; docs/operations.md has one section for all of them."""


def documented() -> list[str]:
    """Return the names of the alarms that the manual has a section for."""
    found = []
    for heading in re.findall(r"^### `(\w+)`$", MANUAL, re.MULTILINE):
        kind = next((word for word in MANY if heading.startswith(word)), "")
        found += [name + heading.removeprefix(kind) for name in MANY[kind]] if kind else [heading]
    return found


def test_each_alarm_has_a_section_and_each_section_an_alarm() -> None:
    assert sorted(documented()) == sorted(ALARMS)


def test_each_section_names_a_command() -> None:
    sections = re.split(r"^### ", MANUAL, flags=re.MULTILINE)[1:]
    assert [
        s.splitlines()[0] for s in sections if not re.search(r"`(nightdesk|aws) [a-z]", s.partition("\n## ")[0])
    ] == []


GUIDES = ("docs/aws.md", "docs/operations.md", "docs/newsletter.md", "docs/notices.md")
COMMANDS = sorted(
    {
        command.strip()
        for page in GUIDES
        for command in re.findall(
            r"(?:`|^ {4}|\.venv/bin/)nightdesk ([a-z][^`\n#]*)", (ROOT / page).read_text("utf-8"), re.MULTILINE
        )
    }
)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_line_understands_each_command_of_the_guides(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = shlex.split(command)
    assert words[0] in commands
    try:
        build_parser(words[:1]).parse_args(words)
    except SystemExit:
        assert "the following arguments are required" in capsys.readouterr().err, "a sentence may name it without them"


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_notifies_someone_and_says_what_is_wrong(name: str) -> None:
    alarm = ALARMS[name]
    assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]
    assert alarm["AlarmDescription"]
    assert alarm["TreatMissingData"] == ("breaching" if name == "NoReconcileAlarm" else "notBreaching")
    assert alarm.get("DatapointsToAlarm", 1) <= alarm["EvaluationPeriods"]
    # PutMetricAlarm: a day at most for periods below an hour, else seven days.
    span = alarm.get("Period", 300) * alarm["EvaluationPeriods"]
    assert span <= (604_800 if alarm.get("Period", 300) >= 3600 else 86_400)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_alarm_rings_before_a_function_times_out(function: str) -> None:
    properties = RESOURCES[f"{function}Function"]["Properties"]
    timeout = properties.get("Timeout", TEMPLATE["Globals"]["Function"]["Timeout"]) * 1000
    assert 0.75 * timeout <= ALARMS[f"{function}DurationAlarm"]["Threshold"] < timeout
    for kind in ("Errors", "Throttles", "Duration"):
        alarm = ALARMS[f"{function}{kind}Alarm"]
        [dimension] = alarm["Dimensions"]
        text, variables = dimension["Value"]["Fn::Sub"]
        named = text.replace("${Name}", variables["Name"])
        assert (dimension["Name"], {"Fn::Sub": named}) == ("FunctionName", properties["FunctionName"])
        assert alarm["MetricName"] == kind


@pytest.mark.parametrize("queue", QUEUES)
def test_an_alarm_rings_when_a_message_is_old_but_not_while_one_is_processed(queue: str) -> None:
    alarm = ALARMS[f"{queue}AgeAlarm"]
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": [f"{queue}Queue", "QueueName"]}}]
    visibility = RESOURCES[f"{queue}Queue"]["Properties"]["VisibilityTimeout"]
    default = TEMPLATE["Parameters"]["RetryAfterSeconds"]["Default"]
    assert alarm["Threshold"] > (visibility if isinstance(visibility, int) else default)


def test_metrics_of_an_alarm_are_written_by_that_stage() -> None:
    written = {
        stage: (ROOT / f"functions/{stage}/handler.py").read_text("utf-8")
        for stage in ("render", "gate", "index", "reconcile")
    }
    assert '"Differences"' in written["reconcile"]
    assert '"EmbargoSeconds"' in written["gate"]
    assert all("is_measured=True" in written[stage] for stage in ("render", "gate", "index"))
    namespace = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]["POWERTOOLS_METRICS_NAMESPACE"]
    assert namespace == {"Fn::Sub": "Nightdesk/${AWS::StackName}"}, "another stack's metrics are not ours"
    ours = {"NoReconcileAlarm": "reconcile", "EmbargoLateAlarm": "gate"}
    for name, service in ours.items():
        assert ALARMS[name]["Namespace"] == namespace
        assert ALARMS[name]["Dimensions"] == [{"Name": "service", "Value": service}]
    queried = [metric for metric in ALARMS["SlowPublishingAlarm"]["Metrics"] if "MetricStat" in metric]
    assert [m["MetricStat"]["Metric"]["Dimensions"][0]["Value"] for m in queried] == ["render", "gate", "index"]


def test_schedules_and_failed_mail_are_not_lost() -> None:
    schedules = of_type("AWS::Scheduler::Schedule")
    assert "DeadLetterConfig" not in schedules.pop("CanarySchedule")["Target"], "a missed test is not made up for"
    for name, schedule in schedules.items():
        queue = schedule["Target"]["Arn"]["Fn::GetAtt"][0]
        parked = queue.replace("Queue", "DeadLetterQueue")
        assert schedule["Target"]["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": [parked, "Arn"]}}, name
        assert schedule["GroupName"] == {"Fn::If": ["OnAws", {"Ref": "ScheduleGroup"}, "default"]}
    variables = RESOURCES["GateFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["NIGHTDESK_SCHEDULE_DEAD_LETTERS"] == {"Fn::GetAtt": ["GateDeadLetterQueue", "Arn"]}
    failure = RESOURCES["ReaderApiFunction"]["Properties"]["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]
    assert failure == {"Type": "SQS", "Destination": {"Fn::GetAtt": ["UnsentMail", "Arn"]}}
    assert RESOURCES["UnsentMail"]["Properties"]["MessageRetentionPeriod"] <= 86_400, "it names readers"


def test_the_dashboard_is_json() -> None:
    body = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    widgets = json.loads(re.sub(r"\$\{[\w:]+\}", "x", body))["widgets"]
    assert len(widgets) >= 6
    assert set(re.findall(r"\$\{([\w:]+)\}", body)) == {"AWS::Region", "AWS::StackName", "Distribution"}


def test_log_queries_read_every_function() -> None:
    queries = of_type("AWS::Logs::QueryDefinition")
    assert {name.removesuffix("LogQuery") for name in queries} == set(TEMPLATE["Mappings"]["LogQueries"])
    for name, query in queries.items():
        assert f"`{name.removesuffix('LogQuery')}`" in MANUAL
        assert query["QueryString"]
        assert {group["Ref"] for group in query["LogGroupNames"]} == {f"{function}Logs" for function in FUNCTIONS}
    assert TEMPLATE["Globals"]["Function"]["LoggingConfig"]["SystemLogLevel"] == "INFO", "Lambda's reports are kept"


def test_seconds_count_from_when_the_oldest_message_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = import_module("nightdesk.entrypoints.queue_worker")
    monkeypatch.setattr(worker.time, "time", lambda: 1_000.0)
    records = [{"attributes": {"SentTimestamp": text}} for text in ("990500", "999000")]
    assert worker._longest_seconds(records) == 9.5
    assert worker._longest_seconds([{"attributes": {"SentTimestamp": "1000400"}}]) == 0.0, (
        "SQS's clock is ahead of ours"
    )


def test_outcomes_of_signing_in_and_paying_are_counted_in_lines_that_the_api_writes() -> None:
    metrics = of_type("AWS::Logs::MetricFilter")
    assert {name.removesuffix("Metric") for name in metrics} == set(TEMPLATE["Mappings"]["Outcomes"])
    routes = {f"{route.method} {route.path}" for route in import_module("functions.reader_api.routes").ROUTES}
    serve = (ROOT / "functions/reader_api/serve.py").read_text("utf-8")
    assert 'logger.info("answered", extra={"route": name, "status": response.status})' in serve
    body = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    for name, metric in metrics.items():
        assert metric["LogGroupName"] == {"Ref": "ReaderApiLogs"}
        pattern = metric["FilterPattern"]
        assert '$.message = "answered"' in pattern
        named = re.findall(r'\$\.route = "([^"]+)"', pattern)
        assert named
        for route in named:
            assert any(fnmatch.fnmatch(known, route) for known in routes), route
        assert f'"{name.removesuffix("Metric")}"' in body
