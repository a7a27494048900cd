"""Programs that measure; not part of the test run."""
