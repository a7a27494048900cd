"""Pure arithmetic of time and signals: standard library and numpy only, no clock, file or log."""
