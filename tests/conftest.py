"""What every test shares."""

import os

from hypothesis import settings

# Small networks run fastest, and steadily, in one thread each.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The settings of whoever runs the tests are theirs.
for name in [name for name in os.environ if name.startswith("STEMBRIDGE_BOUNCE_")]:
    del os.environ[name]
os.environ["STEMBRIDGE_CONFIG_DIR"] = os.devnull

# What an example takes depends on what else the machine does.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")
