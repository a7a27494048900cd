"""Every bound on what a peer may send, with its reason. Sizes in bytes, times in microseconds.

What breaks one of them is refused before anything is allocated for it.
"""

HEADER_BYTES = 8192
"""A header frame. The longest message, CONFIGURED with every text full, fits; a test holds it."""

HEADER_ITEMS = 64
"""Entries of one map or list in a header. A list is made as long as it claims to be before its
items are read, and lists may be nested: this bounds it to 0.5 MB, where 8 kB could take 30."""

STRING_BYTES = 256
"""A name, as UTF-8. Nothing that has one needs more."""

TEXT_BYTES = 1000
"""An error, hint, warning, or the name or path of a model, as UTF-8: a few lines on a screen."""

SOURCE_BYTES = 64
"""The name of a stem, as UTF-8: it becomes a bus and a file name."""

SOURCES = 16
"""Stems of one model. The largest known have 6."""

WARNINGS = 4
"""Warnings with one answer, so that they fit its header."""

CAPABILITIES = 8
"""Capabilities that a server names: each is a string."""

PRESETS = 60
"""Presets that a server names: a menu with more is of no use, and all have to fit a header."""

PRESET_BYTES = 64
"""The name of a preset, as UTF-8: it is a file's name and an entry of a menu."""

SILENCE, GAIN = 14_400, 2400
"""Gains in hundredths of a dB: how far down nothing is left of a 24-bit sample, which counts as
silence, and up to more than any fader has."""

CHANNELS = 2
"""Mono and stereo are what the models and the buses have."""

FRAMES = 16384
"""Frames in one AUDIO or STEMS message: bounds a payload, and how long one makes others wait."""

PAYLOAD_BYTES = SOURCES * CHANNELS * FRAMES * 4
"""The largest payload: all stems of a full message as float32, 2 MiB."""

TREE_BYTES = 65536
"""A report, as msgpack. Decoded it may take about 72 times as much (empty maps), 5 MB."""

TREE_ITEMS = 1024
"""Entries of one map or list in a report, for the reason of HEADER_ITEMS."""

TREE_DEPTH = 8
"""Nesting inside a report: far below where recursion could fail."""

RATE_MIN = 8000
RATE_MAX = 384_000
"""Sample rates in Hz: what audio hosts offer, and what spectral works at."""

BLOCK = 65536
"""Frames in one block of a host: hosts go up to 8192, some offline renders further."""

DURATION_US = 60_000_000
"""Latencies, allowances and heartbeats: a minute is longer than any of them is useful."""

SPAN_FRAMES = RATE_MAX * DURATION_US // 1_000_000
"""Windows, credits and bursts in frames: a minute at the highest rate."""

FRAME = 2**62
"""An absolute frame index: the sum of two still fits in int64. At 384 kHz, 380 000 years."""

NUMBER = 2**32 - 1
"""Epochs, requests and counts fit in 32 bits: a new one each millisecond for 49 days."""

TOKEN = 2**64 - 1
"""Session tokens and the stamps of heartbeats are any 64 bits; session 0 means none."""

EPOCHS = 2
"""Open epochs of a session: the current one and one that is being drained. Each holds a context."""

PLANS = 4
"""Newest CONFIGUREs whose plans a server keeps for a RESET, which newer ones may overtake."""

MISSED_HEARTBEATS = 4
"""Heartbeats after which a silent peer is gone: one or two may be late on a loaded machine."""

GREETING_US = 1_000_000
"""Heartbeats until the WELCOME says how often they are to come."""
