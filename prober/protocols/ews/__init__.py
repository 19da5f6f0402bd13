"""Exchange Web Services (MS-OXWS…): a file per operation, named as the specification names it."""
