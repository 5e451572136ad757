"""Nothing stronger than the LGPL is installed with the program, and About names every part."""

import json
import re
import sys

from app import licences

# What a licence's own words may say. An alternative ("OR") is enough; a conjunction is not.
ALLOWED = re.compile(
    r"MIT|BSD|0BSD|ISC|Zlib|zlib|Apache|PSF|Python Software Foundation|CC0|HPND|LGPL-(2\.1|3\.0)"
    r"|MPL-2\.0|Unlicense|public domain",
    re.IGNORECASE,
)
FORBIDDEN = re.compile(r"(?<!L)A?GPL|SSPL|CC-BY-NC|proprietary|commercial", re.IGNORECASE)


def is_allowed(licence: str) -> bool:
    """Tell whether one of the alternatives consists of allowed licences only."""
    return any(
        all(ALLOWED.search(part) and not FORBIDDEN.search(part) for part in way.split(" AND "))
        for way in licence.split(" OR ")
    )


def test_the_judge():
    assert is_allowed("LGPL-3.0-only OR GPL-2.0-only OR GPL-3.0-only")
    assert is_allowed("MPL-2.0 AND MIT")
    assert not is_allowed("GPL-3.0-only")
    assert not is_allowed("MIT AND GPL-2.0-or-later")
    assert not is_allowed("GNU General Public License v2 (GPLv2)")
    assert not is_allowed("")


def test_nothing_stronger_than_the_lgpl_is_installed_with_it():
    found = {part.name: part.licence for part in licences.parts()}
    assert {name: said for name, said in found.items() if not is_allowed(said)} == {}
    wanted = {"numpy", "vtk", "pydicom", "imagecodecs", "PySide6_Essentials", "shiboken6"}
    assert wanted <= set(found)
    assert not {name.lower() for name in found} & {"pylibjpeg-libjpeg", "python-gdcm", "simpleitk"}


def test_a_package_lists_what_was_packed(tmp_path, monkeypatch):
    folder = tmp_path / "licenses"
    folder.mkdir()
    entries = [{"name": "Qt", "version": "6", "licence": "LGPL-3.0-only", "source": "https://x"}]
    (folder / "index.json").write_text(json.dumps(entries))
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "voxtide"))
    assert licences.parts() == [licences.Part("Qt", "6", "LGPL-3.0-only", "https://x")]
    (folder / "index.json").write_text("{")
    assert licences.parts() == []
