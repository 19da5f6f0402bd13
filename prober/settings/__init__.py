"""Configuration: YAML in, one frozen model out, or one line per mistake."""
