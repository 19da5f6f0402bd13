"""WBXML as ActiveSync uses it (MS-ASWBXML): code pages as data, and the codec over them."""
