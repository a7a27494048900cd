"""What every test shares."""

import os
import signal

from hypothesis import settings

# Small networks run fastest, and steadily, in one thread each.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A job in the background ignores these, and what tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Users run without it, and a full disk shows elsewhere then.
os.environ.pop("PYTHONUNBUFFERED", None)

# The settings of whoever runs the tests are theirs.
for name in [name for name in os.environ if name.startswith("STEMBRIDGE_BOUNCE_")]:
    del os.environ[name]
os.environ["STEMBRIDGE_CONFIG_DIR"] = os.devnull

# Converting a network takes longer than most tests of one; test_openvino.py has it done.
os.environ["STEMBRIDGE_ENGINE"] = "torch"

# What an example takes depends on what else the machine does. The same ones are drawn each time,
# so that a change is to blame for what fails with it; a full run draws others.
settings.register_profile("steady", deadline=None, derandomize="STEMBRIDGE_FULL" not in os.environ)
settings.load_profile("steady")
