"""The page of formats names exactly the transfer syntaxes that the engine knows."""

import re

from loading.dicom.syntaxes import NAMES
from tests.architecture.sources import ROOT


def test_the_transfer_syntaxes_of_the_page_are_those_of_the_engine():
    page = (ROOT / "docs" / "formats.md").read_text("utf-8")
    named = re.findall(r"^\| .* \| (1\.2\.840\.10008\.1\.2[.\d]*) \|", page, re.MULTILINE)
    assert sorted(named) == sorted(NAMES)
