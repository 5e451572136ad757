"""From a path to an answer: WADO-RS (PS3.18 10.4) and what Static DICOMweb adds to it.

Everything here is a function of the request and the tree, without a network.
"""

from __future__ import annotations

from collections.abc import Sequence

from loading.errors import LoadError, UnsupportedTransferSyntax
from loading.publish.indexes import number
from loading.serve import search
from loading.serve.frames import frame_numbers, frames
from loading.serve.messages import JSON, Ask, Refusal, Reply, file_reply
from loading.serve.objects import absolute, bulk, files, metadata, packed, picture
from loading.serve.store import Store


def answer(store: Store, ask: Ask) -> Reply:
    """Answer a request.

    Raises
    ------
    Refusal
        With the status and what is wrong.
    """
    if ask.method not in ("GET", "HEAD"):
        raise Refusal(405, "Only reading is served here", Allow="GET, HEAD, OPTIONS")
    try:
        return _route(store, ask)
    except LoadError as error:
        is_another_kind = isinstance(error, UnsupportedTransferSyntax)
        raise Refusal(406 if is_another_kind else 500, str(error)) from error


def _route(store: Store, ask: Ask) -> Reply:
    match ask.segments:
        case ("studies",):
            return search.find_studies(store, ask)
        case ("series",):
            return search.find_series(store, ask)
        case ("instances",):
            return search.find_instances(store, ask)
        case ("studies", study, *rest):
            return _in_study(store, ask, study, rest)
    raise Refusal(404, "There is no such resource")


def _in_study(store: Store, ask: Ask, study: str, rest: Sequence[str]) -> Reply:
    here = ("studies", study)
    match rest:
        case []:
            return files(store, ask, list(store.below(study)))
        case ["metadata"]:
            return metadata(ask, [absolute(ask, *one) for one in store.below(study)])
        case ["series"]:
            return search.find_series(store, ask, study)
        case ["instances"]:
            return search.find_instances(store, ask, study)
        case ["thumbnail"]:
            return file_reply(store.path(*here, "thumbnail"), "image/jpeg")
        case ["bulkdata", *names] if 0 < len(names) < 8:
            return bulk(store, ask, (*here, "bulkdata", *names))
        case ["series", series, *more]:
            return _in_series(store, ask, study, series, more)
    raise Refusal(404, "There is no such resource")


def _in_series(store: Store, ask: Ask, study: str, series: str, rest: Sequence[str]) -> Reply:
    here = ("studies", study, "series", series)
    match rest:
        case []:
            return files(store, ask, list(store.below(study, series)))
        case ["metadata"]:
            path = store.path(*here, "metadata.gz")
            if not path.is_file():
                return metadata(ask, [absolute(ask, *one) for one in store.below(study, series)])
            return packed(ask, file_reply(path, JSON))
        case ["renditions"]:
            path = store.path(*here, "renditions.json.gz")
            return packed(ask, file_reply(path, "application/json"))
        case ["instances"]:
            return search.find_instances(store, ask, study, series)
        case ["thumbnail"]:
            return file_reply(store.path(*here, "thumbnail"), "image/jpeg")
        case ["instances", uid, *more]:
            return _in_instance(store, ask, (study, series, uid), more)
    raise Refusal(404, "There is no such resource")


def _in_instance(store: Store, ask: Ask, uids: tuple[str, str, str], rest: Sequence[str]) -> Reply:
    match rest:
        case []:
            return files(store, ask, [(uids[0], uids[1], store.instance(*uids))])
        case ["metadata"]:
            return metadata(ask, [absolute(ask, uids[0], uids[1], store.instance(*uids))])
        case ["thumbnail" | "rendered" as kind]:
            count = max(1, int(number(store.instance(*uids), "00280008", 1)))
            return picture(store, ask, uids, count // 2 + 1 if kind == "thumbnail" else 1, kind)
        case ["frames", one, "thumbnail" | "rendered" as kind]:
            return picture(store, ask, uids, frame_numbers(one)[0], kind)
        case [rendition, numbers]:
            return frames(store, ask, uids, rendition, frame_numbers(numbers))
    raise Refusal(404, "There is no such resource")
