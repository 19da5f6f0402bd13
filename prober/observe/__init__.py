"""Sinks: metrics, status, log and the pages that show them. Each is a function of the same outcome."""
