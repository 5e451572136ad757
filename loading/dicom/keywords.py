"""The data dictionary (PS3.6): keywords, tags and VRs."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=1024)
def tag_and_vr(name: str | int) -> tuple[int, str] | None:
    """Find an attribute by keyword or tag; None where nobody knows it."""
    from pydicom.datadict import dictionary_VR, tag_for_keyword

    tag = tag_for_keyword(name) if isinstance(name, str) else name
    if tag is None:
        return None
    try:
        return tag, dictionary_VR(tag)
    except KeyError:
        return None
