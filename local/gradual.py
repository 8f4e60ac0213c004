"""Writes the template with an alias for each stage's function, so that new code takes over step by step, and back on an alarm.

SAM takes an alias's name as a text only, so no condition in `template.yaml` can switch it: `make deploy GRADUAL=yes` deploys
what this module writes instead. A version of a function holds its code, its layers and its settings together, so a message is
never processed by new code with an old layer. The readers' API stays without: it invokes itself by its name.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

_ALARMS = ("RenderErrors", "GateErrors", "IndexErrors", "UpdatesErrors", "InvalidateErrors")
_PROPERTIES = f"""      AutoPublishAlias: live
      AutoPublishAliasAllProperties: true
      DeploymentPreference:
        Type: Canary10Percent15Minutes
        Alarms: [{", ".join(f"!Ref {alarm}Alarm" for alarm in _ALARMS)}]
"""
_STAGE = re.compile(r"^      CodeUri: build/functions/(?!reader_api/|editor_api/)\w+/\n", re.MULTILINE)


def with_aliases(template: str) -> str:
    """Return the text of a template in which each stage's function has an alias, which its queues invoke."""
    return _STAGE.sub(lambda found: found[0] + _PROPERTIES, template)


def main() -> None:
    """Write the template named by the first argument to the second."""
    source, target = map(Path, sys.argv[1:])
    target.write_text(with_aliases(source.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
