"""One running program takes what is opened: a local socket of one person, on one screen.

The second start connects, sends one line of JSON with paths and addresses, reads one line and
leaves. The socket lies in a folder that only its owner may enter, lets only its owner connect, and
the peer's user is asked of the kernel as well. Nothing is taken but paths and addresses; what they
are is looked at as if they had been dropped on the window. What a killed program left behind is
recognised by its lock, which the system lets go of.
"""

from __future__ import annotations

import logging
import os
import stat
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QLockFile, QObject, Signal

from app.settings import config_folder, log_folder

if TYPE_CHECKING:
    from PySide6.QtNetwork import QLocalServer, QLocalSocket

_log = logging.getLogger(__name__)

PROTOCOL = 1
MOST_BYTES = 1 << 20
MOST_URIS = 10_000
CONNECT_MS, WRITE_MS, ANSWER_MS = 200, 1000, 3000
_SCHEMES = (
    "file:", "https:", "http:", "voxtide:", "weasis:", "dicomweb+https:", "dicomweb+http:",
    "wadouri+https:", "wadouri+http:", "demo:",
)  # fmt: skip
_LONGEST_NAME = 100
"""A socket's path has 107 bytes (unix(7))."""


def socket_folder() -> Path | None:
    """Give a folder that only this user may enter, made if need be; None where there is none."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    # a folder of the system's is taken as it is or not at all, one of ours is closed to others
    if runtime and _is_private(Path(runtime), is_ours=False):
        return Path(runtime)
    candidates = [log_folder()]
    if sys.platform != "win32":
        candidates.append(Path("/tmp") / f"voxtide-{os.getuid()}")
    for folder in candidates:
        if _is_private(folder, is_ours=True):
            return folder
    return None


def _is_private(folder: Path, *, is_ours: bool) -> bool:
    """Tell whether nobody else may enter a folder and its name leaves room for a socket's."""
    if len(os.fsencode(folder)) > _LONGEST_NAME - 24:
        return False
    try:
        if is_ours:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        if sys.platform == "win32":
            return True
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            return False
        if found.st_mode & 0o077:
            if not is_ours:
                return False
            # made by an older version or with a lax mask
            folder.chmod(0o700)
    except OSError:
        return False
    return True


def socket_name() -> str:
    """Name the socket of this user, screen and settings; "" where there can be none."""
    folder = socket_folder()
    if folder is None:
        return ""
    screen = os.environ.get("WAYLAND_DISPLAY", "") + "|" + os.environ.get("DISPLAY", "")
    key = f"{zlib.crc32(f'{screen}|{config_folder()}'.encode()):08x}"
    name = f"voxtide-{key}"
    return f"{name}-{os.getlogin()}" if sys.platform == "win32" else str(folder / name)


def whole(uri: str) -> str:
    """Make a relative path absolute, since the running program has another folder."""
    return uri if uri.lower().startswith(_SCHEMES) else str(Path(uri).absolute())


def hand_over(uris: Sequence[str], name: str | None = None) -> bool:
    """Give paths and addresses to the program that runs already; tell whether it took them."""
    name = socket_name() if name is None else name
    if not name or (sys.platform != "win32" and not Path(name).exists()):
        return False
    import json

    from PySide6.QtNetwork import QLocalSocket

    peer = QLocalSocket()
    peer.connectToServer(name)
    if not peer.waitForConnected(CONNECT_MS) or not _is_same_user(peer):
        return False
    message = {
        "version": PROTOCOL,
        "open": [whole(uri) for uri in uris],
        "activation": os.environ.get("XDG_ACTIVATION_TOKEN", ""),
    }
    peer.write(json.dumps(message).encode() + b"\n")
    if not peer.waitForBytesWritten(WRITE_MS):
        return False
    while not peer.canReadLine():
        if not peer.waitForReadyRead(ANSWER_MS):
            _log.warning("the running program does not answer")
            return False
    return bytes(peer.readLine().data()).strip() == b"ok"


def understood(line: bytes) -> tuple[list[str], str] | None:
    """Give paths and addresses of a message, and the token to be raised with; None: refused."""
    import json

    try:
        message = json.loads(line)
    except ValueError:
        return None
    if not isinstance(message, dict) or message.get("version") != PROTOCOL:
        return None
    uris, token = message.get("open"), message.get("activation", "")
    if not isinstance(uris, list) or len(uris) > MOST_URIS or not isinstance(token, str):
        return None
    for uri in uris:
        if not isinstance(uri, str) or not uri or "\0" in uri:
            return None
        if not uri.lower().startswith(_SCHEMES) and not Path(uri).is_absolute():
            return None
    return uris, token if token.isprintable() and len(token) < 256 else ""


class InstanceServer(QObject):
    """Listen for later starts.

    Attributes
    ----------
    asked : Signal(list, str)
        Paths and addresses to open, maybe none, and the token of the window system.
    """

    asked = Signal(list, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._server: QLocalServer | None = None
        self._lock: QLockFile | None = None

    def listen(self, name: str | None = None) -> bool:
        """Start listening; tell whether this is the program that is asked from now on."""
        name = socket_name() if name is None else name
        if not name:
            return False
        if sys.platform != "win32":
            # Who holds the lock lives: the lock of a program that was killed counts for nothing.
            lock = QLockFile(f"{name}.lock")
            lock.setStaleLockTime(0)
            if not lock.tryLock(0):
                return False
            self._lock = lock
        from PySide6.QtNetwork import QLocalServer

        server = QLocalServer(self)
        server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        QLocalServer.removeServer(name)
        if not server.listen(name):
            _log.warning("later starts will open windows of their own: %s", server.errorString())
            self.close()
            return False
        server.newConnection.connect(self._welcome)
        self._server = server
        return True

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._lock is not None:
            self._lock.unlock()
            self._lock = None

    def _welcome(self) -> None:
        while self._server is not None and (peer := self._server.nextPendingConnection()):
            if not _is_same_user(peer):
                _log.warning("another user knocked and was turned away")
                peer.abort()
                peer.deleteLater()
                continue
            peer.disconnected.connect(peer.deleteLater)
            peer.readyRead.connect(lambda peer=peer: self._read(peer))
            self._read(peer)

    def _read(self, peer: QLocalSocket) -> None:
        if not peer.canReadLine():
            if peer.bytesAvailable() > MOST_BYTES:
                peer.abort()
            return
        message = understood(bytes(peer.readLine(MOST_BYTES).data()))
        peer.write(b"refused\n" if message is None else b"ok\n")
        peer.flush()
        peer.disconnectFromServer()
        if message is None:
            _log.warning("a message that is no list of paths was refused")
            return
        self.asked.emit(*message)


def _is_same_user(peer: QLocalSocket) -> bool:
    """Ask the kernel who is at the other end; where it cannot say, the socket's rights count."""
    if not sys.platform.startswith("linux"):
        return True
    import socket
    import struct

    with socket.socket(fileno=os.dup(int(peer.socketDescriptor()))) as end:
        raw = end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", raw)
    return bool(user == os.getuid())
