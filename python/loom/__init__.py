"""HyperLoom for Python. The client is `loom.client`, reports are `loom.lore`.

This file imports nothing: runners of functions import the package, and must start quickly.
"""

__version__ = "0.1.0"
