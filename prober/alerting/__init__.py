"""Recording rules, alert rules and their promtool tests, made from an objective and the intervals of the probes.

Rules of this room: it computes text and touches nothing; each concern stands in one file, its rules and the tests that
promtool runs on them side by side. A label or metric named here is one that the prober exports.
"""
