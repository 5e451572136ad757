"""Turn files into `Instance` records: the scanner where it is sure, pydicom where it is not."""

from __future__ import annotations

import os

from loading.dicom import tags
from loading.dicom.header import Attributes, Instance
from loading.dicom.parse import looks_like_dicom, parse
from loading.dicom.scan import Layout, NeedMore, own_values, walk
from loading.dicom.templates import Template
from loading.errors import BadResponse
from loading.sources.places import Inflated, LocalFile, Place, open_readonly, source_error

FIRST_READ = 8192
MAX_SCAN = 16 << 20
"""A header longer than this is left to pydicom."""
MAX_LEARNED = 1 << 16
"""The first read never grows beyond this, so that longer headers cannot be recognised."""
_MAX_TEMPLATES = 8


class HeaderReader:
    """Read headers one after the other, learning the layouts of the series at hand.

    Not for several threads at once: parsing is bound by the interpreter's lock anyway.
    """

    def __init__(self) -> None:
        self._templates: list[Template] = []
        self._attributes: dict[tuple[str, tuple[int, ...], tuple[bytes, ...]], Attributes] = {}
        self._first_read = FIRST_READ

    def read_file(self, path: str) -> Instance:
        """Read the header of a file.

        Raises
        ------
        SourceError
            When the file cannot be read.
        BadResponse
            When it is no DICOM object that can be read, with the reason.
        """
        try:
            descriptor = open_readonly(path)
            try:
                status = os.fstat(descriptor)
                head = os.read(descriptor, self._first_read)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise source_error(error, path) from error
        place = LocalFile(path, status.st_size, status.st_mtime_ns)
        for number, template in enumerate(self._templates):
            matched = template.match(head)
            if matched is not None:
                if number:  # the next file is most likely of the same series
                    self._templates.insert(0, self._templates.pop(number))
                own, offset = matched
                layout = template.layout
                return Instance(
                    place, template.shared, own, layout.pixel_tag, offset, layout.length
                )
        return self.read_place(place, head)

    def read_place(self, place: Place, head: bytes | None = None) -> Instance:
        """Read the header of whatever has bytes (see `read_file`)."""
        if head is None:
            head = place.read_at(0, self._first_read)
        if not looks_like_dicom(head):
            raise BadResponse(*_not_dicom(head), where=place.name)
        layout = None
        try:
            layout = walk(head, place.size)
        except NeedMore as more:
            head, layout = self._walk_longer(place, head, more.wanted)
        if layout is None:
            return self._parse(place)
        return self._accept(place, head, layout)

    def _walk_longer(self, place: Place, head: bytes, wanted: int) -> tuple[bytes, Layout | None]:
        while wanted <= MAX_SCAN:
            wanted = min(max(wanted, 2 * len(head)), place.size)
            head = place.read_at(0, wanted)
            if len(head) < wanted:
                return head, None
            try:
                layout = walk(head, place.size)
            except NeedMore as more:
                wanted = more.wanted
                continue
            if layout is not None and layout.offset <= MAX_LEARNED:
                self._first_read = max(self._first_read, layout.offset + 256)
            return head, layout
        return head, None

    def _accept(self, place: Place, head: bytes, layout: Layout) -> Instance:
        shared_tags = [tag for tag in layout.values if tag not in tags.OWN_AT]
        shared = self._shared(
            layout.syntax,
            tuple(shared_tags),
            tuple([head[slice(*layout.values[tag])] for tag in shared_tags]),
        )
        own = own_values(head, layout)
        if isinstance(place, LocalFile) and layout.offset <= MAX_LEARNED:
            self._learn(head, layout, shared)
        return Instance(place, shared, own, layout.pixel_tag, layout.offset, layout.length)

    def _learn(self, head: bytes, layout: Layout, shared: Attributes) -> None:
        """Keep the latest layouts; what differs in lengths alone becomes one with more joints."""
        joints: frozenset[int] = frozenset()
        for number, known in enumerate(self._templates):
            found = known.joints_to(layout) if known.shared is shared else None
            if found is not None:
                joints = known.joints | found
                if joints != known.joints:
                    del self._templates[number]
                break
        self._templates.insert(0, Template(head, layout, shared, joints))
        del self._templates[_MAX_TEMPLATES:]

    def _parse(self, place: Place) -> Instance:
        parsed = parse(place.read_at, place.size, place.name)
        values = parsed.values
        shared_tags = tuple(tag for tag in sorted(values) if tag not in tags.OWN_AT)
        shared = self._shared(parsed.syntax, shared_tags, tuple(values[tag] for tag in shared_tags))
        own = tuple(values.get(tag, b"") for tag in tags.OWN_TAGS)
        if parsed.inflate_at:
            place = Inflated(place, parsed.inflate_at)
        return Instance(place, shared, own, parsed.pixel_tag, parsed.offset, parsed.length)

    def _shared(self, syntax: str, names: tuple[int, ...], values: tuple[bytes, ...]) -> Attributes:
        """Give one object for all files whose shared values are the same bytes."""
        key = (syntax, names, values)
        known = self._attributes.get(key)
        if known is None:
            raw = dict(zip(names, values, strict=True))
            raw.update((tag, b"1") for tag in tags.PRESENCE_TAGS if tag in raw)
            known = self._attributes[key] = Attributes(syntax, raw)
        return known


def _not_dicom(head: bytes) -> tuple[str]:
    if not head:
        return ("The file is empty",)
    for magic, kind in _KINDS:
        if head.startswith(magic):
            return (f"This is {kind}, not a DICOM object",)
    return ("This is not a DICOM object",)


_KINDS = (
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"%PDF", "a PDF"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG", "a PNG picture"),
    (b"II*\0", "a TIFF"),
    (b"MM\0*", "a TIFF"),
    (b"NRRD", "an NRRD"),
    (b"<", "a text with mark-up"),
    (b"{", "JSON"),
)
