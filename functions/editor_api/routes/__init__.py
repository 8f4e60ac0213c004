"""The routes, a module for each area."""

from . import articles, audit, drafts, links, members, pipeline

ROUTES = (
    *articles.ROUTES,
    *links.ROUTES,
    *drafts.ROUTES,
    *members.ROUTES,
    *pipeline.ROUTES,
    *audit.ROUTES,
)
