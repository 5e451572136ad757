"""Any DICOM files as a DICOMweb server gives them: metadata made by pydicom, frames singly and in
lists, whole files."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pydicom
from pydicom.encaps import get_frame

from tests.helpers.dicomweb_store import element
from tests.helpers.web_server import Asked, Reply


class ObjectServer:
    """Answer for the objects of one series.

    Parameters
    ----------
    lists : bool
        Whether several frames are given in one answer; else such a request is refused.
    """

    def __init__(self, paths: Sequence[Path], *, lists: bool = True) -> None:
        self.lists = lists
        self.objects = {str(d.SOPInstanceUID): d for d in map(pydicom.dcmread, paths)}
        first = next(iter(self.objects.values()))
        self.path = f"/web/studies/{first.StudyInstanceUID}/series/{first.SeriesInstanceUID}"

    def metadata(self) -> list[dict[str, object]]:
        found = []
        for dataset in self.objects.values():
            data = dataset.to_json_dict(
                bulk_data_threshold=1 << 20, bulk_data_element_handler=lambda _: "bulk"
            )
            data.pop("7FE00010")
            data["7FE00010"] = {"vr": "OW", "BulkDataURI": "bulk"}
            data["00083002"] = element("UI", str(dataset.file_meta.TransferSyntaxUID))
            found.append(data)
        return found

    def frame(self, uid: str, number: int) -> bytes:
        dataset = self.objects[uid]
        frames = int(dataset.get("NumberOfFrames", 1))
        if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
            return get_frame(dataset.PixelData, number - 1, number_of_frames=frames)
        bits = dataset.Rows * dataset.Columns * dataset.SamplesPerPixel * dataset.BitsAllocated
        assert bits % 8 == 0
        start = (number - 1) * bits // 8
        return bytes(dataset.PixelData[start : start + bits // 8])

    def numbers(self, asked: Asked) -> list[int]:
        """Give which frames are asked for; nothing where it is something else."""
        match = re.search(r"/frames/([\d,]+)$", asked.path)
        return [] if match is None else [int(part) for part in match[1].split(",")]

    def __call__(self, asked: Asked) -> Reply:
        if asked.path == self.path + "/metadata":
            kind = {"Content-Type": "application/dicom+json"}
            return Reply(200, kind, json.dumps(self.metadata()).encode())
        match = re.search(r"/instances/([\d.]+)/frames/", asked.path)
        wanted = self.numbers(asked)
        if match is None or not wanted:
            return Reply(404, {"Content-Type": "text/plain"}, b"nothing here")
        if len(wanted) > 1 and not self.lists:
            return Reply(400, {"Content-Type": "text/plain"}, b"one frame at a time")
        syntax = self.objects[match[1]].file_meta.TransferSyntaxUID
        head = f"--b0\r\nContent-Type: application/octet-stream; transfer-syntax={syntax}\r\n\r\n"
        body = b"".join(head.encode() + self.frame(match[1], n) + b"\r\n" for n in wanted)
        kind = {"Content-Type": 'multipart/related; type="application/octet-stream"; boundary=b0'}
        return Reply(200, kind, body + b"--b0--\r\n")
