"""Outlook on the web as far as it is public: where it sends strangers, how it refuses them, and how it names errors."""
