"""Gets the model that a command needs: asks the hub what it has, asks the user, fetches."""

from __future__ import annotations

from bridge.runtime.hub_cache import ModelFiles
from bridge.runtime.models import Obtain


def obtainer(*, yes: bool) -> Obtain:
    """How a command obtains a model that is not in the cache; `yes` answers for the user.

    A model that may be done without is not asked for where nobody can answer, and a hub that does
    not have it or does not respond is no error then.
    """

    def obtain(name: str, required: bool) -> ModelFiles | None:
        from bridge.cli.consent import can_ask, consent
        from bridge.cli.fetching import fetch_in_sight
        from bridge.errors import ModelError
        from bridge.runtime.hub import reach

        if not required and not (yes or can_ask()):
            return None
        try:
            consent(reach(name), yes=yes)
        except ModelError:
            if required:
                raise
            return None
        return fetch_in_sight(name)

    return obtain
