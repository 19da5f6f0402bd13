"""Exchange ActiveSync (MS-ASHTTP, MS-ASCMD, MS-ASPROV): a file per command, named as the specification names it."""
