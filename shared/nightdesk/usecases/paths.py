"""Paths that readers ask for, and the keys that they are served from."""


def key_of(path: str) -> str:
    """The key in the site bucket that a path is served from."""
    return path[1:] + ("index.html" if path.endswith("/") else "")


def path_of(key: str) -> str:
    """The path that readers ask for to get an object."""
    return "/" + (key.removesuffix("index.html") if key == "index.html" or key.endswith("/index.html") else key)
