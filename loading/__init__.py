"""The engine of Voxtide: from a URI to a volume that fills in place. No Qt, no VTK.

import loading

volume = loading.open_volume("path/to/folder")   # the spec is there at once
volume.wait()                                    # every slice is in volume.array
"""

from __future__ import annotations

from loading import registry
from loading.cache import VolumeCache
from loading.catalogue import Catalogue, ImageEntry, NothingFound, Skipped, VolumeEntry
from loading.choice import choose, first_choice
from loading.errors import (
    BadResponse,
    Cancelled,
    CorruptFrame,
    DecodeError,
    GeometryError,
    LoadError,
    NotFound,
    ServerError,
    SourceError,
    Timeout,
    TooLarge,
    Unauthorised,
    UnsupportedTransferSyntax,
)
from loading.executor import Executor, ThreadExecutor
from loading.export import export
from loading.loader import LoadState, OpenVolume, Progress
from loading.notices import KINDS, Notice, Severity, notice
from loading.opening import open_entry, open_volume, volume_cache
from loading.plan import (
    CENTRE_OUT,
    COARSE_FIRST,
    INTERLEAVED,
    PLANS,
    SEQUENTIAL,
    SINGLE,
    Plan,
    Stage,
)
from loading.probing import Probe, probe
from loading.registry import describe
from loading.request_queue import Demand
from loading.slice_images import SliceImage, volume_from_images
from loading.sources.base import CancelToken, Delivered, Rendition, Request, Source
from loading.spec import ChunkKey, Level, ValueMap, VolumeSpec, Window
from loading.statistics import histogram, robust_range
from loading.status import Status
from loading.values import array_value, meant, meant_value
from loading.volume import ChunkFailed, Qualities

__all__ = [
    "CENTRE_OUT",
    "COARSE_FIRST",
    "INTERLEAVED",
    "KINDS",
    "PLANS",
    "SEQUENTIAL",
    "SINGLE",
    "BadResponse",
    "CancelToken",
    "Cancelled",
    "Catalogue",
    "ChunkFailed",
    "ChunkKey",
    "CorruptFrame",
    "DecodeError",
    "Delivered",
    "Demand",
    "Executor",
    "GeometryError",
    "ImageEntry",
    "Level",
    "LoadError",
    "LoadState",
    "NotFound",
    "NothingFound",
    "Notice",
    "OpenVolume",
    "Plan",
    "Probe",
    "Progress",
    "Qualities",
    "Rendition",
    "Request",
    "ServerError",
    "Severity",
    "Skipped",
    "SliceImage",
    "Source",
    "SourceError",
    "Stage",
    "Status",
    "ThreadExecutor",
    "Timeout",
    "TooLarge",
    "Unauthorised",
    "UnsupportedTransferSyntax",
    "ValueMap",
    "VolumeCache",
    "VolumeEntry",
    "VolumeSpec",
    "Window",
    "array_value",
    "choose",
    "describe",
    "export",
    "first_choice",
    "histogram",
    "meant",
    "meant_value",
    "notice",
    "open_entry",
    "open_volume",
    "probe",
    "registry",
    "robust_range",
    "volume_cache",
    "volume_from_images",
]
