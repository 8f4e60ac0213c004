"""What a function is told by its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """The stack's names. A function gets those that it may use; the others are empty."""

    model_config = ConfigDict(frozen=True)

    drafts_bucket: str = ""
    work_bucket: str = ""
    site_bucket: str = ""
    articles_table: str = ""
    memberships_table: str = ""
    updates_table: str = ""
    bus: str = ""
    distribution_id: str = ""
    alarm_group: str = ""
    alarm_queue: str = ""
    alarm_role: str = ""
    base_url: str = ""
    theme_dir: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Settings from variables named `NIGHTDESK_…`."""
        prefix = "NIGHTDESK_"
        return cls(**{k.removeprefix(prefix).lower(): v for k, v in environment.items() if k.startswith(prefix)})
