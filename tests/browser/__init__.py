"""The status page in a browser: Debian's Chromium, headless."""
