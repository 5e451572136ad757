"""A real Orthanc with DICOMweb on loopback, with storage and settings of its own."""

from __future__ import annotations

import base64
import io
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
START_S = 60.0


def why_not() -> str:
    """Say why Orthanc cannot be run here; empty when it can."""
    if shutil.which("Orthanc") is None:
        return "Orthanc is not installed: apt-get install orthanc orthanc-dicomweb"
    if not PLUGIN.exists():
        return "Orthanc has no DICOMweb here: apt-get install orthanc-dicomweb"
    return ""


@dataclass
class Orthanc:
    """A running server; `root` is its DICOMweb root."""

    site: str
    user: str = ""
    password: str = ""

    @property
    def root(self) -> str:
        return f"{self.site}/dicom-web"

    def ask(self, url: str, body: bytes = b"", content_type: str = "") -> bytes:
        """Send a request of the test's own, not the program's."""
        request = urllib.request.Request(url, data=body or None)
        if content_type:
            request.add_header("Content-Type", content_type)
        if self.user:
            pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            request.add_header("Authorization", f"Basic {pair}")
        request.add_header("Accept", "application/dicom+json")
        # a proxy of the environment must not stand between
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            return answer.read()

    def store(self, files: Iterable[bytes]) -> None:
        """Put files in by STOW-RS."""
        boundary = uuid.uuid4().hex
        parts = [
            f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode() + data + b"\r\n"
            for data in files
        ]
        body = b"".join(parts) + f"--{boundary}--\r\n".encode()
        self.ask(
            f"{self.root}/studies",
            body,
            f'multipart/related; type="application/dicom"; boundary={boundary}',
        )

    def series(self) -> dict[str, tuple[str, str]]:
        """Give study and address of each series, by its UID."""
        rows = json.loads(self.ask(f"{self.root}/series"))
        found = {}
        for row in rows:
            study, series = (row[tag]["Value"][0] for tag in ("0020000D", "0020000E"))
            found[series] = (study, f"{self.root}/studies/{study}/series/{series}")
        return found


def files_of(path: Path) -> list[bytes]:
    """Give the files of a folder, or of a ZIP."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            return [archive.read(name) for name in archive.namelist() if not name.endswith("/")]
    return [file.read_bytes() for file in sorted(path.rglob("*.dcm"))]


def series_uid_of(data: bytes) -> str:
    """Give the series of a DICOM file, read with pydicom."""
    import pydicom

    header = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True)
    return str(header.SeriesInstanceUID)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def orthanc(folder: Path, user: str = "", password: str = "") -> Iterator[Orthanc]:
    """Run Orthanc until the end of the block."""
    port = _free_port()
    settings = {
        "Name": "Test archive",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "index"),
        "Plugins": [str(PLUGIN)],
        "HttpPort": port,
        "DicomServerEnabled": False,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": bool(user),
        "RegisteredUsers": {user: password} if user else {},
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": True},
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "orthanc.json"
    path.write_text(json.dumps(settings))
    with (folder / "orthanc.log").open("wb") as log:
        process = subprocess.Popen(["Orthanc", str(path)], stdout=log, stderr=log)
        server = Orthanc(f"http://127.0.0.1:{port}", user, password)
        try:
            _wait_for(server, process, folder / "orthanc.log")
            yield server
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(20)


def _wait_for(server: Orthanc, process: subprocess.Popen[bytes], log: Path) -> None:
    ends = time.monotonic() + START_S
    while True:
        try:
            server.ask(f"{server.root}/studies?limit=1")
        except (urllib.error.URLError, ConnectionError) as error:
            if process.poll() is not None or time.monotonic() > ends:
                raise AssertionError(f"Orthanc did not start: {log.read_text()}") from error
            time.sleep(0.05)
        else:
            return
