"""The images that mails show: those that everyone sees, since mail programs have no session for the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from nightdesk.domain.documents import Document
from nightdesk.domain.pictures import PictureFiles
from nightdesk.domain.site import Site
from nightdesk.ports import Ports
from nightdesk.usecases.pipeline.gate_pictures import read_pictures


class MailImages(NamedTuple):
    """The images of a document, as mails show them.

    Attributes:
        files: one file of each image, by the name of its asset.
        copies: the SHA-256 of each of these files, by its name.
        waits: True if there are others, which are still being prepared.
    """

    files: Mapping[str, PictureFiles]
    copies: Mapping[str, str]
    waits: bool


def mail_images(document: Document, site: Site, ports: Ports) -> MailImages:
    """Return the images of a document that mails show. What is behind a gate, or of a format that few programs show, is missing."""
    pictures = read_pictures([document], ports)
    files: dict[str, PictureFiles] = {}
    copies: dict[str, str] = {}
    waits = False
    for name, found in pictures.public_files(document, site).items():
        mailed = found.for_mail() if found else None
        if found and mailed:
            file = mailed.largest()[0]
            files[name], copies[file] = mailed, dict(pictures.copies(document, name, found))[file]
        waits |= not (found and found.formats)
    return MailImages(files, copies, waits)
