"""The sign-in service as anybody sees it: its documents, its sign-in page, and the tokens it issued."""
