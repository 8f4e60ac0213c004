"""The nightdesk command."""
