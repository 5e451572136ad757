"""How people's names are written, wherever they are shown; pure."""

from __future__ import annotations


def person_text(name: str) -> str:
    """Write a DICOM person name for people: "Doe^Jane" is "Doe, Jane" (PS3.5 6.2.1.1)."""
    family, *others = name.split("=")[0].split("^")
    given = " ".join(part for part in others if part)
    return f"{family}, {given}" if given and family else family or given
