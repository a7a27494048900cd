"""How fast, how exact and how large Stem Bridge is beside what else runs the same models.

    python -m benchmarks.compare PART...     measure some parts, or `all` of them
    python -m benchmarks.compare write       put what was measured into docs/BENCH.md

One file a part, and each part can be run alone; what it finds is kept in build/bench. The sides of
a comparison run in turn, round by round, on the same audio and weights, so that a machine whose
speed wanders hits all alike: a ratio is the median of those of the rounds, and its two sides always
come from one run of one part. Every ratio of speed stands beside the error of the same run.
"""
