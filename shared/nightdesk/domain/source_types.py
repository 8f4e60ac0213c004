"""Digital source types: where a picture comes from, and how far a machine made it."""

from __future__ import annotations

SOURCE_TYPES = frozenset(
    [
        "algorithmicMedia",
        "algorithmicallyEnhanced",
        "composite",
        "compositeCapture",
        "compositeSynthetic",
        "compositeWithTrainedAlgorithmicMedia",
        "computationalCapture",
        "dataDrivenMedia",
        "digitalArt",
        "digitalCapture",
        "digitalCreation",
        "humanEdits",
        "minorHumanEdits",
        "negativeFilm",
        "positiveFilm",
        "print",
        "screenCapture",
        "softwareImage",
        "trainedAlgorithmicMedia",
        "virtualRecording",
    ]
)
"""IPTC digital source types (cv.iptc.org/newscodes/digitalsourcetype), with the retired ones that archives still hold."""
MACHINE_MADE = {
    "trainedAlgorithmicMedia": 3,
    "compositeWithTrainedAlgorithmicMedia": 2,
    "compositeSynthetic": 2,
    "algorithmicMedia": 1,
    "algorithmicallyEnhanced": 1,
}
"""How far a machine made a picture, for the source types that carry a label."""


def understates(claimed: str, original: str) -> bool:
    """Return whether a draft says less of a machine's part in a picture than the original's own metadata do.

    Args:
        claimed: the source type that the draft gives; empty for none, which is the original's then.
        original: the source type that was read from the original; empty for none.
    """
    return bool(claimed) and MACHINE_MADE.get(claimed, 0) < MACHINE_MADE.get(original, 0)
