"""A clock that stands until a test moves it."""


class Clock:
    """Call it for the time. `reads` counts the calls."""

    def __init__(self, now: float = 100.0) -> None:
        self.now = now
        self.reads = 0

    def __call__(self) -> float:
        self.reads += 1
        return self.now
