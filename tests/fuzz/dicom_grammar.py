"""DICOM as a tree: read from explicit little endian, changed by its grammar, written again.

A change may be legal (another number of rows, a sequence without a length) or not (a length that
lies, an item where an element belongs); the bytes around it stay consistent, so that damage gets
past the first check and reaches what is behind it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from tests.fuzz.values import BYTES, NUMBERS, scramble

_LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR",
                   b"UT", b"UV"))  # fmt: skip
_UNDEFINED = 0xFFFFFFFF
MOST_BYTES = 1 << 22
MOST_LISTS = 1000
"""A tree with more branches is not changed any further: it would grow without end."""
_ITEM, _ITEM_END, _SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0", b"\xfe\xff\xdd\xe0"
_VRS = (b"US", b"UL", b"DS", b"IS", b"SQ", b"OB", b"OW", b"UN", b"FD", b"LO", b"UI", b"??", b"AT")
_CODES = (b"MONOCHROME1 ", b"MONOCHROME2 ", b"RGB ", b"YBR_FULL", b"YBR_FULL_422", b"YBR_ICT ",
          b"PALETTE COLOR ", b"CT", b"MR", b"PT", b"SEG ", b"ORIGINAL\\PRIMARY\\MOSAIC",
          b"BQML", b"")  # fmt: skip
_SYNTAXES = ("", ".1", ".2", ".5", ".1.99", ".4.50", ".4.51", ".4.57", ".4.70", ".4.80", ".4.90",
             ".4.91", ".4.201", ".4.203", ".4.110", ".4.111", ".4.102", ".1.98",
             ".8.1")  # fmt: skip
_CLASSES = ("2", "2.1", "4", "4.1", "4.4", "7", "128", "130", "66.4", "481.2", "481.3", "88.11",
            "6.1", "77.1.6", "20")  # fmt: skip


@dataclass(slots=True)
class Element:
    """One element; `lie` is added to its length, `length` replaces it."""

    tag: bytes
    vr: bytes
    value: bytes = b""
    items: list[Item] | None = None
    fragments: list[bytes] | None = None
    undefined: bool = False
    delimiter: bytes = _SEQUENCE_END + bytes(4)
    lie: int = 0
    length: int | None = None


@dataclass(slots=True)
class Item:
    """One item of a sequence."""

    elements: list[Element] = field(default_factory=list)
    undefined: bool = False
    delimiter: bytes = _ITEM_END + bytes(4)
    lie: int = 0
    tag: bytes = _ITEM


def read_tree(data: bytes) -> tuple[bytes, list[Element]]:
    """Give preamble and elements of a file in explicit little endian (what our seeds are)."""
    assert data[128:132] == b"DICM"
    elements, _ = _read_elements(data, 132, len(data))
    return data[:132], elements


def _read_elements(data: bytes, at: int, end: int) -> tuple[list[Element], int]:
    found: list[Element] = []
    while at + 8 <= end:
        tag = data[at : at + 4]
        if tag in (_ITEM_END, _SEQUENCE_END):
            return found, at + 8
        vr = data[at + 4 : at + 6]
        if vr in _LONG:
            length, start = int.from_bytes(data[at + 8 : at + 12], "little"), at + 12
        else:
            length, start = int.from_bytes(data[at + 6 : at + 8], "little"), at + 8
        element = Element(tag, vr)
        if vr == b"SQ":
            element.undefined = length == _UNDEFINED
            element.items, at = _read_items(data, start, end, length)
        elif length == _UNDEFINED:
            element.undefined = True
            element.fragments, at = _read_fragments(data, start, end)
        else:
            element.value, at = data[start : start + length], start + length
        found.append(element)
    return found, at


def _read_items(data: bytes, at: int, end: int, length: int) -> tuple[list[Item], int]:
    items: list[Item] = []
    stop = end if length == _UNDEFINED else min(end, at + length)
    while at + 8 <= stop:
        tag, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8
        if tag == _SEQUENCE_END:
            break
        undefined = size == _UNDEFINED
        elements, behind = _read_elements(data, at, end if undefined else min(stop, at + size))
        items.append(Item(elements, undefined))
        at = behind if undefined else at + size
    return items, at


def _read_fragments(data: bytes, at: int, end: int) -> tuple[list[bytes], int]:
    fragments: list[bytes] = []
    while at + 8 <= end:
        tag, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8
        if tag == _SEQUENCE_END:
            break
        fragments.append(data[at : at + size])
        at += size
    return fragments, at


def write_tree(preamble: bytes, elements: list[Element]) -> bytes:
    """Write a tree in explicit little endian, lies included."""
    return preamble + b"".join(map(_write, elements))


def _write(element: Element) -> bytes:
    behind = element.delimiter if element.undefined else b""
    if element.items is not None:
        body = b"".join(map(_write_item, element.items))
    elif element.fragments is not None:
        body = b"".join(_ITEM + len(f).to_bytes(4, "little") + f for f in element.fragments)
    else:
        body = element.value
    length = _UNDEFINED if element.undefined else len(body)
    if element.length is not None:
        length = element.length
    length = (length + element.lie) & _UNDEFINED
    if element.vr in _LONG:
        return element.tag + element.vr + bytes(2) + length.to_bytes(4, "little") + body + behind
    return element.tag + element.vr + (length & 0xFFFF).to_bytes(2, "little") + body + behind


def _write_item(item: Item) -> bytes:
    body = b"".join(map(_write, item.elements))
    length = _UNDEFINED if item.undefined else (len(body) + item.lie) & _UNDEFINED
    return (
        item.tag + length.to_bytes(4, "little") + body + (item.delimiter if item.undefined else b"")
    )


def change(data: bytes, rng: random.Random) -> bytes:
    """Change a file in a few places of its tree."""
    preamble, elements = read_tree(data)
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        holders = _lists(elements)
        holder = rng.choice(holders) if rng.random() < 0.6 else elements
        if holder and len(holders) < MOST_LISTS:
            _change_one(holder, rng.randrange(len(holder)), rng)
    return write_tree(preamble, elements) if _size(elements, {}) < MOST_BYTES else data


def _size(elements: list[Element], known: dict[int, int]) -> int:
    """Count about the bytes of a tree, without writing it; parts may be there many times."""
    if id(elements) not in known:
        known[id(elements)] = sum(
            12
            + len(element.value)
            + sum(map(len, element.fragments or ()))
            + sum(16 + _size(item.elements, known) for item in element.items or ())
            for element in elements
        )
    return known[id(elements)]


def _lists(elements: list[Element]) -> list[list[Element]]:
    """Give the lists of elements of a tree, at every depth; the first thousand."""
    found = [elements]
    for here in found:
        for element in here:
            found += [item.elements for item in (element.items or ())[:100]]
        if len(found) > MOST_LISTS:
            break
    return found


def _change_one(holder: list[Element], at: int, rng: random.Random) -> None:
    element = holder[at]
    act = rng.randrange(20)
    if element.items is not None and act < 14:
        _change_sequence(element, rng)
    elif element.fragments is not None and act < 14:
        _change_fragments(element, rng)
    elif act < 12:
        element.value = new_value(element.vr, element.value, rng)
    elif act == 12:
        element.vr = rng.choice(_VRS)
    elif act == 13:
        element.lie = rng.choice((-2, -1, 1, 2, 8, 1 << 16, 1 << 31))
    elif act == 14:
        element.length = rng.choice((_UNDEFINED, 0, 1, 0xFFFFFFFE, 0x7FFFFFFF, 0xFFFF))
    elif act == 15:
        del holder[at]
    elif act == 16:
        holder.insert(rng.randrange(len(holder)), element)
    elif act == 17:
        holder[at:] = holder[at:][::-1]
    elif act == 18:
        element.tag = rng.choice(holder).tag
    else:
        number = rng.choice((b"\x28\0\x10\0", b"\x28\0\x08\0", b"\x28\0\0\x30", b"\x20\0\x32\0"))
        holder.insert(at, Element(number, rng.choice(_VRS), rng.choice(BYTES)))


def _change_sequence(element: Element, rng: random.Random) -> None:
    items = element.items if element.items is not None else []
    act = rng.randrange(10)
    item = rng.choice(items) if items else Item()
    if act == 0:
        element.undefined = not element.undefined
    elif act == 1:
        item.undefined = not item.undefined
    elif act == 2:
        items.append(Item([], undefined=rng.random() < 0.3))
        element.undefined = rng.random() < 0.7
    elif act == 3:
        item.delimiter = rng.choice((b"", _SEQUENCE_END + bytes(4), _ITEM_END + b"\1\0\0\0", _ITEM))
        item.undefined = True
    elif act == 4:
        element.delimiter = rng.choice((b"", _ITEM_END + bytes(4), _SEQUENCE_END + b"\xff" * 4))
        element.undefined = True
    elif act == 5:
        item.lie = rng.choice((-8, -1, 1, 2, 8, 1 << 20))
    elif act == 6:
        items *= rng.choice((0, 2, 3, 300)) if len(items) < 20 else 0
    elif act == 7:
        for _ in range(rng.choice((1, 5, 40))):
            deeper = Element(element.tag, b"SQ", items=element.items, undefined=element.undefined)
            element.items = [Item([deeper], undefined=rng.random() < 0.5)]
    elif act == 8:
        rng.shuffle(items)
    else:
        item.tag = rng.choice((_ITEM_END, _SEQUENCE_END, b"\x28\0\x10\0"))


def _change_fragments(element: Element, rng: random.Random) -> None:
    fragments = element.fragments if element.fragments is not None else []
    at = rng.randrange(len(fragments)) if fragments else 0
    act = rng.randrange(7)
    if not fragments or act == 0:
        fragments.append(rng.choice(BYTES))
    elif act == 1:
        del fragments[at]
    elif act == 2:
        fragments.insert(at, fragments[at])
    elif act == 3:
        cut = rng.randrange(len(fragments[at]) + 1)
        fragments[at : at + 1] = [fragments[at][:cut], fragments[at][cut:]]
    elif act == 4:
        element.delimiter = b""
    elif act == 5:
        fragments[0] = b"".join(rng.choice(BYTES)[:4].ljust(4, b"\0") for _ in fragments[1:])
    else:
        fragments[at] = scramble(fragments[at], rng)


def new_value(vr: bytes, old: bytes, rng: random.Random) -> bytes:
    """Give another value that the type could hold, or could nearly hold."""
    if vr in (b"US", b"SS"):
        return rng.choice((0, 1, 2, 3, 7, 8, 16, 17, 32, 64, 255, 4096, 32768, 65535)).to_bytes(
            2, "little"
        ) * rng.choice((1, 1, 1, 0, 3))
    if vr in (b"UL", b"SL", b"AT", b"FD", b"FL", b"OF", b"OD"):
        return rng.choice(BYTES) * rng.choice((1, 1, 2))
    if vr in (b"DS", b"IS"):
        parts = old.strip(b" \0").split(b"\\")
        for _ in range(rng.choice((1, 1, 2))):
            parts[rng.randrange(len(parts))] = rng.choice(NUMBERS)
        if rng.random() < 0.2:
            parts = parts[: rng.randrange(len(parts) + 1)] or [b""]
        return _even(b"\\".join(parts), b" ")
    if vr == b"UI":
        syntax = "1.2.840.10008.1.2" + rng.choice(_SYNTAXES)
        kind = "1.2.840.10008.5.1.4.1.1." + rng.choice(_CLASSES)
        choice = rng.choice((syntax, syntax, kind, kind, "1.2.840.10008.1.3.10", "1.2.3", "", "x"))
        return _even(choice.encode(), b"\0")
    if vr == b"CS":
        return _even(rng.choice(_CODES), b" ")
    return scramble(old or b"\0\0", rng)


def _even(value: bytes, padding: bytes) -> bytes:
    return value + padding if len(value) % 2 else value
