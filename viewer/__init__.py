"""The picture: VTK and Qt views of a volume that may still be loading.

Knows the engine, not the window around it.
"""
