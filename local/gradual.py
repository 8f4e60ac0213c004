"""Writes the template with an alias for each function, so that new code takes over step by step, and back on an alarm.

SAM takes an alias's name as a text only, so no condition in `template.yaml` can switch it: `make deploy GRADUAL=yes` deploys
what this module writes instead. A version of a function holds its code, its layers and its settings together, so a message is
never processed by new code with an old layer. Queues, the Function URL, the editors' API and the canary's schedule
invoke the alias, and so does the readers' API where it invokes itself.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

_ALARMS = (
    "RenderErrors",
    "GateErrors",
    "IndexErrors",
    "UpdatesErrors",
    "InvalidateErrors",
    "ReaderApiErrors",
    "EditorApiErrors",
)
_PROPERTIES = f"""      AutoPublishAlias: live
      AutoPublishAliasAllProperties: true
      DeploymentPreference:
        Type: Canary10Percent15Minutes
        Alarms: [{", ".join(f"!Ref {alarm}Alarm" for alarm in _ALARMS)}]
"""
_FUNCTION = re.compile(r"^      CodeUri: build/functions/\w+/\n", re.MULTILINE)
_INVOKED = {
    "IntegrationUri: !GetAtt EditorApiFunction.Arn": "IntegrationUri: !Ref EditorApiFunctionAliaslive",
    "FunctionName: !Ref EditorApiFunction\n": "FunctionName: !Ref EditorApiFunctionAliaslive\n",
    "Target: {Arn: !GetAtt CanaryFunction.Arn": "Target: {Arn: !Ref CanaryFunctionAliaslive",
    "Action: lambda:InvokeFunction, Resource: !GetAtt CanaryFunction.Arn": "Action: lambda:InvokeFunction, Resource: !Ref CanaryFunctionAliaslive",
    "NIGHTDESK_JOBS_FUNCTION: !Sub ${AWS::StackName}-reader-api": "NIGHTDESK_JOBS_FUNCTION: !Sub ${AWS::StackName}-reader-api:live",
}
"""Who invokes a function by its name, and how its alias is invoked instead. SAM makes the alias of the name and `live`."""


def with_aliases(template: str) -> str:
    """Return the text of a template in which each function has an alias, and is invoked through it.

    Raises:
        ValueError: the template invokes a function in another way than this module knows.
    """
    for by_name, by_alias in _INVOKED.items():
        if template.count(by_name) != 1:
            raise ValueError(f"the template should have “{by_name.strip()}” once")
        template = template.replace(by_name, by_alias)
    return _FUNCTION.sub(lambda found: found[0] + _PROPERTIES, template)


def main() -> None:
    """Write the template named by the first argument to the second."""
    source, target = map(Path, sys.argv[1:])
    target.write_text(with_aliases(source.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
