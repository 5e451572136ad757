"""Everything that knows DICOM: headers, grouping, geometry, values, frames."""
