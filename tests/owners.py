"""Shared by tests of `optout init`: what an owner may answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from optout.adapters.init.answers import Answers, Front


def answers(place: Path, **other: Any) -> Answers:
    """An owner's answers, all files below `place`."""
    usual = {
        "directory": place / "optout",
        "front": Front.NOTHING,
        "stance": "no-training",
        "sites": ("photos.example", "www.photos.example"),
        "origin": "http://127.0.0.1:1",
        "observe": True,
        "contact": "mailto:anna@photos.example",
        "terms": "/terms",
        "evidence": place / "evidence",
        "state": place / "state",
        "program": Path("/usr/local/bin/optout"),
    }
    return Answers(**{**usual, **other})
