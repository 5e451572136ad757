"""What is said where there is no image: damage is told apart from what is no picture."""

import pytest

from app.opening_words import failure_of
from loading import NothingFound
from loading.catalogue import Catalogue, Skipped


def said(*reasons, cure=""):
    files = tuple(Skipped(f"/data/{n}", reason) for n, reason in enumerate(reasons))
    error = NothingFound(Catalogue("/data", skipped=files), "Nothing can be opened", cure=cure)
    return failure_of("data", ["/data"], error)


@pytest.mark.parametrize(
    "reason",
    [
        "The file is empty",
        "The file ends inside its header",
        "The header is damaged (KeyError)",
        "it ends early: 900 of 3200 bytes of pixels are missing",
    ],
)
def test_what_is_damaged_is_to_be_copied_again(reason):
    failure = said(reason)
    assert failure.title.endswith("could not be read")
    assert "Copy it again" in failure.text


@pytest.mark.parametrize(
    "reason",
    [
        "MINC files need SimpleITK",
        "Structure set, without pixels",
        "JPEG XS (1.2.840.10008.1.2.4.110) cannot be decoded",
        "The header of the picture is damaged, or of a kind not read",
    ],
)
def test_what_is_whole_but_cannot_be_shown_is_not_called_damaged(reason):
    failure = said(reason)
    assert failure.title.startswith("No images found")
    assert failure.text == f"1 file read. {reason} (1)."
    assert said(reason, cure="Install it").text.endswith("Install it.")


def test_damage_beside_something_else_keeps_the_cure_of_the_error():
    failure = said("The file is empty", "RT plan without pixels", cure="Choose another")
    assert failure.title.startswith("No images found")
    assert failure.text.endswith("Choose another.")
