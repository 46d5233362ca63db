"""Storage: the only layer that imports pymongo. One module per collection; `journal.py` posts money."""
