"""Stem Bridge: stem separation for a DAW track, for whole songs and for scripts."""

__version__ = "0.1.0.dev0"
