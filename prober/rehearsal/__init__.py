"""Where the real prober meets the simulated tenant: incidents are played, and what the prober makes of them is judged.

Rule of this room: it introduces the two sides to each other by what both make public, a configuration and outcomes.
Nothing it builds lets the prober know that it rehearses, or which incident is on.
"""
