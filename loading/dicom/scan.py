"""Read the few attributes that matter from the head of a file, much faster than a full parser.

The scanner knows explicit and implicit VR little endian, with tags in ascending order. Whatever
it is not sure of (another encoding, an unknown VR, a length that does not fit) it declines, and
pydicom decides. Where it does answer it gives what pydicom would give; a property test holds it
to that.

Slices of one series differ in few bytes. So the first file of a layout is walked element by
element; the next file of the same size is compared with it at all element headers and shared
values at once, and when these are equal its own values lie at the same offsets: the walk would
have taken the same steps.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from loading.dicom import tags
from loading.dicom.header import UNDEFINED
from loading.dicom.syntaxes import DEFLATED, EXPLICIT_BIG, IMPLICIT_LITTLE, NAMES

MAX_DEPTH = 24
_MAGIC = b"DICM"
_UNDEFINED_LENGTH = 0xFFFFFFFF
_ITEM = 0xFFFEE000
_ITEM_END = 0xFFFEE00D
_SEQUENCE_END = 0xFFFEE0DD

_explicit = Struct("<HH2sH").unpack_from
_implicit = Struct("<HHL").unpack_from
_tag = Struct("<HH").unpack_from
_short_form = Struct("<6sH").unpack_from
_long_form = Struct("<4sL").unpack_from
_long = Struct("<L").unpack_from

_SHORT_VR = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
_LONG_VR = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_PIXEL_VR = (b"OW", b"OB", b"OF", b"OD", b"UN")
_KNOWN_SYNTAXES = frozenset(uid.encode() for uid in NAMES) - {
    DEFLATED.encode(),
    EXPLICIT_BIG.encode(),
}


_CODE_STRING = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _\\"


class Unsure(Exception):
    """Raised inside the scanner where pydicom must decide."""


class NeedMore(Exception):
    """Raised inside the scanner when the head is too short; carries the bytes wanted."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted


Step = tuple[int, int, int, int]
"""Tag of an element, where its header begins, the length of the header and that of the value."""


class Layout(NamedTuple):
    """Where the elements of one file lie.

    Attributes
    ----------
    steps : list of Step
        The elements outside sequences, those without a length left out.
    marks : list of tuple
        (offset, length) of what must be the same in the next file: each element header that the
        walk looked at, with the values of shared attributes.
    values : dict
        Tag to (start, end) of its value, for wanted attributes that are not empty; of sequences
        whose presence counts, the tag itself.
    """

    syntax: str
    steps: list[Step]
    marks: list[tuple[int, int]]
    values: dict[int, tuple[int, int]]
    pixel_tag: int
    offset: int
    length: int


def walk(head: bytes, size: int) -> Layout | None:
    """Find the wanted elements in the head of a file of `size` bytes; None when not sure.

    Raises
    ------
    NeedMore
        When the walk runs beyond the head although the file goes on.
    """
    try:
        return _walk(head, size)
    except Unsure:
        return None


def _walk(head: bytes, size: int) -> Layout:
    if head[128:132] != _MAGIC:
        raise Unsure
    marks = [(128, 4)]
    steps: list[Step] = []
    values: dict[int, tuple[int, int]] = {}
    at = _walk_meta(head, size, steps, marks, values)
    span = values.get(tags.TRANSFER_SYNTAX)
    if span is None:
        raise Unsure
    syntax = head[span[0] : span[1]].rstrip(b" \0")
    if syntax not in _KNOWN_SYNTAXES:
        raise Unsure
    explicit = syntax != IMPLICIT_LITTLE.encode()
    pixel_tag, offset, length = _walk_body(head, size, at, explicit, steps, marks, values)
    span = values.get(tags.CHARACTER_SET, (0, 0))
    if head[span[0] : span[1]].rstrip(b" \0").translate(None, _CODE_STRING):
        raise Unsure  # pydicom reads this one at once and may refuse the file for it
    return Layout(syntax.decode(), steps, marks, values, pixel_tag, offset, length)


def _walk_meta(
    head: bytes,
    size: int,
    steps: list[Step],
    marks: list[tuple[int, int]],
    values: dict[int, tuple[int, int]],
) -> int:
    """Walk group 2, which is always explicit little endian; give where the data set begins."""
    at, last = 132, -1
    while True:
        if at + 12 > len(head):
            if len(head) < size:
                raise NeedMore(at + 4096)
            raise Unsure
        group, element, vr, length = _explicit(head, at)
        if group != 2:
            marks.append((at, 2))
            return at
        start = at + 8
        if vr in _LONG_VR:
            length = _long(head, start)[0]
            start += 4
        elif vr not in _SHORT_VR:
            raise Unsure
        tag = group << 16 | element
        end = start + length
        if tag <= last or end > size:
            raise Unsure
        marks.append((at, start - at))
        steps.append((tag, at, start - at, length))
        if tag in tags.WANTED_TAGS and length:
            if end > len(head):
                raise NeedMore(end + 4096)
            values[tag] = (start, end)
            marks.append((start, length))
        last, at = tag, end


def _walk_body(
    head: bytes,
    size: int,
    at: int,
    explicit: bool,
    steps: list[Step],
    marks: list[tuple[int, int]],
    values: dict[int, tuple[int, int]],
) -> tuple[int, int, int]:
    """Walk the data set up to the pixels; give tag, offset and length of these."""
    if not explicit and head[at + 4 : at + 6].isalpha():
        raise Unsure  # the label says implicit, the bytes look explicit
    kinds, begin = (_EXPLICIT_KINDS, _short_form) if explicit else (_IMPLICIT_KINDS, _long_form)
    have, last = len(head) - 16, -1
    while True:
        if at > have:
            if have + 16 < size:
                raise NeedMore(at + 4096)
            raise Unsure  # no pixels: not a slice, pydicom may tell what it is
        key, length = begin(head, at)
        tag, width, role = kinds.get(key) or _classify(key, kinds)
        if tag <= last:
            raise Unsure
        if width == 12:
            length = _long(head, at + 8)[0]
        start, last = at + width, tag
        if length == _UNDEFINED_LENGTH and role != _PIXELS:
            if role > _PRESENCE or (explicit and role == _SKIP):
                raise Unsure
            if role == _PRESENCE:
                values[tag] = (at, at + 4)
            marks.append((at, width))
            at = _skip_sequence(head, size, start, explicit, marks)
            continue
        end = start + length
        steps.append((tag, at, width, length))
        if role == _PRESENCE:
            values[tag] = (at, at + 4)
        elif role > _PRESENCE:
            if role == _PIXELS:
                marks.append((at, width))
                return tag, start, UNDEFINED if length == _UNDEFINED_LENGTH else length
            if length:
                if end > have + 16 and end <= size:
                    raise NeedMore(end + 4096)
                values[tag] = (start, end)
                if role == _SHARED:
                    width += length
        if end > size:
            raise Unsure
        marks.append((at, width))
        at = end


_SKIP, _SEQUENCE, _PRESENCE, _OWN, _SHARED, _PIXELS = range(6)
_Kinds = dict[bytes, tuple[int, int, int]]
_EXPLICIT_KINDS: _Kinds = {}
_IMPLICIT_KINDS: _Kinds = {}


def _classify(key: bytes, kinds: _Kinds) -> tuple[int, int, int]:
    """Say of the first bytes of an element: tag, length of its header, what to do with it."""
    group, element = _tag(key)
    tag = group << 16 | element
    vr = key[4:]
    if tag > tags.PIXELS or (vr and vr not in _SHORT_VR and vr not in _LONG_VR):
        raise Unsure
    role = _SEQUENCE if vr == b"SQ" else _SKIP
    if tag in tags.WANTED_TAGS:
        role = _OWN if tag in tags.OWN_AT else _SHARED
    if tag in tags.PRESENCE_TAGS:
        role = _PRESENCE
        if vr not in (b"", b"SQ"):
            raise Unsure
    if tag in tags.PIXEL_TAGS:
        role = _PIXELS
        if vr and vr not in _PIXEL_VR:
            raise Unsure
    if len(kinds) > 20_000:  # damaged files could fill it for ever
        kinds.clear()
    kind = kinds[key] = (tag, 12 if vr in _LONG_VR else 8, role)
    return kind


def _skip_sequence(
    head: bytes, size: int, at: int, explicit: bool, marks: list[tuple[int, int]]
) -> int:
    """Step over a sequence of undefined length, items within items, without recursion.

    `stack` holds for each open sequence -1 and for each open item its end (0: delimited).
    """
    stack = [-1]
    have = len(head)
    while stack:
        top = stack[-1]
        if top > 0 and at >= top:
            if at > top:
                raise Unsure  # an element sticks out of its item
            stack.pop()
            continue
        if at + 16 > have:
            if have < size:
                raise NeedMore(at + 4096)
            raise Unsure
        group, element, length = _implicit(head, at)
        tag = group << 16 | element
        if top == -1 or tag == _ITEM_END:
            marks.append((at, 8))
            at = _step_delimiter(tag, length, at, size, stack)
        else:
            at = _step_element(head, at, size, explicit, stack, marks)
    return at


def _step_delimiter(tag: int, length: int, at: int, size: int, stack: list[int]) -> int:
    """Open an item, or close an item or a sequence; give the offset behind it."""
    at += 8
    top = stack[-1]
    if tag == _ITEM and top == -1:
        if length == _UNDEFINED_LENGTH:
            stack.append(0)
        elif at + length > size:
            raise Unsure
        elif length:
            stack.append(at + length)
    elif length:
        raise Unsure
    elif (tag == _SEQUENCE_END and top == -1) or (tag == _ITEM_END and top == 0):
        stack.pop()
    else:
        raise Unsure
    if len(stack) > 2 * MAX_DEPTH:
        raise Unsure
    return at


def _step_element(
    head: bytes, at: int, size: int, explicit: bool, stack: list[int], marks: list[tuple[int, int]]
) -> int:
    """Step over one element inside an item, or into it when it is a sequence without length."""
    start = at + 8
    is_sequence = not explicit
    if explicit:
        group, _, vr, length = _explicit(head, at)
        is_sequence = vr == b"SQ"
        if vr in _LONG_VR:
            length = _long(head, start)[0]
            start += 4
        elif vr not in _SHORT_VR:
            raise Unsure
    else:
        group, _, length = _implicit(head, at)
    if group == 0xFFFE:
        raise Unsure
    marks.append((at, start - at))
    if length == _UNDEFINED_LENGTH:
        # An implicit element without length is a sequence only if items follow.
        if not is_sequence or head[start : start + 4] not in (
            b"\xfe\xff\x00\xe0",
            b"\xfe\xff\xdd\xe0",
        ):
            raise Unsure
        stack.append(-1)
        if len(stack) > 2 * MAX_DEPTH:
            raise Unsure
        return start
    end: int = start + length
    if end > size:
        raise Unsure
    return end


def own_values(head: bytes, layout: Layout) -> tuple[bytes, ...]:
    """Take the own values of a file, in the order of `tags.OWN_TAGS`; empty where absent."""
    return tuple([head[part] for part in own_slices(layout)])


def own_slices(layout: Layout) -> list[slice]:
    """Give where the own values lie, in the order of `tags.OWN_TAGS`."""
    get = layout.values.get
    return [slice(*get(tag, _NONE)) for tag in tags.OWN_TAGS]


_NONE = (0, 0)
