"""Starts the runner on the descriptors that its worker gave it."""

from loom.runner.main import main

main()
