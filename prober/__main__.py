"""Allow `python -m prober`."""

from prober.cli import main

main(prog_name="prober")
