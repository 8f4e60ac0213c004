"""The routes, a module for each area."""

from . import articles, audit, drafts, links, members, newsletters, pipeline, updates

ROUTES = (
    *articles.ROUTES,
    *links.ROUTES,
    *drafts.ROUTES,
    *updates.ROUTES,
    *members.ROUTES,
    *newsletters.ROUTES,
    *pipeline.ROUTES,
    *audit.ROUTES,
)
