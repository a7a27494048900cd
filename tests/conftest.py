"""What every test shares.

Small networks run fastest, and steadily, in one thread each. Property tests never fail for being
slow, and leave no files behind.
"""

import os

from hypothesis import HealthCheck, settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
settings.register_profile(
    "stembridge", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("stembridge")
