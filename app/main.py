"""Start the window, in this order, for these reasons.

1. OpenGL's format and the choice of renderer, since Qt and Mesa read them when they are loaded.
2. Where a window is open already, it is given what was named, and this process ends.
3. The application object, the log (from here on every exception, Qt message and crash is written
   down), the language, the theme: what the first paint needs.
4. The window, empty, painted: nothing of numpy, VTK or the engine has been imported yet.
5. After the first paint: what was named on the command line is described, in a thread; VTK is
   imported, in another, so that a drop is taken meanwhile; then the views are made. Later starts
   are listened to, and what a run that ended badly had open is offered.
6. The event loop. When it ends, settings have been written; threads get one second, and a decoder
   that hangs does not keep the process.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.graphics import set_up_graphics

if TYPE_CHECKING:
    from app.incoming import Incoming
    from app.main_window import MainWindow
    from app.runs import Run

_log = logging.getLogger(__name__)

END_TIMEOUT_S = 1.0
SWITCH_INTERVAL_S = 0.001
"""How long a thread may keep the interpreter while another waits for it. Python's own 5 ms add up
when a paint that is made of many small calls meets a thread that reads headers."""


def run_window(
    uris: Sequence[str],
    *,
    software_gl: bool = False,
    screenshot: str | None = None,
    new_window: bool = False,
) -> int:
    """Open the window and run until it is closed.

    Parameters
    ----------
    uris : sequence of str
        What to open; none shows the start page.
    software_gl : bool
        Draw without the graphics driver.
    screenshot : str, optional
        Save a picture of the window to this file once everything is there, then quit.
    new_window : bool
        Open a window of its own even where one is open; later starts do not find it.

    Returns
    -------
    int
        Status for the process.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    is_alone = new_window or screenshot is not None
    if not is_alone and _taken_elsewhere(uris):
        return 0
    set_up_graphics(software_gl=software_gl)
    from PySide6.QtWidgets import QApplication

    application = QApplication.instance() or QApplication(["voxtide"])
    assert isinstance(application, QApplication)
    application.setApplicationName("voxtide")
    application.setApplicationDisplayName("Voxtide")
    application.setDesktopFileName("org.voxtide.Voxtide")

    from app.logs import log_folder, start_logging
    from app.runs import Run

    run = Run(log_folder())
    start_logging(log_folder(), run.crash_file)

    from app.language import install_translations
    from app.main_window import MainWindow
    from app.photographer import Photographer
    from app.settings import SettingsStore, config_folder
    from app.theme import apply_theme

    install_translations(application)
    settings = SettingsStore(config_folder())
    apply_theme(application, settings.value.theme)
    window = MainWindow(settings)
    window.closed.connect(application.quit)
    window.deck.painted.connect(lambda: _after_first_paint(window, run, uris, is_alone=is_alone))
    window.show()
    if screenshot is not None:
        Photographer(window, screenshot)
    _log.info("window shown")
    status = application.exec()
    return _end(window, status, run)


def _taken_elsewhere(uris: Sequence[str]) -> bool:
    """Give what was named to the window that is open already; tell whether it took it."""
    from app.instance import hand_over

    return hand_over(uris)


def _after_first_paint(
    window: MainWindow, run: Run, uris: Sequence[str], *, is_alone: bool
) -> None:
    """Start describing what was asked for, bring in the views, and listen to later starts."""
    from app.incoming import Incoming

    incoming = Incoming(window, run)
    if uris:
        incoming.take(uris)
    _import_views(window)
    if not is_alone:
        _listen(window, incoming)
        incoming.offer(run.claim(), is_idle=not uris)


def _listen(window: MainWindow, incoming: Incoming) -> None:
    from app.instance import InstanceServer

    server = InstanceServer(window)
    server.asked.connect(incoming.take_and_rise)
    window.closed.connect(server.close)
    server.listen()


def _import_views(window: MainWindow) -> None:
    """Import VTK beside the event loop; the views are made by the window when that is done."""

    def work() -> None:
        try:
            import viewer.vtk_setup  # noqa: F401 - for its cost: the window imports it for free then
        except ImportError:
            _log.exception("VTK cannot be imported")
        window.views_imported.emit()

    thread = threading.Thread(target=work, name="import views")
    thread.start()


def _end(window: MainWindow, status: int, run: Run) -> int:
    """Wait for threads, but not for ever: a decoder that hangs must not keep the process."""
    ended = window.session.join(END_TIMEOUT_S)
    faulthandler.disable()
    run.end()
    if not ended:
        _log.warning("a thread did not end in %g s; leaving without it", END_TIMEOUT_S)
        logging.shutdown()
        os._exit(status)
    return status
