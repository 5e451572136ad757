"""Publish: read headers, encode all frames on all cores, then write what makes them findable.

Frames come first and the lists that name them last, so that a list never names what is not there.
Nothing is remembered between runs: a frame that is there is kept when decoding it gives just what
its source gives, so a run that was stopped goes on, and damage is mended.
"""

from __future__ import annotations

import os
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from loading.catalogue import Skipped
from loading.codecs.encode import Encoding
from loading.dicom.header import Instance
from loading.dicom.json_model import Elements, JsonHeaders
from loading.errors import LoadError, NotFound, unexpected
from loading.publish import indexes, renditions
from loading.publish.finding import Grouped, find
from loading.publish.labels import describe_rendition, relabel
from loading.publish.pictures import series_thumbnail
from loading.publish.recipe import REDUCTION, Alternate, Recipe
from loading.publish.renditions import CannotEncode, ImageFile, Written
from loading.publish.tree import Tree, read_or_none
from loading.sources.base import CancelToken

_BLOCK = 8
"""Frames that a worker takes at once: of one object, or of as many as have one each."""


@dataclass(slots=True)
class Published:
    """What a publication has done so far; also handed to the progress function.

    Attributes
    ----------
    files : int
        Files that have been looked at.
    frames, total : int
        Frames done, and how many there are; 0 while headers are read.
    raw, encoded : int
        Bytes of the frames before and after.
    kept : int
        Instances that stay as they are although another encoding was asked for.
    failed : list
        Instances that could not be published, and why.
    skipped : list
        Files that were passed over, and why.
    """

    files: int = 0
    frames: int = 0
    total: int = 0
    instances: int = 0
    raw: int = 0
    encoded: int = 0
    kept: int = 0
    failed: list[Skipped] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    series: list[tuple[str, str]] = field(default_factory=list)


Progress = Callable[[Published], None]


def publish(
    sources: Sequence[str],
    root: str | Path,
    recipe: Recipe | None = None,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    worker_count: int | None = None,
) -> Published:
    """Write DICOM objects into a static DICOMweb tree, beside what it holds already.

    Parameters
    ----------
    sources : sequence of str
        Folders, files and ZIP archives.
    root : path
        Folder of the tree; `studies` is made below it.
    progress : callable, optional
        Called in this thread as frames are done.
    cancel : CancelToken, optional
        Stops after the frames in hand; running the same again goes on.

    Raises
    ------
    LoadError
        When a source is not there, nothing can be published or nothing can be written;
        Cancelled when told to stop.
    """
    cancel = cancel or CancelToken()
    done = Published()

    def looked_at(count: int) -> None:
        done.files = count
        if progress is not None:
            progress(done)

    found = find(sources, done.skipped, cancel, looked_at)
    if not found:
        reason = f" (the first: {done.skipped[0].reason})" if done.skipped else ""
        raise NotFound(
            f"There is no DICOM object to publish{reason}",
            where=", ".join(sources[:3]),
            cure="Choose a folder with DICOM files",
        )
    done.total = sum(_frames_of(one) for group in found.values() for one in group.values())
    tree = Tree(Path(root))
    with tree.writing():
        _Publication(tree, recipe or Recipe(), done, progress, cancel).run(
            found, worker_count or os.cpu_count() or 1
        )
    return done


def _frames_of(instance: Instance) -> int:
    return (instance.shared.frames or 1) if instance.pixel_tag else 0


@dataclass(slots=True)
class _Job:
    """One instance on its way; `steps` are what its workers still have to do."""

    key: tuple[str, str]
    uid: str
    instance: Instance
    folder: str
    elements: Elements = field(default_factory=dict)
    image: ImageFile | None = None
    encoding: Encoding | None = None
    reason: str | None = None
    is_refused: bool = False
    has_failed: bool = False
    main: Written = field(default_factory=Written)
    alternates: dict[str, Written] = field(default_factory=dict)
    steps: int = 0


_Step = Callable[[], None]
_Ended = tuple[_Job, list[_Step], Exception | None]
"""A job that a worker let go of, what is still to be done of it, and why it failed."""


class _Publication:
    """One run of `publish`."""

    def __init__(
        self,
        tree: Tree,
        recipe: Recipe,
        done: Published,
        progress: Progress | None,
        cancel: CancelToken,
    ) -> None:
        self._tree = tree
        self._recipe = recipe
        self._done = done
        self._progress = progress
        self._cancel = cancel
        self._headers = JsonHeaders()
        self._guard = threading.Lock()
        # A worker that ends is found here; to wait for a set of futures costs more than a header.
        self._ended: queue.SimpleQueue[Future[list[_Ended]]] = queue.SimpleQueue()

    def run(self, found: Grouped, worker_count: int) -> None:
        """Publish all series; workers go on with the next one while the lists are written."""
        left = {key: len(found[key]) for key in found}
        jobs: dict[tuple[str, str], list[_Job]] = {key: [] for key in found}
        studies = Counter(study for study, _ in found)
        with ThreadPoolExecutor(worker_count, "publish") as pool:
            for key, job in self._frames(found, pool, 4 * worker_count):
                if job is not None:
                    jobs[key].append(job)
                left[key] -= 1
                if left[key]:
                    continue
                study = key[0]
                self._finish_series(*key, sorted(jobs.pop(key), key=lambda one: one.uid))
                studies[study] -= 1
                if not studies[study]:
                    self._finish_study(study)
        indexes.write_studies(self._tree)

    def _frames(
        self, found: Grouped, pool: ThreadPoolExecutor, ahead: int
    ) -> Iterator[tuple[tuple[str, str], _Job | None]]:
        """Do the frames of all instances; gives each one when it is done, None if it failed."""
        waiting: set[Future[list[_Ended]]] = set()
        try:
            for jobs in self._bunches(found):
                self._submit(waiting, pool.submit(self._begin_all, jobs))
                while len(waiting) >= ahead:
                    yield from self._collect(waiting, pool)
            while waiting:
                yield from self._collect(waiting, pool)
        finally:
            for one in waiting:
                one.cancel()

    def _bunches(self, found: Grouped) -> Iterator[list[_Job]]:
        """Give the instances of each series as jobs, few frames together."""
        for key, group in found.items():
            folder = str(self._tree.series(*key) / "instances")
            bunch: list[_Job] = []
            count = 0
            for uid, instance in group.items():
                bunch.append(_Job(key, uid, instance, f"{folder}/{uid}", steps=1))
                count += max(1, _frames_of(instance))
                if count >= _BLOCK:
                    yield bunch
                    bunch, count = [], 0
            if bunch:
                yield bunch

    def _submit(self, waiting: set[Future[list[_Ended]]], future: Future[list[_Ended]]) -> None:
        waiting.add(future)
        future.add_done_callback(self._ended.put)

    def _collect(
        self, waiting: set[Future[list[_Ended]]], pool: ThreadPoolExecutor
    ) -> Iterator[tuple[tuple[str, str], _Job | None]]:
        self._cancel.check()
        try:
            finished = [self._ended.get(timeout=0.2)]
        except queue.Empty:
            return
        while not self._ended.empty():
            finished.append(self._ended.get())
        for future in finished:
            waiting.remove(future)
            for job, steps, failed in future.result():
                job.steps += len(steps) - 1
                for step in steps:
                    self._submit(waiting, pool.submit(self._go_on, job, step))
                if failed is not None:
                    self._note(job, failed)
                if not job.steps:
                    yield job.key, None if job.has_failed else self._finish_instance(job)
        if self._progress is not None:
            self._progress(self._done)

    def _note(self, job: _Job, error: Exception) -> None:
        """Write down that an instance failed; it leaves the others alone."""
        told = error if isinstance(error, LoadError) else unexpected(error)
        if not job.has_failed:
            self._done.failed.append(Skipped(job.instance.place.name, told.what))
        job.has_failed = True

    def _begin_all(self, jobs: Sequence[_Job]) -> list[_Ended]:
        """Read the headers of some instances, then do what is the only step of one.

        Headers together: what reads them takes three times as long right behind an encoder, which
        leaves nothing of it in the caches of the processor.
        """
        begun = [self._try(job, partial(self._begin, job)) for job in jobs]
        return [
            self._try(job, partial(_last, steps[0])) if len(steps) == 1 else (job, steps, failed)
            for job, steps, failed in begun
        ]

    def _go_on(self, job: _Job, step: _Step) -> list[_Ended]:
        return [self._try(job, partial(_last, step))]

    def _try(self, job: _Job, work: Callable[[], list[_Step]]) -> _Ended:
        try:
            return job, work(), None
        except OSError:  # the disk: nothing more can be written
            raise
        except Exception as error:
            return job, [], error

    def _begin(self, job: _Job) -> list[_Step]:
        """Read the header; give what does the frames, in blocks where there are many."""
        tree, study = self._tree, job.key[0]
        job.elements = self._headers.elements(
            job.instance, lambda value: tree.keep_bulk(study, value)
        )
        image = job.image = renditions.open_image(job.instance, job.elements)
        if image is None:
            return []
        job.encoding = renditions.encoding_for(image, self._recipe.encoding)
        job.reason = renditions.reason_to_keep(image, job.encoding)
        count = image.form.frames
        blocks = [range(at, min(at + _BLOCK, count)) for at in range(0, count, _BLOCK)]
        return [partial(self._do, job, block) for block in blocks]

    def _do(self, job: _Job, numbers: range) -> None:
        """Write some frames of an instance in all renditions."""
        image = job.image
        for number in numbers:
            if image is None or job.has_failed or self._cancel.is_cancelled:
                return
            wanted = self._recipe.alternates if image.can_decode else ()
            is_encoded = job.reason is None and not job.is_refused
            frame = renditions.read_frame(image, number) if wanted or is_encoded else None
            main = None
            if frame is not None and is_encoded:
                main = self._encode(job, image, frame, number)
            if main is None:
                path, name = self._place(job, "frames", number)
                main = renditions.write_as_is(self._tree, path, image, number, name)
            copies = {
                one.name: written
                for one in wanted
                if frame is not None
                and (written := self._copy(job, image, frame, number, one)) is not None
            }
            with self._guard:
                job.main.add(main)
                for copy, written in copies.items():
                    job.alternates.setdefault(copy, Written()).add(written)
                self._done.frames += 1
                self._done.raw += main.raw
                self._done.encoded += main.encoded

    def _encode(
        self, job: _Job, image: ImageFile, frame: renditions.Frame, number: int
    ) -> Written | None:
        encoding = job.encoding
        assert encoding is not None  # or there is a reason to keep the frame
        path, name = self._place(job, "frames", number)
        try:
            return renditions.write_encoded(self._tree, path, image, frame, encoding, name)
        except CannotEncode:
            job.is_refused = True
            return None

    def _copy(
        self, job: _Job, image: ImageFile, frame: renditions.Frame, number: int, wanted: Alternate
    ) -> Written | None:
        """Write an alternate; frames that it cannot hold have none."""
        if wanted.is_thumbnail:
            if image.photometric == "PALETTE COLOR":  # a mean of two colours' numbers is a third
                return None
            frame = renditions.reduce(frame, REDUCTION)
        path, name = self._place(job, wanted.name, number)
        try:
            return renditions.write_encoded(self._tree, path, image, frame, wanted.encoding, name)
        except CannotEncode:
            return None

    @staticmethod
    def _place(job: _Job, rendition: str, number: int) -> tuple[str, str]:
        """Give path and name of a frame's file."""
        tail = f"{rendition}/{number + 1}"
        return f"{job.folder}/{tail}.mht", f"{job.uid}/{tail}"

    def _finish_instance(self, job: _Job) -> _Job:
        """Label an instance; where one frame resisted its encoding, all stay as they are."""
        self._done.instances += 1
        image = job.image
        if image is None:
            return job
        if job.is_refused:
            job.main = Written()
            for number in range(image.form.frames):
                path, name = self._place(job, "frames", number)
                job.main.add(renditions.write_as_is(self._tree, path, image, number, name))
        self._done.kept += job.is_refused or bool(job.reason)
        tag = f"{job.instance.pixel_tag:08X}"
        job.elements = relabel(job.elements, job.main, job.uid, tag, image.pixel_vr)
        return job

    def _finish_series(self, study: str, series: str, jobs: list[_Job]) -> None:
        """Write what names the instances of a series."""
        if not jobs:
            return
        self._done.series.append((study, series))
        tree, folder = self._tree, self._tree.series(study, series)
        instances = indexes.write_series(tree, study, series, [job.elements for job in jobs])
        if any(job.image for job in jobs):
            first = indexes.parsed(instances[0])
            tree.write_json(folder / "renditions.json.gz", self._renditions(jobs, first))
        thumbnail = series_thumbnail(folder, instances)
        if thumbnail is not None and read_or_none(folder / "thumbnail") != thumbnail:
            tree.write(folder / "thumbnail", thumbnail)

    def _renditions(self, jobs: list[_Job], first: indexes.Object) -> list[indexes.Object]:
        """Describe under which names the frames of a series are there."""
        main = Written()
        for job in jobs:
            if job.image:
                main.add(job.main)
        told = [describe_rendition("frames", main, first, None)]
        for alternate in self._recipe.alternates:
            copies = [
                job.alternates[alternate.name] for job in jobs if alternate.name in job.alternates
            ]
            total = Written()
            for one in copies:
                total.add(one)
            if copies:
                told.append(describe_rendition(alternate.name, total, first, alternate))
        return told

    def _finish_study(self, study: str) -> None:
        """Write what names a study; its thumbnail is that of its largest series."""
        tree, folder = self._tree, self._tree.study(study)
        entries = indexes.write_study(tree, study)
        entries.sort(key=lambda one: -indexes.number(one, "00201209", 0))
        for entry in entries:
            series = folder / "series" / str(indexes.value_of(entry, indexes.SERIES_UID))
            thumbnail = read_or_none(series / "thumbnail")
            if thumbnail is not None:
                if read_or_none(folder / "thumbnail") != thumbnail:
                    tree.write(folder / "thumbnail", thumbnail)
                return


def _last(step: _Step) -> list[_Step]:
    step()
    return []
