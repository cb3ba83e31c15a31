"""Functions that plans of TypeScript call. The number of the line that raises is in a test."""


class Model:
    def __init__(self, depth):
        self.depth = depth


def train(table, depth):
    return Model(depth * len(table))


def score(model, factor=1):
    return {"depth": model.depth, "scaled": [model.depth * factor, None]}


def describe(value):
    return f"{type(value).__name__} {value!r}"


def length_of_view(data: memoryview, other):
    return f"{type(data).__name__} {type(other).__name__} {len(data)}"


def give(kind):
    return {
        "text": "tèxt",
        "bytes": b"\x00\xff",
        "list": [b"a", bytearray(b"b")],
        "number": 1.5,
        "none": None,
        "nested": {"a": [1, (2, "é")], "b": True},
        "texts": ["a", "b"],
        "large number": 2**60,
        "not a number": float("nan"),
        "keys": {1: 2},
        "set": {1},
    }[kind]


def pass_on(value):
    return value


def fail(message):
    raise ValueError(message)
