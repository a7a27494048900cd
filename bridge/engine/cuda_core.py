"""Cores of networks on CUDA devices: recorded once for each batch size, and then replayed.

A network of this family is some thousand short kernels, which take longer to launch one by one
than to run; a CUDA graph launches all of them at once. Graphs and networks stay on the device.

Overlap-add stays on the host: three quarters of a window's stems are new frames, which have to
cross in any case, so that it would save a quarter of the copies; and a state that can be resumed
bit for bit is needed there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from threading import Lock
from typing import Any

from bridge.engine.arithmetic import FLOAT32, arithmetic, choose

STREAMS = 2
"""Batches at once offline: the next is computed while the stems of one are copied and faded."""

_WARM_UP_RUNS = 2
"""Before a recording, so that libraries have chosen their kernels and have their memory."""

Record = Callable[[Callable[[], None], Any], Callable[[], object]]


@dataclass(frozen=True)
class CudaPlace:
    """How networks run on a CUDA device.

    batches: how many windows at once are recorded; other numbers run without a recording.
    kind: of numbers, see `arithmetic`. streams: batches that are worth running at once.
    """

    batches: tuple[int, ...]
    kind: str = FLOAT32
    streams: int = STREAMS

    @property
    def engine(self) -> str:
        """What a manifest says."""
        return "torch" if self.kind == FLOAT32 else f"torch {self.kind}"

    @property
    def low_precision(self) -> bool:
        """Whether cores compute in less than float32."""
        return self.kind != FLOAT32

    def converter(self, _weights_hash: str) -> Callable[[Any, int, Callable[[], None]], CudaCore]:
        """What makes cores here; nothing is kept on disk."""
        return partial(CudaCore, place=self)


def choose_cuda_place(
    engine: str, device: str, batches: tuple[int, ...], precision: str
) -> CudaPlace | None:
    """Where networks run on a CUDA device with `engine`; None for other devices, and for `torch`.

    engine: see `openvino_core.choose_place`. precision: `exact` or `fast`.
    """
    import torch

    if torch.device(device).type != "cuda" or engine != "auto":
        return None
    return CudaPlace(batches, choose(device, precision))


class CudaCore:
    """A core for windows of one length; several threads may call it.

    network: one for which `hybrid.has_core` is true, on its device. frames: length of a window.
    record: makes what repeats a piece of work; CUDA does.

    Raises whatever torch raises when not even the smallest batch can be recorded.
    """

    def __init__(
        self,
        network: Any,
        frames: int,
        _tell: Callable[[], None],  # it takes a second or two
        *,
        place: CudaPlace,
        record: Record | None = None,
    ) -> None:
        import torch

        from bridge.engine import hybrid

        self._network = network
        self._device = next(network.parameters()).device
        self._kind = place.kind
        self._turn = Lock()
        self._replays: dict[int, Callable[[], object]] = {}
        most = max(place.batches)
        with torch.inference_mode():
            noise = torch.randn(1, network.audio_channels, frames, generator=torch.Generator())
            given = hybrid.split(network, 0.1 * noise.to(self._device))[:2]
            found = self._core(*given)
            self._given = [one.expand(most, *one.shape[1:]).clone() for one in given]
            self._found = [one.new_zeros(most, *one.shape[1:]).float() for one in found]
            self._record_all(sorted(place.batches, reverse=True), record or _record)

    def _record_all(self, sizes: list[int], record: Record) -> None:
        """The largest first, whose memory serves the others; one that does not fit is left out."""
        failed: Exception | None = None
        for size in sizes:
            try:
                self._replays[size] = record(partial(self._work, size), self._device)
            except Exception as error:  # noqa: BLE001 - whatever it is, torch runs it without
                failed = error
        if failed is not None and not self._replays:
            raise failed

    def _core(self, spectrum: Any, wave: Any) -> tuple[Any, Any]:
        from bridge.engine.hybrid import TorchCore

        with arithmetic(self._kind, str(self._device)):
            spectrum, wave = TorchCore(self._network)(spectrum, wave)
        return spectrum, wave

    def _work(self, size: int) -> None:
        found = self._core(*(held[:size] for held in self._given))
        for held, one in zip(self._found, found, strict=True):
            held[:size].copy_(one)

    def __call__(self, spectrum: Any, wave: Any) -> tuple[Any, Any]:
        """See `hybrid.Core`."""
        size = len(spectrum)
        replay = self._replays.get(size)
        if replay is None:
            return self._core(spectrum, wave)
        # The device does all in the order in which it was asked; another thread comes after it.
        with self._turn:
            for held, one in zip(self._given, (spectrum, wave), strict=True):
                held[:size].copy_(one)
            replay()
            spectrum, wave = (held[:size].clone() for held in self._found)
        return spectrum, wave


def _record(work: Callable[[], None], device: Any) -> Callable[[], object]:
    """A CUDA graph of `work`, which reads and writes the same memory each time."""
    import torch

    with torch.cuda.device(device):
        aside: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(_WARM_UP_RUNS):
                work()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        # Runs of live sessions go on in another thread meanwhile.
        with torch.cuda.graph(graph, pool=_pool(str(device)), capture_error_mode="thread_local"):
            work()
    replay: Callable[[], object] = graph.replay
    return replay


@cache
def _pool(_device: str) -> Any:
    """Memory that all graphs of a device share: one runs at a time, and leaves nothing in it."""
    import torch

    return torch.cuda.graph_pool_handle()


def to_device(audio: Any, device: str) -> Any:
    """An array as a tensor on a device; on a CUDA device it may be on its way there."""
    import torch

    tensor = torch.from_numpy(audio)
    if torch.device(device).type != "cuda":
        return tensor.to(device)
    # From any other memory the copy, and so the thread, would wait for the batch before.
    return tensor.pin_memory().to(device, non_blocking=True)


def to_host(tensor: Any) -> Any:
    """A tensor as an array, float32. From a CUDA device the copy goes beside what comes next."""
    import torch

    if tensor.device.type != "cuda":
        return tensor.cpu().numpy()
    copying = _copying(str(tensor.device))
    copying.wait_stream(torch.cuda.current_stream(tensor.device))
    with torch.cuda.stream(copying):
        held = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        held.copy_(tensor, non_blocking=True)
        tensor.record_stream(copying)
        # Blocking is to sleep: the thread has nothing else to do.
        done: Any = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        done.record()
    done.synchronize()
    return held.numpy()


@cache
def _copying(device: str) -> Any:
    """The stream of a device that copies to the host."""
    import torch

    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
