"""Nightdesk: from a Markdown draft in a bucket to a gated page on a CDN.

`domain` is pure; `usecases` has one module per verb and speaks to the world through `ports`; `adapters` are
those ports on AWS, in memory and in folders; `rendering` turns views into pages.
"""
