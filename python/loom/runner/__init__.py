"""The process of a worker that calls Python functions. Started by workers: `python -m loom.runner`."""
