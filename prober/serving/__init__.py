"""How the pages are served: who may see which, over what, and what an operator may ask of a running prober.

Rule of this room: what it is asked comes from anybody; nothing is answered before size, sender and right are known.
"""
