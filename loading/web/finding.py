"""Find the server behind a viewer's page, which names studies but seldom where they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from loading.errors import Cancelled, LoadError, NotFound, Unauthorised
from loading.sources.base import CancelToken
from loading.web.http import HttpClient, HttpRequest, shared_client
from loading.web.links import Link
from loading.web.messages import origin_of
from loading.web.qido import Archive
from loading.web.viewer_links import configuration_of, places_to_look, roots_in

_MAX_CONFIGURATION = 1 << 20


def find_server(
    link: Link,
    known: tuple[str, ...] = (),
    *,
    may_contact: Callable[[str], bool] = lambda root: True,
    client: HttpClient | None = None,
    cancel: CancelToken | None = None,
) -> Link:
    """Give the link with its `root`; one that has a root already is given as it is.

    The page's own configuration is read first, then known servers of the same host and the usual
    places are tried: the one that has the study is it.

    Parameters
    ----------
    known : tuple of str
        Roots of servers that the user has saved.
    may_contact : callable
        Asked before another host than that of the page is contacted.

    Raises
    ------
    NotFound
        When no server with the study was found.
    Unauthorised
        When one was found that lets nobody in.
    """
    if link.root:
        return link
    client = client or shared_client()
    roots = [
        *_configured(link, client, cancel),
        *(root for root in known if origin_of(root) == link.origin),
        *places_to_look(link),
    ]
    shut: LoadError | None = None
    for root in dict.fromkeys(roots):
        if origin_of(root) != link.origin and not may_contact(root):
            continue
        try:
            rows = Archive(root, client).rows(
                "studies", [("StudyInstanceUID", link.study), ("limit", "1")], cancel
            )
        except Cancelled:
            raise
        except Unauthorised as error:
            shut = shut or error
            continue
        except LoadError:
            continue
        if rows:
            return replace(link, root=root, site="")
    if shut is not None:
        raise shut
    raise NotFound(
        "The page does not tell which server has the study, and none was found beside it",
        where=link.host,
        cure="Give the address of the DICOMweb server itself",
    )


def _configured(link: Link, client: HttpClient, cancel: CancelToken | None) -> list[str]:
    """Read the servers of an OHIF page; nothing where there is no such file."""
    request = HttpRequest(
        configuration_of(link), compressed=True, max_bytes=_MAX_CONFIGURATION, attempts=1
    )
    try:
        answer = client.get(request, cancel)
    except Cancelled:
        raise
    except LoadError:
        return []
    return roots_in(bytes(answer.body).decode("utf-8", "replace"), link.site)
