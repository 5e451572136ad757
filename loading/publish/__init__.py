"""Write DICOM as a static DICOMweb tree that opens progressively in Voxtide and in web viewers."""

from loading.publish.publisher import Published, publish
from loading.publish.recipe import ALTERNATES, ENCODINGS, Alternate, Recipe

__all__ = ["ALTERNATES", "ENCODINGS", "Alternate", "Published", "Recipe", "publish"]
