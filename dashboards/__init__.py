"""The Grafana dashboard and the code that writes it."""
