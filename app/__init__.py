"""The program: windows, commands, files, settings. Imports Qt and viewer, never VTK."""
