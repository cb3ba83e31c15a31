"""A function that does not end."""

import time


def wait():
    time.sleep(60)
