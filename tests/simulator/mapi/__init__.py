"""MAPI over HTTP, held against bytes that specifications show and against plain HTTP clients."""
