"""Serve a static DICOMweb tree on this machine: QIDO-RS, WADO-RS, byte ranges."""

from loading.serve.server import Address, Settings, serve

__all__ = ["Address", "Settings", "serve"]
