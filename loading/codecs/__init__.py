"""Decoders: one call for a frame of any transfer syntax, checked before native code sees it."""

from loading.codecs.frames import Expected, decode, decode_prefix, inspect, level_end

__all__ = ["Expected", "decode", "decode_prefix", "inspect", "level_end"]
