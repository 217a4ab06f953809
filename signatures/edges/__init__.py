"""Who follows whom, on disk: lists of edges of any size in, audiences sorted by hash out.

A writer (`writer.py`) gathers edges (`changes.py`), compares them with what is there
(`applying.py`) and writes a segment (`segments.py`) that the manifest names (`manifest.py`). A
reader opens the store (`store.py`); its audiences are signed by reading prefixes (`signing.py`).
"""
