"""HTTP/1.1 as the tenant speaks it: messages, a server that keeps control of every byte, and the front door."""
