"""A small series as a DICOMweb server gives it: metadata, frames in any encoding, whole files."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt

from tests.helpers.web_server import Asked, Reply, with_ranges

STUDY, SERIES = "1.2.3", "1.2.3.4"
BOUNDARY = "frameboundary77"
RAW = "1.2.840.10008.1.2.1"
HTJ2K = "1.2.840.10008.1.2.4.202"
JPEG_LS = "1.2.840.10008.1.2.4.80"
JPEG_2000 = "1.2.840.10008.1.2.4.90"
RLE = "1.2.840.10008.1.2.5"


def htj2k(plane: npt.NDArray[np.int16], *, tlm: bool = True) -> bytes:
    return bytes(imagecodecs.htj2k_encode(plane, reversible=True, resolutions=5, tlm=tlm))


def htj2k_in_parts(plane: npt.NDArray[np.int16]) -> bytes:
    """One tile-part for each resolution, their lengths in TLM."""
    return bytes(
        imagecodecs.htj2k_encode(plane, reversible=True, resolutions=5, tlm=True, tilepart=1)
    )


def jpeg_ls(plane: npt.NDArray[np.int16]) -> bytes:
    return bytes(imagecodecs.jpegls_encode(plane.view(np.uint16)))


ENCODERS: dict[str, Callable[[Any], bytes]] = {
    RAW: lambda plane: plane.astype("<i2").tobytes(),
    HTJ2K: htj2k,
    JPEG_LS: jpeg_ls,
}


def phantom(slices: int, size: int = 128, seed: int = 3) -> npt.NDArray[np.int16]:
    """Smooth shapes and a little noise, so that frames are worth compressing; 12 bits."""
    random = np.random.default_rng(seed)
    z, y, x = np.ogrid[-1 : 1 : slices * 1j, -1 : 1 : size * 1j, -1 : 1 : size * 1j]
    body = 1000 + 400 * np.cos(5 * x * (z + 2)) * np.sin(4 * y) + 300 * (x**2 + y**2 < 0.4)
    noise = random.normal(0, 12, (slices, size, size))
    return np.clip(body + noise, 0, 4095).astype(np.int16)


def element(vr: str, *values: object) -> dict[str, object]:
    return {"vr": vr, "Value": list(values)}


@dataclass
class Store:
    """Answers as Static DICOMweb does, with ranges; change fields to make it another server."""

    volume: npt.NDArray[np.integer[Any]]
    syntax: str = HTJ2K
    encode: Callable[[Any], bytes] | None = None
    says_syntax: bool = True
    ranges: bool = True
    multipart: bool = True
    boundary_in_header: bool = True
    extra: dict[str, Any] = field(default_factory=dict)
    etags: bool = True

    def __post_init__(self) -> None:
        self.frames = self.frames_of()

    def frames_of(self) -> list[bytes]:
        encode = self.encode or ENCODERS[self.syntax]
        return [encode(plane) for plane in self.volume]

    @property
    def path(self) -> str:
        return f"/dicomweb/studies/{STUDY}/series/{SERIES}"

    def uid(self, k: int) -> str:
        return f"{SERIES}.{k + 1}"

    def header(self, k: int) -> dict[str, object]:
        rows, columns = self.volume.shape[1:]
        data = {
            "00080016": element("UI", "1.2.840.10008.5.1.4.1.1.2"),
            "00080018": element("UI", self.uid(k)),
            "00080060": element("CS", "CT"),
            "00100010": element("PN", {"Alphabetic": "Web^Phantom"}),
            "0020000D": element("UI", STUDY),
            "0020000E": element("UI", SERIES),
            "00200013": element("IS", k + 1),
            "00200032": element("DS", -50.0, -60.5, 2.5 * k),
            "00200037": element("DS", 1, 0, 0, 0, 1, 0),
            "00280002": element("US", 1),
            "00280004": element("CS", "MONOCHROME2"),
            "00280010": element("US", rows),
            "00280011": element("US", columns),
            "00280030": element("DS", 0.8, 0.8),
            "00280100": element("US", 16),
            "00280101": element("US", 16),
            "00280102": element("US", 15),
            "00280103": element("US", 1),
            "00281052": element("DS", -1024),
            "00281053": element("DS", 1),
            "7FE00010": {"vr": "OW", "BulkDataURI": f"instances/{self.uid(k)}/frames"},
        }
        if self.says_syntax:
            data["00083002"] = element("UI", self.syntax)
        return data | self.extra

    def metadata(self) -> Reply:
        body = json.dumps([self.header(k) for k in range(len(self.frames))]).encode()
        return Reply(200, {"Content-Type": "application/dicom+json"}, body)

    def frame(self, k: int) -> Reply:
        data, headers = self.frames[k], {}
        if self.multipart:
            named = f"; boundary={BOUNDARY}" if self.boundary_in_header else ""
            headers["Content-Type"] = f'multipart/related; type="application/octet-stream"{named}'
            head = f"--{BOUNDARY}\r\nContent-Type: x/y; transfer-syntax={self.syntax}\r\n\r\n"
            data = head.encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()
        else:
            headers["Content-Type"] = f"application/octet-stream; transfer-syntax={self.syntax}"
        if self.etags:
            headers["ETag"] = f'"{k}-1"'
        return Reply(200, headers, data)

    def slice_of(self, asked: Asked) -> int | None:
        """Give which slice's frame is asked for."""
        parts = asked.path.strip("/").split("/")
        if len(parts) == 9 and parts[5] == "instances" and parts[7] == "frames":
            return int(parts[6].rsplit(".", 1)[1]) - 1
        return None

    def number(self, asked: Asked) -> int:
        """Give the slice of what is known to be a frame."""
        k = self.slice_of(asked)
        assert k is not None
        return k

    def __call__(self, asked: Asked) -> Reply:
        if asked.path == self.path + "/metadata":
            return self.metadata()
        k = self.slice_of(asked)
        if k is None or not 0 <= k < len(self.frames):
            return Reply(404, {"Content-Type": "text/plain"}, b"nothing here")
        reply = self.frame(k)
        return with_ranges(reply, asked) if self.ranges else reply
