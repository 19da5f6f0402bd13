"""The one place that opens connections, and that measures dns, connect, tls, send, wait and receive."""
