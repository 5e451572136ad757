"""Measured process of ours: the real window, driven by a real drop and a real wheel.

It starts as the program does, shows the warm-up series once (imports, shaders, caches), waits for
the word, drops the folder on the window and watches: a 5 ms timer of the GUI thread notes how long
the thread was away, and the first slice is looked for on the screen itself.

usage: python -m tests.bench.our_window load|first|scan|scroll|feel|orbit FOLDER WARM_UP_FOLDER
       python -m tests.bench.our_window web URL WARM_UP_FOLDER
       python -m tests.bench.our_window start FOLDER
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from app.graphics import set_up_graphics
from tests.bench.subjects import SPAWNED

if TYPE_CHECKING:
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QImage, QMouseEvent, QWheelEvent
    from PySide6.QtWidgets import QWidget

    from app.main_window import MainWindow

HEARTBEAT_MS = 5
AFTER_COMPLETE_S = 1.0
SETTLE_S = 1.5
"""The sharp 3D picture comes some time after the last slice; memory is read after it."""
WHEEL_EVERY_S = 1 / 120
PATCH = 24
FEEL_SIZE = (1920, 1080)
FEEL_EVENTS = 100
WARM_EVENTS = 10
DRAG = 40
ORBIT_SIZE = (960, 540)
ORBIT_S = 4.0
ORBIT_FIRST = 10
"""Pictures until the steps follow the measured time."""
Steps = Iterator[None]


class Pulse:
    """Step a scenario from a timer of the GUI thread, and note the longest pause between beats."""

    def __init__(self, steps: Steps) -> None:
        from PySide6.QtCore import Qt, QTimer

        self._steps = steps
        self._last_s = time.perf_counter()
        self.longest_ms = 0.0
        self.timer = QTimer()
        self.timer.setTimerType(Qt.TimerType.PreciseTimer)
        self.timer.setInterval(HEARTBEAT_MS)
        self.timer.timeout.connect(self._beat)
        self.timer.start()

    @property
    def longest_so_far_ms(self) -> float:
        """Give the longest pause, the one that still lasts included."""
        return max(self.longest_ms, (time.perf_counter() - self._last_s) * 1000)

    def restart(self) -> None:
        """Forget the pauses so far."""
        self._last_s, self.longest_ms = time.perf_counter(), 0.0

    def _beat(self) -> None:
        now = time.perf_counter()
        self.longest_ms = max(self.longest_ms, (now - self._last_s) * 1000)
        self._last_s = now
        try:
            if next(self._steps, self) is self:
                self.timer.stop()
        except Exception:
            traceback.print_exc()
            os._exit(3)


class Scenario:
    """What happens in the window, step by step; each step is one beat of the pulse."""

    def __init__(self, kind: str, folders: list[str]) -> None:
        self.kind, self.folders = kind, folders
        self.result: dict[str, Any] = {}
        self.dropped_s = self.dropped_cpu_s = 0.0
        self.pulse = Pulse(self._steps())

    # -- the parts ----------------------------------------------------------------------------

    def _steps(self) -> Steps:
        while (window := _main_window()) is None:
            yield
        if self.kind == "start":
            yield from self._start(window)
        else:
            while window.workspace is None:
                yield
            self._drop(window, self.folders[1])
            yield from self._until(lambda: _is_complete(window))
            yield from _pause(SETTLE_S)
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            sys.stdin.readline()
            yield from _pause(0.2)
            yield from {
                "load": self._load,
                "first": self._first,
                "scan": self._scan,
                "scroll": self._scroll,
                "feel": self._feel,
                "orbit": self._orbit,
                "web": self._web,
            }[self.kind](window)
        from loading.memory import peak_rss_bytes

        self.result["peak_rss_bytes"] = peak_rss_bytes()
        sys.stdout.write(json.dumps(self.result) + "\n")
        sys.stdout.flush()
        window.close()

    def _load(self, window: MainWindow) -> Steps:
        """Drop, see the first slice, complete, one second more; then let 3D settle."""
        before = window.session.volume
        self._drop(window, self.folders[0])
        while not _is_complete(window, before):
            self._look_for_slice(window, before)
            yield
        # one paint may last from before the first slice until after the last one
        yield from self._until(lambda: self._look_for_slice(window, before))
        self.result["cpu_ms"] = (time.process_time() - self.dropped_cpu_s) * 1000
        yield from _pause(AFTER_COMPLETE_S)
        self.result["longest_block_ms"] = self.pulse.longest_ms
        self._read_timeline(window)
        yield from _pause(SETTLE_S)

    def _web(self, window: MainWindow) -> Steps:
        """Open an address as if it had been typed; times count from the metadata."""
        from loading.timeline import timeline

        before = window.session.volume
        self.pulse.restart()
        window.door.open([self.folders[0]], by_hand=True)
        yield from self._until(lambda: _is_complete(window, before))
        yield from _pause(AFTER_COMPLETE_S)
        self.result["longest_block_ms"] = self.pulse.longest_ms
        volume = window.session.volume
        assert volume is not None
        assert volume.metadata_s is not None
        marks = timeline(volume.spec, volume.history(), volume.metadata_s[1])
        self.result |= {"own_ms": marks.own_ms, "full_ms": marks.full_ms}
        self.result["failures"] = len(volume.failures)

    def _first(self, window: MainWindow) -> Steps:
        """Drop many files, see the first slice, and wait for the list; is it the same series?"""
        before = window.session.volume
        self._drop(window, self.folders[0])
        yield from self._until(lambda: _shows_a_slice(window, before))
        self._note("first_slice_ms", self.dropped_s)
        volume = window.session.volume
        assert volume is not None
        uid = volume.spec.series_uid
        yield from self._until(lambda: not window.session.is_opening)
        self._note("described_ms", self.dropped_s)
        self.result["series"] = len(window.session.entries)
        assert window.session.volume is not None
        self.result["jumped"] = window.session.volume.spec.series_uid != uid

    def _look_for_slice(self, window: MainWindow, before: object) -> bool:
        """Note when the first slice is on the screen; tell whether that was."""
        if "first_slice_ms" not in self.result and _shows_a_slice(window, before):
            self._note("first_slice_ms", self.dropped_s)
        return "first_slice_ms" in self.result

    def _scan(self, window: MainWindow) -> Steps:
        """Drop, and watch until the headers have been read; the views come after that."""
        window.session.volume_changed.connect(self._note_scanned)
        self._drop(window, self.folders[0])
        yield from self._until(lambda: "described_ms" in self.result)

    def _note_scanned(self) -> None:
        self.result.setdefault("longest_block_ms", self.pulse.longest_so_far_ms)
        self._note("described_ms", self.dropped_s)

    def _scroll(self, window: MainWindow) -> Steps:
        """Turn the wheel over the axial view as long as the series loads; count its paints."""
        before = window.session.volume
        self._drop(window, self.folders[0])
        yield from self._until(lambda: _shows_a_slice(window, before))
        counter = _PaintCounter(window)
        started_s = time.perf_counter()
        turns, direction = 0, 1
        while not _is_complete(window, before):
            if (time.perf_counter() - started_s) / WHEEL_EVERY_S > turns:
                direction = _turn_wheel(window, direction)
                turns += 1
            yield
        ended_s = time.perf_counter()
        self.result["fps"] = len(counter.times) / (ended_s - started_s)
        self.result["slowest_second_fps"] = counter.slowest(started_s, ended_s)
        self.result["loading_s"] = ended_s - started_s
        self._read_timeline(window)

    def _feel(self, window: MainWindow) -> Steps:
        """Post wheel and drag events to the axial view of a loaded volume; time what is seen."""
        before = window.session.volume
        self._drop(window, self.folders[0])
        yield from self._until(lambda: _is_complete(window, before))
        window.resize(*FEEL_SIZE)
        window.commands.run("view.only_pictures")
        yield from _pause(SETTLE_S)
        assert window.workspace is not None
        yield from self._until(lambda: window.workspace is not None and window.workspace.is_at_rest)
        view = window.workspace._views["axial"]
        for number in range(WARM_EVENTS):
            _seen_after(view, _wheel_event(view, 1 if number % 2 else -1))
        self.result["wheel_ms"] = [
            _seen_after(view, _wheel_event(view, -1)) for _ in range(FEEL_EVENTS)
        ]
        yield from _pause(SETTLE_S)
        _send(view, _mouse_event(view, "MouseButtonPress", 0))
        for number in range(1, WARM_EVENTS):
            _seen_after(view, _mouse_event(view, "MouseMove", number % 2 * DRAG))
        self.result["drag_ms"] = [
            _seen_after(view, _mouse_event(view, "MouseMove", number % 2 * DRAG))
            for number in range(FEEL_EVENTS)
        ]
        _send(view, _mouse_event(view, "MouseButtonRelease", DRAG))

    def _orbit(self, window: MainWindow) -> Steps:
        """Turn the 3D view by a left drag; note what each picture took, then the sharp one."""
        before = window.session.volume
        self._drop(window, self.folders[0])
        yield from self._until(lambda: _is_complete(window, before))
        window.commands.run("view.only_pictures")
        window.commands.run("view.layout.volume")
        assert window.workspace is not None
        view: Any = window.workspace._views["volume"]
        for _ in range(2):
            width, height = ORBIT_SIZE[0] - view.width(), ORBIT_SIZE[1] - view.height()
            window.resize(window.width() + width, window.height() + height)
            yield from _pause(0.2)
        yield from self._until(lambda: view.is_at_rest)
        pictures: list[Any] = []
        view._host.drawn.connect(pictures.append)
        _send(view, _mouse_event(view, "MouseButtonPress", 0))
        started_s, away = time.perf_counter(), 0
        while time.perf_counter() < started_s + ORBIT_S:
            away += 2
            _send(view, _mouse_event(view, "MouseMove", away))
            yield
        yield from self._until(lambda: view._awaited is None)
        _send(view, _mouse_event(view, "MouseButtonRelease", away))
        moved = len(pictures)
        self.pulse.restart()
        yield from self._until(lambda: view.is_at_rest and len(pictures) > moved)
        self.result["longest_block_ms"] = self.pulse.longest_ms
        self.result["size"] = [pictures[-1].picture.width, pictures[-1].picture.height]
        self.result["orbit_ms"] = [drawn.seconds * 1000 for drawn in pictures[ORBIT_FIRST:moved]]
        self.result["psnr_db"] = _psnr(pictures[moved - 1].image, pictures[-1].image)

    def _start(self, window: MainWindow) -> Steps:
        """Note the first picture that VTK drew."""
        spawned_s = float(os.environ[SPAWNED])
        while window.workspace is None:
            yield
        host: Any = window.workspace._volume_view._host
        host.drawn.connect(lambda _: self._note("ready_ms", spawned_s))
        yield from self._until(lambda: "ready_ms" in self.result)

    # -- what they are made of ----------------------------------------------------------------

    def _until(self, reached: Callable[[], bool], timeout_s: float = 120.0) -> Steps:
        ends_s = time.perf_counter() + timeout_s
        while not reached():
            if time.perf_counter() > ends_s:
                raise TimeoutError("the window did not get there")
            yield

    def _note(self, name: str, since_s: float) -> None:
        self.result.setdefault(name, (time.perf_counter() - since_s) * 1000)

    def _drop(self, window: MainWindow, folder: str) -> None:
        """Send the events of a drop, as the window system does."""
        from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
        from PySide6.QtGui import QDragEnterEvent, QDropEvent
        from PySide6.QtWidgets import QApplication

        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(folder)])
        copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
        none = Qt.KeyboardModifier.NoModifier
        self.pulse.restart()
        self.dropped_s, self.dropped_cpu_s = time.perf_counter(), time.process_time()
        QApplication.sendEvent(window, QDragEnterEvent(QPoint(300, 300), copy, data, left, none))
        QApplication.sendEvent(window, QDropEvent(QPointF(300, 300), copy, data, left, none))

    def _read_timeline(self, window: MainWindow) -> None:
        from loading.timeline import timeline

        volume = window.session.volume
        assert volume is not None
        marks = timeline(volume.spec, volume.history(), self.dropped_s)
        assert marks.full_ms is not None
        assert marks.coverage_ms is not None
        self.result["full_ms"] = marks.full_ms
        self.result["coverage_ms"] = marks.coverage_ms


class _PaintCounter:
    """Note when the axial view is painted showing another slice than before."""

    def __init__(self, window: MainWindow) -> None:
        from PySide6.QtCore import QEvent, QObject

        assert window.workspace is not None
        workspace, times = window.workspace, list[float]()
        shown = [-1]

        class Filter(QObject):
            def eventFilter(self, watched: QObject, event: QEvent) -> bool:
                if event.type() == QEvent.Type.Paint:
                    k, _ = workspace.slice_position("axial")
                    if k != shown[0]:
                        shown[0] = k
                        times.append(time.perf_counter())
                return False

        self.times = times
        self._filter = Filter()
        workspace._views["axial"].installEventFilter(self._filter)

    def slowest(self, started_s: float, ended_s: float) -> float:
        """Give the fewest paints in any whole second."""
        if ended_s - started_s < 1:
            return len(self.times) / (ended_s - started_s)
        starts = [started_s, *(t for t in self.times if t <= ended_s - 1), ended_s - 1]
        return float(min(sum(s < t <= s + 1 for t in self.times) for s in starts))


def _main_window() -> MainWindow | None:
    from PySide6.QtWidgets import QApplication

    from app.main_window import MainWindow

    return next((w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow)), None)


def _is_complete(window: MainWindow, before: object = None) -> bool:
    volume = window.session.volume
    return volume is not None and volume is not before and volume.state.is_over


def _pause(seconds: float) -> Steps:
    ends_s = time.perf_counter() + seconds
    while time.perf_counter() < ends_s:
        yield


def _shows_a_slice(window: MainWindow, before: object) -> bool:
    """Look at the screen: is there grey, noisy tissue beside the axial view's crosshair?"""
    volume, workspace = window.session.volume, window.workspace
    if volume is None or volume is before or workspace is None:
        return False
    picture = _tissue(workspace._views["axial"])
    pixels = [picture.pixelColor(i, j) for i in range(0, PATCH, 3) for j in range(0, PATCH, 3)]
    greys = {colour.red() for colour in pixels}
    is_grey = all(c.red() == c.green() == c.blue() for c in pixels)
    return is_grey and len(greys) > 3 and 50 < sum(greys) / len(greys) < 220


def _wheel_event(view: QWidget, direction: int) -> QWheelEvent:
    from PySide6.QtCore import QPoint, QPointF, Qt
    from PySide6.QtGui import QWheelEvent

    centre = QPointF(view.rect().center())
    return QWheelEvent(
        centre,
        view.mapToGlobal(centre),
        QPoint(),
        QPoint(0, 120 * direction),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )


def _mouse_event(view: QWidget, kind: str, away: int) -> QMouseEvent:
    """Make an event of a left drag that began beside the crosshair and went right."""
    from PySide6.QtCore import QEvent, QPointF, Qt
    from PySide6.QtGui import QMouseEvent

    aside = view.height() / 5
    place = QPointF(view.rect().center()) + QPointF(away - aside, -aside)
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    return QMouseEvent(
        QEvent.Type[kind],
        place,
        view.mapToGlobal(place),
        none if kind == "MouseMove" else left,
        none if kind == "MouseButtonRelease" else left,
        Qt.KeyboardModifier.NoModifier,
    )


def _send(view: QWidget, event: QEvent) -> None:
    from PySide6.QtWidgets import QApplication

    QApplication.sendEvent(view, event)


def _seen_after(view: QWidget, event: QEvent, timeout_s: float = 5.0) -> float:
    """Post an event; give the milliseconds until the screen shows another picture there."""
    from PySide6.QtCore import QCoreApplication
    from PySide6.QtWidgets import QApplication

    before, start_s = _tissue(view), time.perf_counter()
    QCoreApplication.postEvent(view, event)
    while _tissue(view) == before:
        QApplication.processEvents()
        if time.perf_counter() > start_s + timeout_s:
            raise TimeoutError("the screen did not change")
    return (time.perf_counter() - start_s) * 1000


def _psnr(one: QImage, other: QImage) -> float:
    """Give the peak signal-to-noise ratio of two pictures, decibels."""
    import numpy as np

    first, second = (
        np.frombuffer(picture.constBits(), np.uint8).reshape(-1, 4)[:, :3].astype(float)
        for picture in (one, other)
    )
    return float(10 * np.log10(255**2 / max(1e-9, ((first - second) ** 2).mean())))


def _tissue(view: QWidget) -> QImage:
    """Read some pixels beside the crosshair from the screen."""
    at = view.mapToGlobal(view.rect().center())
    x, y = at.x() + view.height() // 10, at.y() + view.height() // 7
    return view.screen().grabWindow(0, x, y, PATCH, PATCH).toImage()


def _turn_wheel(window: MainWindow, direction: int) -> int:
    """Turn the wheel one notch over the axial view; give the direction for the next turn."""
    assert window.workspace is not None
    view = window.workspace._views["axial"]
    _send(view, _wheel_event(view, direction))
    k, count = window.workspace.slice_position("axial")
    return -direction if k in (0, count - 1) else direction


def main() -> int:
    kind, *folders = sys.argv[1:]
    if kind == "start":
        sys.stdout.write("ready\n")
        sys.stdout.flush()
    set_up_graphics(software_gl=True)
    from PySide6.QtWidgets import QApplication

    application = QApplication(["voxtide"])
    scenario = Scenario(kind, folders)
    from app.main import run_window

    status = run_window(folders if kind == "start" else [], software_gl=True)
    del scenario, application
    return status


if __name__ == "__main__":
    sys.exit(main())
