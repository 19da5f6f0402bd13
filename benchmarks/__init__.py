"""Figures, never tests: each bench prints its table and leaves `build/bench/NAME.json`."""
