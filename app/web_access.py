"""What the engine needs of the window for servers: who asks there, and where frames are kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt

from app.bars import BarHost
from app.courier import Courier
from app.language import tr
from app.settings import cache_folder

if TYPE_CHECKING:
    from app.main_window import MainWindow
    from app.sign_in import SignInDesk
    from loading.web.frame_cache import FrameCache
    from loading.web.links import Link


class WebAccess(QObject):
    """Set up when the first address comes; until then nothing of the engine's web is imported."""

    def __init__(self, window: MainWindow, bars: BarHost) -> None:
        super().__init__(window)
        self._window = window
        self._bars = bars
        self._courier = Courier(self)

    @cached_property
    def desk(self) -> SignInDesk:
        """Give who asks the user for sign-ins."""
        from app.keyring_vault import KeyringVault
        from app.sign_in import SignInDesk
        from loading.web.credentials import credentials

        vault = KeyringVault()
        made = SignInDesk(self, self._bars, vault)
        made.not_kept.connect(self._window.tell, Qt.ConnectionType.QueuedConnection)
        credentials.ask, credentials.vault = made.ask, vault
        return made

    @cached_property
    def frames(self) -> FrameCache:
        """Give the cache of frames on the disk."""
        from loading.web.frame_cache import FrameCache

        return FrameCache(cache_folder() / "frames", 0)

    def set_up(self) -> None:
        """Give the engine what it needs; quick when it has it."""
        assert self.desk is not None
        self.apply_frame_cache()

    def close(self) -> None:
        """Let everybody go who waits for a sign-in."""
        if "desk" in self.__dict__:
            self.desk.close()

    # -- frames ------------------------------------------------------------------------------------

    def apply_frame_cache(self) -> None:
        """Follow the setting of how much is kept."""
        from loading.web import frame_cache

        self.frames.limit_bytes = self._window.settings.value.frame_cache_mb * 1_000_000
        frame_cache.use(self.frames if self.frames.limit_bytes else None)

    def clear_frames(self) -> None:
        """Throw away what was kept, beside the event loop."""
        words = tr("Nothing is kept of what came from servers.")

        def work() -> None:
            self.frames.clear()
            self._courier.post(lambda: self._window.tell(words))

        threading.Thread(target=work, name="clear frames", daemon=True).start()

    # -- sign-ins ----------------------------------------------------------------------------------

    def allow_asking(self, link: Link) -> None:
        """Ask for a sign-in again where the user had said no."""
        from loading.web.credentials import credentials

        credentials.allow_asking(link.origin)

    def sign_in_anew(self, link: Link, then: Callable[[], None]) -> None:
        """Ask who asks, also where a server refuses without asking (403), and go on."""
        from loading.web.credentials import credentials

        origin = link.origin
        credentials.set(origin, None)

        def work() -> None:
            if credentials.refused(origin, "", ""):
                self._courier.post(then)

        threading.Thread(target=work, name="sign in", daemon=True).start()

    def sign_out(self, link: Link) -> None:
        """Forget who asks at a server, in the keyring too."""
        from loading.web.credentials import credentials

        origin = link.origin
        credentials.set(origin, None)
        # the keyring may ask to be unlocked
        threading.Thread(
            target=lambda: credentials.forget(origin), name="forget sign-in", daemon=True
        ).start()
