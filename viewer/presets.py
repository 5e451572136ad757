"""Looks of the 3D view: opacity and colour by value, under their usual names.

The numbers are those of 3D Slicer's volume rendering presets, which other programs ship too, but
for those that look otherwise on whole and cropped bodies than their names say; the reason stands
beside each. CT presets are in HU. MR numbers mean nothing by themselves: such a preset names the
`span` of its values that is laid over the 1 to 99 percent range of the data. "Relative" presets
(ours) give values as parts of that range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

OpacityPoints = tuple[tuple[float, float], ...]
ColourPoints = tuple[tuple[float, int], ...]


@dataclass(frozen=True, slots=True)
class Shade:
    """How light falls on a preset (ambient, diffuse, specular, specular power)."""

    ambient: float
    diffuse: float
    specular: float
    power: float


_SOFT = Shade(0.1, 0.9, 0.2, 10.0)
_MATT = Shade(0.2, 1.0, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Preset:
    """One look.

    Attributes
    ----------
    opacity : pairs (value, opacity per millimetre-sized step)
    colour : pairs (value, 0xRRGGBB)
    shade : Shade or None
        None is never shaded.
    gradient : pairs (gradient magnitude, factor) or empty
        Values per voxel step; scaled with the span.
    span : pair or None
        Values that are laid over the data's 1 to 99 percent range; None: absolute.
    modality : str
        Whose presets list it stands in; "" for all.
    """

    name: str
    title: str
    opacity: OpacityPoints
    colour: ColourPoints
    shade: Shade | None
    gradient: OpacityPoints = ()
    span: tuple[float, float] | None = None
    modality: str = "CT"
    is_maximum: bool = False


_UNIT = (0.0, 1.0)


def _points(text: str) -> OpacityPoints:
    """Read "value:opacity value:opacity"."""
    pairs = (pair.split(":") for pair in text.split())
    return tuple((float(value), float(part)) for value, part in pairs)


def _colours(text: str) -> ColourPoints:
    """Read "value:rrggbb value:rrggbb"."""
    pairs = (pair.split(":") for pair in text.split())
    return tuple((float(value), int(colour, 16)) for value, colour in pairs)


def _preset(
    name: str,
    title: str,
    *,
    opacity: str,
    colour: str,
    shade: Shade | None,
    gradient: str = "",
    span: tuple[float, float] | None = None,
    modality: str = "CT",
    is_maximum: bool = False,
) -> Preset:
    """Make a preset of points written as "value:opacity" and "value:rrggbb"."""
    return Preset(
        name,
        title,
        _points(opacity),
        _colours(colour),
        shade,
        _points(gradient),
        span,
        modality,
        is_maximum,
    )


_TABLE: Final[tuple[Preset, ...]] = (
    _preset(
        "CT-Bone",
        "Bone",
        # Slicer's begins at -16 HU, where a cropped body is one red block: ours begins at bone, is
        # soon opaque, and ivory, with contrast medium and spongy bone in brown.
        opacity="-3024:0 160:0 260:0.35 420:0.9 3071:0.95",
        colour="-3024:000000 160:B5714A 260:E2BE91 420:F2E6CB 3071:FFFFFF",
        shade=Shade(0.18, 0.95, 0.2, 16),
    ),
    _preset(
        "CT-Muscle",
        "Muscle",
        # Slicer's shows fat as well, in the orange of everything else: ours is flesh and ivory.
        opacity="-3024:0 -60:0 40:0.3 120:0.7 300:0.85 3071:0.85",
        colour="-3024:000000 -60:7A2A1E 40:A8442F 120:C8694A 220:E8C79A 420:FFF4E6 3071:FFFFFF",
        shade=Shade(0.25, 0.8, 0.1, 10),
    ),
    _preset(
        "CT-Soft-Tissue",
        "Soft tissue",
        # Slicer's, unshaded, goes from nothing to everything within 7 HU: noise and rings.
        opacity="-3024:0 -250:0 -120:0.5 0:0.95 3071:1",
        colour="-3024:000000 -250:5A5450 -120:A8A099 60:D6CEC6 240:FFFFFF",
        shade=Shade(0.25, 0.8, 0.1, 10),
    ),
    _preset(
        "CT-Lung",
        "Lung",
        # Slicer's shows the rim of the lungs in four colours: ours the lungs and what runs in them.
        opacity="-3024:0 -960:0 -850:0.03 -700:0.08 -500:0.16 -350:0.06 -250:0 3071:0",
        colour="-3024:000000 -960:4058B0 -800:8FA8D8 -600:E9C0B0 -400:D0584A 3071:FFFFFF",
        shade=Shade(0.3, 0.9, 0.1, 8),
    ),
    _preset(
        "CT-Chest-Vessels",
        "Vessels",
        # Slicer's begins with air: of a cropped body a block is seen, no vessel.
        opacity="-3024:0 140:0 220:0.5 350:0.9 3071:0.95",
        colour="-3024:000000 140:7A1410 220:D9503A 320:F0B59A 500:F4E8D4 3071:FFFFFF",
        shade=Shade(0.2, 0.9, 0.25, 14),
    ),
    _preset(
        "CT-Cardiac",
        "Cardiac",
        opacity="-3024:0 -77.7:0 95:0.286 179:0.554 260:0.848 3071:0.875",
        colour="-3024:000000 -77.7:8C4026 95:E19A4A 179:FFEFF3 260:9D0000 3071:D3A8FF",
        shade=_SOFT,
    ),
    _preset(
        "CT-MIP",
        "MIP",
        # Slicer's ramp, -638 to 700, puts all soft tissue into one bright grey before the vessels.
        opacity="-3024:0 -200:0 900:1 3071:1",
        colour="-3024:FFFFFF 3071:FFFFFF",
        shade=None,
        is_maximum=True,
    ),
    _preset(
        "CT-X-ray",
        "X-ray",
        opacity="-3024:0 -200:0 1500:0.05 3071:0.05",
        colour="-3024:FFFFFF 3071:FFFFFF",
        shade=None,
    ),
    _preset(
        "CT-AAA",
        "Aorta",
        opacity="-3024:0 144:0 166:0.686 214:0.696 420:0.833 3071:0.804",
        colour="-3024:000000 144:9D5B2F 166:E19A4A 214:FFFFFF 420:FFEFF3 3071:D3A8FF",
        shade=_SOFT,
    ),
    _preset(
        "CT-Bones",
        "Bones, coloured",
        opacity="-1000:0 152:0 279:0.19 952:0.2",
        colour="-1000:4C4CFF -488:4CFF4C 463:FF0000 659:FFE90A 953:FF4C4C",
        shade=_MATT,
        gradient="0:1 985:1",
    ),
    _preset(
        "CT-Chest-Contrast-Enhanced",
        "Chest, contrast",
        opacity="-3024:0 67:0 251:0.446 439:0.625 3071:0.616",
        colour="-3024:000000 67:8C4026 251:E19A4A 439:FFEFF3 3071:D3A8FF",
        shade=_SOFT,
    ),
    _preset(
        "CT-Coronary-Arteries",
        "Coronary arteries",
        opacity="-2048:0 136:0 159:0.259 318:0.571 479:0.777 3661:1",
        colour="-2048:000000 136:000000 159:292929 318:C3C3C3 479:FFFFFF",
        shade=None,
    ),
    _preset(
        "CT-Coronary-Arteries-3",
        "Coronary arteries, red",
        opacity="-2048:0 129:0 130:0.098 174:0.67 256:0.857 585:0.866 3661:1",
        colour="129:000000 130:9D0004 174:E87400 256:E2E2E2 585:F7F7F7 3661:FFFFFF",
        shade=_SOFT,
    ),
    _preset(
        "CT-Fat",
        "Fat",
        opacity="-1000:0 -100:0 -99:0.15 -60:0.15 -59:0 952:0",
        colour=(
            "-1000:4C4CFF -498:4CFF4C -99:0000FF -77:00FF00 -65:D5E304 84:FF0000 659:FFE90A "
            "2952:FF4D4C"
        ),
        shade=None,
    ),
    _preset(
        "CT-Liver-Vasculature",
        "Liver vessels",
        opacity="-2048:0 149:0 158:0.482 340:0.661 389:0.83 1198:0.839 3661:0.848",
        colour="149:000000 158:804000 340:B1985E 389:DAD9D3 1198:FFFFFF",
        shade=None,
    ),
    _preset(
        "CT-Pulmonary-Arteries",
        "Lung arteries",
        opacity="-2048:0 -569:0 -364:0.071 -245:0.402 18.3:0.607 448:0.83 3593:0.839",
        colour="-569:000000 -364:654D2E -245:9C5A12 18.3:D70428 448:C0C0C0 3593:FFFFFF",
        shade=_MATT,
    ),
    _preset(
        "CT-Air",
        "Air",
        opacity="-3024:0.706 -900:0.716 -500:0 3071:0",
        colour="-3024:FFFFFF -900:33FFFF -500:4C4CFF 3071:000000",
        shade=_SOFT,
    ),
    _preset(
        "MR-Skin",
        "Skin",
        opacity="0:0 0.2:0 0.26:0.8 0.6:0.9 1:0.95 2:0.95",
        colour="0:2A120A 0.2:C08058 0.34:E8A67C 0.55:F8CCA6 0.85:FFE6CE 1.3:FFF8F0",
        shade=Shade(0.18, 1.05, 0.2, 20),
        span=_UNIT,
        modality="MR",
    ),
    _preset(
        "MR-Default",
        "MR",
        opacity="0:0 20:0 40:0.15 120:0.3 220:0.375 1024:0.5",
        colour="0:000000 20:2B0000 40:672514 120:C79B61 220:D8D5C9 1024:FFFFFF",
        shade=_MATT,
        span=(0, 240),
        modality="MR",
    ),
    _preset(
        "MR-Angio",
        "Vessels",
        opacity="-2048:0 151:0 158:0.438 190:0.58 201:0.732 3661:0.741",
        colour="151:000000 158:BF6000 190:FFDDBB 201:EFEFEF 3661:FFFFFF",
        shade=_MATT,
        span=(0, 160),
        modality="MR",
    ),
    _preset(
        "MR-T2-Brain",
        "T2 brain",
        opacity="0:0 36:0 218:0.171 412:1 641:1",
        colour="0:000000 99:F4D631 412:0097CE 641:FFFFFF",
        shade=Shade(0.3, 0.6, 0.5, 40),
        gradient="0:1 160:1",
        span=(0, 500),
        modality="MR",
    ),
    _preset(
        "MR-MIP",
        "MIP",
        # Slicer's ends where fat begins, and a head is white: the largest value on a ray is nearly
        # always a high one, so ours begins late and ends late.
        opacity="0:0 0.25:0 1.35:1 8:1",
        colour="0:FFFFFF 8:FFFFFF",
        shade=None,
        span=_UNIT,
        modality="MR",
        is_maximum=True,
    ),
    _preset(
        "PT-MIP",
        "MIP",
        opacity="0:0 0.05:0 0.9:1 4:1",
        colour="0:FFFFFF 4:FFFFFF",
        shade=None,
        span=_UNIT,
        modality="PT",
        is_maximum=True,
    ),
    _preset(
        "PT-Hot",
        "Hot spots",
        opacity="0:0 0.15:0 0.5:0.05 1:0.4 4:0.9",
        colour="0.15:200000 0.5:C02000 1:FF9020 2:FFFFFF",
        shade=_MATT,
        span=_UNIT,
        modality="PT",
    ),
    _preset(
        "Surface",
        "Surface",
        opacity="0:0 0.2:0 0.4:0.5 0.7:0.9 2:0.95",
        colour="0:202428 0.3:7A8288 0.7:D0D4D6 1.5:FFFFFF",
        shade=Shade(0.2, 0.85, 0.2, 16),
        span=_UNIT,
        modality="",
    ),
    _preset(
        "US-Fetal",
        "Ultrasound",
        opacity="-10:0 60:0 120:0.6 255:0.8 270:0.8",
        colour="-10:000000 0:000000 80:8C4026 102:E19A4A 270:B17A65",
        shade=_SOFT,
        gradient="-10:0 -1:1",
        span=(0, 255),
        modality="US",
    ),
)

PRESETS: Final[dict[str, Preset]] = {preset.name: preset for preset in _TABLE}
_DEFAULTS: Final = {"CT": "CT-Bone", "MR": "MR-Skin", "PT": "PT-MIP", "US": "US-Fetal"}


def default_for(modality: str) -> str:
    """Name the preset that a volume of this modality is first shown with."""
    return _DEFAULTS.get(modality, "Surface")


def names_for(modality: str) -> tuple[str, ...]:
    """Name the presets that make sense for a modality, the commonest first."""
    own = [preset.name for preset in _TABLE if preset.modality == modality]
    return (*own, *(preset.name for preset in _TABLE if not preset.modality))


@dataclass(frozen=True, slots=True)
class Transfer:
    """A preset laid over one volume: functions of meant values, ascending.

    Attributes
    ----------
    opacity, colour, gradient
        As in `Preset`, in meant values (gradient: meant values per voxel step).
    """

    opacity: OpacityPoints
    colour: ColourPoints
    gradient: OpacityPoints
    shade: Shade | None
    is_maximum: bool


def axis(
    preset: Preset, percentiles: tuple[float, float], shift: float = 0.0
) -> tuple[float, float]:
    """Give scale and offset from a preset's own values to meant values; see `transfer`."""
    low, high = percentiles
    width = max(high - low, 1e-9)
    scale, offset = 1.0, shift * width
    if preset.span is not None:
        first, last = preset.span
        scale = width / (last - first)
        offset += low - first * scale
    return scale, offset


def transfer(
    preset: Preset, percentiles: tuple[float, float], shift: float = 0.0, lighting: bool = True
) -> Transfer:
    """Lay a preset over a volume.

    Parameters
    ----------
    percentiles : pair of float, meant values
        1 and 99 percent of the data.
    shift : float
        Moves everything along the value axis; 1 is the distance of the percentiles.
    """
    scale, offset = axis(preset, percentiles, shift)
    return Transfer(
        opacity=tuple((value * scale + offset, alpha) for value, alpha in preset.opacity),
        colour=tuple((value * scale + offset, rgb) for value, rgb in preset.colour),
        gradient=tuple((value * scale, factor) for value, factor in preset.gradient),
        shade=preset.shade if lighting else None,
        is_maximum=preset.is_maximum,
    )
