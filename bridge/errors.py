"""Every error that Stem Bridge raises on purpose, and the exit status of each.

    BridgeError               1  something unexpected inside Stem Bridge
    ├── UsageError            2  an option or a combination of options that cannot work
    ├── InputError            3  the audio that came in cannot be used
    ├── OutputError           4  the results cannot be written where they should go
    ├── ModelError            5  the model is unknown, damaged, unsafe or not here
    │   └── NetworkError      6  the model has to be fetched and could not be
    ├── BatchError            7  some inputs of several failed; the others are done
    └── ResumeError           8  unfinished work is there but does not belong to this run

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


class NetworkError(ModelError):
    """A model that has to be fetched, and the hub did not answer or stopped answering."""

    status = 6


class BatchError(BridgeError):
    """Some inputs of several failed; the others are done."""

    status = 7


class ResumeError(BridgeError):
    """Unfinished work that belongs to another input or to other settings."""

    status = 8
