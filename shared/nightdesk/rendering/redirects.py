"""What is stored at an address that leads to another one."""

from __future__ import annotations

from markupsafe import Markup

_PAGE = Markup(
    '<!doctype html>\n<meta charset="utf-8">\n<title>{0}</title>\n<link rel="canonical" href="{0}">\n'
    '<meta http-equiv="refresh" content="0; url={0}">\n<a href="{0}">{0}</a>\n'
)


def redirect_html(location: str) -> bytes:
    """Return a page that leads to another one, for a server that knows nothing of the redirects in the metadata."""
    return _PAGE.format(location).encode()
