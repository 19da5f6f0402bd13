"""A simulated tenant: an Exchange Online to rehearse against, in one process and on loopback only.

Rule of this room: it shares no code with the client side and imports nothing of the prober, so that a mistake made
there cannot be made here as well. It tells clients apart as a real service does: by host name, by user agent, by the
application that signed in; never by anything a real client would not send.
"""
