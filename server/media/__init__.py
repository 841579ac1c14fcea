"""Pixels, samples and files: a library that reads, writes and reshapes video, sound and pictures.

Start at ``types.Clip``. Nothing here may import another room of Kinegraph, and importing this package or ``types``
loads neither av, numpy nor PIL.
"""
