"""The routes, a module for each area."""

from . import articles, audit, drafts, links, members, pipeline, updates

ROUTES = (
    *articles.ROUTES,
    *links.ROUTES,
    *drafts.ROUTES,
    *updates.ROUTES,
    *members.ROUTES,
    *pipeline.ROUTES,
    *audit.ROUTES,
)
