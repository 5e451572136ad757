"""Decoders: one call for a frame of any transfer syntax, checked before native code sees it."""

from loading.codecs.expected import Expected, Facts
from loading.codecs.frames import decode, decode_prefix, inspect, level_end, level_ends

__all__ = ["Expected", "Facts", "decode", "decode_prefix", "inspect", "level_end", "level_ends"]
