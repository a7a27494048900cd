"""The kinds of values that messages have, by the names that docs/PROTOCOL.md gives them."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from bridge.protocol import limits
from bridge.protocol.fields import (
    Choice,
    Flag,
    Int,
    Ints,
    Samples,
    Text,
    Texts,
    Tree,
    Version,
    VersionPair,
)

Token = Annotated[int, Int(1, limits.TOKEN)]
TokenOrNone = Annotated[int, Int(0, limits.TOKEN)]
Number = Annotated[int, Int(1, limits.NUMBER)]
NumberOrNone = Annotated[int, Int(0, limits.NUMBER)]
Frame = Annotated[int, Int(0, limits.FRAME, "host frames")]
HostFrames = Annotated[int, Int(0, limits.SPAN_FRAMES, "host frames")]
ModelFrames = Annotated[int, Int(0, limits.SPAN_FRAMES, "model frames")]
SomeModelFrames = Annotated[int, Int(1, limits.SPAN_FRAMES, "model frames")]
Duration = Annotated[int, Int(0, limits.DURATION_US, "us")]
Rate = Annotated[int, Int(limits.RATE_MIN, limits.RATE_MAX, "Hz")]
Block = Annotated[int, Int(1, limits.BLOCK, "host frames")]
String = Annotated[str, Text(limits.STRING_BYTES)]
Line = Annotated[str, Text(limits.TEXT_BYTES)]
Bool = Annotated[bool, Flag()]
Warnings = Annotated[tuple[str, ...], Texts(Text(limits.TEXT_BYTES), 0, limits.WARNINGS)]
Sources = Annotated[tuple[str, ...], Texts(Text(limits.SOURCE_BYTES), 1, limits.SOURCES)]
Capabilities = Annotated[tuple[str, ...], Texts(Text(limits.STRING_BYTES), 0, limits.CAPABILITIES)]
Presets = Annotated[tuple[str, ...], Texts(Text(limits.PRESET_BYTES), 0, limits.PRESETS)]
Gains = Annotated[
    tuple[int, ...],
    Ints(Int(-limits.SILENCE, limits.GAIN, "hundredths of a dB"), 0, limits.SOURCES),
]
Channels = Annotated[int, Int(1, limits.CHANNELS)]
Precision = Annotated[str, Choice(("exact", "fast"))]
ProtocolVersion = Annotated[Version, VersionPair()]
InputBlock = Annotated[NDArray[np.float32], Samples(("channels", "frames"))]
StemBlock = Annotated[NDArray[np.float32], Samples(("sources", "channels", "frames"))]
Map = Annotated[dict[str, Any], Tree()]
