"""What comes over a line: HTTP, DICOMweb, and the source that loads volumes from a server."""
