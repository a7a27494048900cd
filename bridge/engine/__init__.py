"""Separators and the engines that run them; the only place that imports torch or demucs, lazily."""
