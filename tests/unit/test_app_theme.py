"""The promised contrasts are computed, not believed."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from app import theme
from app.resources import read_text, resource_path

PROMISED = {
    "dark": {"text": 14.9, "text_second": 7.9, "disabled": 3.7, "accent": 7.2},
    "light": {"text": 15.1, "text_second": 5.8, "disabled": 2.8, "accent": 5.3},
}
ON_ACCENT = {"dark": 7.6, "light": 5.8}
BOTH = pytest.mark.parametrize("dress", [theme.DARK, theme.LIGHT], ids=lambda one: one.name)


@BOTH
def test_contrast_with_the_window_is_as_the_design_says(dress):
    for role, promised in PROMISED[dress.name].items():
        computed = theme.contrast(getattr(dress, role), dress.window)
        assert computed == pytest.approx(promised, abs=0.06), role
    assert theme.contrast(dress.on_accent, dress.accent) == pytest.approx(
        ON_ACCENT[dress.name], abs=0.06
    )


@BOTH
def test_text_can_be_read_on_every_ground_it_stands_on(dress):
    """Text 4.5:1, signs 3:1 (WCAG 2.2, 1.4.3 and 1.4.11)."""
    for ground in (dress.window, dress.panel, dress.raised):
        for role in ("text", "text_second"):
            assert theme.contrast(getattr(dress, role), ground) >= 4.5, (role, ground)
        for role in ("accent", "good", "warn", "error"):
            assert theme.contrast(getattr(dress, role), ground) >= 3.0, (role, ground)


@BOTH
def test_the_style_sheet_takes_every_colour_from_the_theme(dress):
    filled = theme.style_sheet(dress)
    assert "$" not in filled
    known = {getattr(dress, field.name).lower() for field in fields(dress)}
    used = {found.lower() for found in re.findall(r"#[0-9A-Fa-f]{6}\b", filled)}
    assert used <= known


def test_contrast_of_black_and_white_is_21():
    assert theme.contrast("#000000", "#FFFFFF") == pytest.approx(21.0)


def test_every_icon_is_a_line_drawing_that_takes_the_colour_of_text():
    for path in resource_path("icons").glob("*.svg"):
        if path.name != "voxtide.svg":
            svg = read_text("icons", path.name)
            assert 'stroke="currentColor"' in svg, path.name
            assert 'stroke-width="1.5"' in svg, path.name
            assert 'viewBox="0 0 20 20"' in svg, path.name


def test_every_icon_is_used():
    code = "".join(path.read_text() for path in Path(theme.__file__).parent.glob("*.py"))
    for path in resource_path("icons").glob("*.svg"):
        assert f'"{path.stem}"' in code or f'"{path.name}"' in code, path.name


def test_a_missing_resource_says_so():
    with pytest.raises(FileNotFoundError, match="no-such"):
        resource_path("no-such")
