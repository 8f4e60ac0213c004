"""Embeds: what may stand in an article of other sites, such as a video, a chart or a post, and where its player is.

Everything here follows from a link. A link is known by the exact name of its host and the form of its path; the address of the player
is made of parts that were checked one by one, never of what somebody typed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import parse_qs, quote, urlsplit

from nightdesk.domain.text import single_spaced

VIDEO, AUDIO, CHART, POST = "video", "audio", "chart", "post"
"""Kinds of embeds, which decide about their shape."""
_ADDRESS = re.compile(r"(?:https?:)?//([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)(/[!#-;=?-\[\]_a-z~]*)?")
"""A host without user, password and port, and a path with its query. `^`, backslash and whatever HTML or a header could misread are missing."""
_NO_TITLES = frozenset(("youtube video player", "vimeo-player", "video player", "iframe", "embed", "player"))


class Embed(NamedTuple):
    """An embed.

    Attributes:
        provider: its name, as readers know it.
        kind: one of `VIDEO`, `AUDIO`, `CHART` and `POST`.
        link: the https address at which it can be seen.
        listed_as: what `embeds` in `site.yaml` must list so that its player can be loaded; empty if it has none.
        player: the https address of its player; empty if it has none.
    """

    provider: str
    kind: str
    link: str
    listed_as: str = ""
    player: str = ""

    @property
    def origin(self) -> str:
        """The origin of its player, as a content security policy names it."""
        return f"https://{urlsplit(self.player).netloc}" if self.player else ""


class _Address(NamedTuple):
    host: str
    path: str
    query: dict[str, list[str]]

    def value(self, *names: str) -> str:
        """Return the first value of the first of several parameters that has one."""
        return next((self.query[name][0] for name in names if self.query.get(name)), "")


def embed_of(address: str) -> Embed | None:
    """Return what an address shows; None for anything that is not known.

    >>> embed_of("https://youtu.be/dQw4w9WgXcQ").player
    'https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ'
    >>> embed_of("https://youtube.com.evil.example/watch?v=dQw4w9WgXcQ")
    """
    found = _ADDRESS.fullmatch(address.strip())
    if not found or len(address) > 1000:
        return None
    host = found[1].lower()
    try:
        parts = urlsplit(found[2] or "/")
        read = _Address(host, parts.path, parse_qs(parts.query, max_num_fields=20))
    except ValueError:
        return None
    reader = _HOSTS.get(host) or _HOSTS.get(host.removeprefix("www."))
    return reader(read) if reader else _fediverse(read)


def title_of(typed: str) -> str:
    """Return the title of an embed as markup gives it; empty if it only says what kind of thing it is."""
    title = single_spaced(typed)[:300]
    return "" if title.lower() in _NO_TITLES else title


def _youtube(read: _Address) -> Embed | None:
    found = re.fullmatch(r"/(?:embed|shorts|live|v)/([A-Za-z0-9_-]{11})/?", read.path)
    short = re.fullmatch(r"/([A-Za-z0-9_-]{11})/?", read.path) if read.host == "youtu.be" else None
    typed = found[1] if found else short[1] if short else read.value("v") if read.path == "/watch" else ""
    if typed == "videoseries" or read.path == "/playlist":
        return _youtube_list(read.value("list"))
    if typed == "live_stream" or not re.fullmatch(r"[A-Za-z0-9_-]{11}", typed):
        return None
    start = _seconds(read.value("start", "t"))
    after, at = (f"&t={start}s", f"?start={start}") if start else ("", "")
    link = f"https://www.youtube.com/watch?v={typed}{after}"
    return Embed("YouTube", VIDEO, link, "youtube.com", f"https://www.youtube-nocookie.com/embed/{typed}{at}")


def _youtube_list(typed: str) -> Embed | None:
    if not re.fullmatch(r"[A-Za-z0-9_-]{12,50}", typed):
        return None
    player = f"https://www.youtube-nocookie.com/embed/videoseries?list={typed}"
    return Embed("YouTube", VIDEO, f"https://www.youtube.com/playlist?list={typed}", "youtube.com", player)


def _seconds(typed: str) -> int:
    """Return a moment in a video, such as `90`, `90s` or `1h1m30s`, in seconds; 0 for none."""
    found = re.fullmatch(r"(?:(\d{1,2})h)?(?:(\d{1,3})m)?(?:(\d{1,6})s?)?", typed)
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    return hours * 3600 + minutes * 60 + seconds


def _vimeo(read: _Address) -> Embed | None:
    found = re.fullmatch(r"/(?:video/)?(\d{5,12})(?:/([0-9a-f]{6,20}))?/?", read.path)
    if not found:
        return None
    hidden = found[2] or read.value("h")
    hidden = hidden if re.fullmatch(r"[0-9a-f]{6,20}", hidden) else ""
    link = f"https://vimeo.com/{found[1]}{f'/{hidden}' if hidden else ''}"
    player = f"https://player.vimeo.com/video/{found[1]}?{f'h={hidden}&' if hidden else ''}dnt=1"
    return Embed("Vimeo", VIDEO, link, "vimeo.com", player)


def _datawrapper(read: _Address) -> Embed | None:
    found = re.fullmatch(r"/(?:_/)?([A-Za-z0-9]{5})(?:/\d{1,4})?/?", read.path)
    if not found or (read.host != "datawrapper.dwcdn.net" and not read.path.startswith("/_/")):
        return None
    link, player = f"https://www.datawrapper.de/_/{found[1]}/", f"https://datawrapper.dwcdn.net/{found[1]}/"
    return Embed("Datawrapper", CHART, link, "datawrapper.de", player)


def _flourish(read: _Address) -> Embed | None:
    found = re.fullmatch(r"/(visualisation|story)/(\d{1,10})(?:/embed)?/?", read.path)
    if not found:
        return None
    link = f"https://public.flourish.studio/{found[1]}/{found[2]}/"
    return Embed("Flourish", CHART, link, "flourish.studio", f"https://flo.uri.sh/{found[1]}/{found[2]}/embed")


def _soundcloud(read: _Address) -> Embed | None:
    if read.host == "w.soundcloud.com":
        track = re.fullmatch(r"https://api\.soundcloud\.com/(tracks|playlists)/(\d{1,12})", read.value("url"))
        inner = _ADDRESS.fullmatch(read.value("url"))
        if not track:
            is_page = inner and inner[1].lower() in ("soundcloud.com", "www.soundcloud.com")
            return _soundcloud(_Address("soundcloud.com", inner[2] or "", {})) if inner and is_page else None
        player = f"https://w.soundcloud.com/player/?url={quote(track[0], safe='')}"
        return Embed("SoundCloud", AUDIO, player, "soundcloud.com", player)
    if not re.fullmatch(r"/[a-z0-9_-]{2,60}/(?:sets/)?[a-z0-9_-]{1,120}/?", read.path):
        return None
    link = f"https://soundcloud.com{read.path.rstrip('/')}"
    player = f"https://w.soundcloud.com/player/?url={quote(link, safe='')}"
    return Embed("SoundCloud", AUDIO, link, "soundcloud.com", player)


def _spotify(read: _Address) -> Embed | None:
    kinds = "track|album|playlist|episode|show|artist"
    found = re.fullmatch(rf"/(?:embed/)?(?:intl-[a-z]{{2}}/)?({kinds})/([A-Za-z0-9]{{22}})/?", read.path)
    if not found:
        return None
    path = f"{found[1]}/{found[2]}"
    link, player = f"https://open.spotify.com/{path}", f"https://open.spotify.com/embed/{path}"
    return Embed("Spotify", AUDIO, link, "spotify.com", player)


def _post(provider: str, form: str, site: str) -> Callable[[_Address], Embed | None]:
    """Return a reader of the links to posts, of which no player is loaded."""

    def read_post(read: _Address) -> Embed | None:
        found = re.fullmatch(form, read.path)
        return Embed(provider, POST, site + found[0].rstrip("/")) if found else None

    return read_post


def _fediverse(read: _Address) -> Embed | None:
    """Return a post on a server of Mastodon, of which there are thousands: it is known by the form of its path."""
    found = re.fullmatch(r"/@[A-Za-z0-9_.-]{1,60}(?:@[A-Za-z0-9.-]{3,100})?/\d{15,20}/?", read.path)
    return Embed(read.host, POST, f"https://{read.host}{read.path.rstrip('/')}") if found else None


_X = _post("X", r"/[A-Za-z0-9_]{1,15}/status/\d{1,20}/?|/i/status/\d{1,20}/?", "https://x.com")
_THREADS = _post("Threads", r"/@[A-Za-z0-9_.]{1,30}/post/[A-Za-z0-9_-]{5,20}/?", "https://www.threads.com")
_HOSTS: dict[str, Callable[[_Address], Embed | None]] = {
    "youtube.com": _youtube,
    "m.youtube.com": _youtube,
    "music.youtube.com": _youtube,
    "youtube-nocookie.com": _youtube,
    "youtu.be": _youtube,
    "vimeo.com": _vimeo,
    "player.vimeo.com": _vimeo,
    "datawrapper.de": _datawrapper,
    "datawrapper.dwcdn.net": _datawrapper,
    "flo.uri.sh": _flourish,
    "public.flourish.studio": _flourish,
    "soundcloud.com": _soundcloud,
    "w.soundcloud.com": _soundcloud,
    "open.spotify.com": _spotify,
    "bsky.app": _post("Bluesky", r"/profile/[A-Za-z0-9.:-]{3,100}/post/[a-z0-9]{8,20}/?", "https://bsky.app"),
    "x.com": _X,
    "twitter.com": _X,
    "mobile.twitter.com": _X,
    "instagram.com": _post("Instagram", r"/(?:p|reel)/[A-Za-z0-9_-]{5,40}/?", "https://www.instagram.com"),
    "tiktok.com": _post("TikTok", r"/@[A-Za-z0-9_.]{2,24}/video/\d{10,20}/?", "https://www.tiktok.com"),
    "threads.com": _THREADS,
    "threads.net": _THREADS,
}
"""What reads the links of each host; `www.` before it changes nothing."""
PROVIDERS = ("datawrapper.de", "flourish.studio", "soundcloud.com", "spotify.com", "vimeo.com", "youtube.com")
"""What `embeds` in `site.yaml` may list."""
