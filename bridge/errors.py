"""Every error that Stem Bridge raises on purpose, and the exit status of each.

    BridgeError               1  something unexpected inside Stem Bridge
    ├── UsageError            2  an option or a combination of options that cannot work
    ├── InputError            3  the audio that came in cannot be used
    ├── OutputError           4  the results cannot be written where they should go
    ├── ModelError            5  the model is unknown, damaged, unsafe or not here
    │   ├── ConversionError      a network cannot be converted for this machine; torch can run it
    │   └── NetworkError      6  the model has to be fetched and could not be
    ├── BatchError            7  some inputs of several failed; the others are done
    ├── ResumeError           8  unfinished work is there but does not belong to this run
    ├── ProtocolError         9  the sidecar and its client do not understand each other
    │   ├── LocalProtocolError   this side was about to break the protocol
    │   └── RemoteProtocolError  the other side broke it; `code` is what an ERROR tells it
    └── ServerError          10  the sidecar cannot be reached, or refuses

A message names the value that is wrong, what was expected and the next step, on one line.
This file imports nothing, so that every layer may raise from it.
"""

INTERRUPTED = 130  # the status that shells give to a program which Ctrl-C ended


class BridgeError(Exception):
    """Base of all errors raised on purpose; `status` is the exit status of the command."""

    status = 1


class UsageError(BridgeError):
    """An option, or a combination of options, that cannot work. Raised before any work."""

    status = 2


class InputError(BridgeError):
    """Audio that is missing, damaged, of an unsupported kind, or not finite."""

    status = 3


class OutputError(BridgeError):
    """Results that cannot be written: existing files, permissions, a full disk."""

    status = 4


class ModelError(BridgeError):
    """A model that is unknown, damaged, refused for safety, or not on this machine."""

    status = 5


class ConversionError(ModelError):
    """A network that another engine cannot run; torch can."""


class NetworkError(ModelError):
    """A model that has to be fetched, and the hub did not answer or stopped answering."""

    status = 6


class BatchError(BridgeError):
    """Some inputs of several failed; the others are done."""

    status = 7


class ResumeError(BridgeError):
    """Unfinished work that belongs to another input or to other settings."""

    status = 8


class ProtocolError(BridgeError):
    """A message that docs/PROTOCOL.md does not allow, or not now."""

    status = 9


class LocalProtocolError(ProtocolError):
    """A message that this side must not send: a mistake in the program that made it."""


class RemoteProtocolError(ProtocolError):
    """A message that the other side must not have sent; `code` and `hint` are for its ERROR."""

    def __init__(self, message: str, code: str = "malformed", hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint


class ServerError(BridgeError):
    """The sidecar cannot be reached, went away, or refuses what it was asked.

    code: of the ERROR by which it refused, "" for everything else.
    """

    status = 10

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code
