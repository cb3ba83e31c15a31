"""The penguins, and how they are dealt out."""

SPECIES = ("Adelie", "Chinstrap", "Gentoo")
MEASUREMENTS = ("Beak Length (mm)", "Beak Depth (mm)", "Flipper Length (mm)", "Body Mass (g)")
#: Without the unit.
MEASUREMENT_NAMES = tuple(name.split(" (")[0].lower() for name in MEASUREMENTS)


def parse_penguins(records):
    """The penguins of which everything was measured, in the order of the table: `species`, a
    position in SPECIES, and what was `measured`, in the order of MEASUREMENTS."""
    penguins = []
    for record in records:
        measured = [record[name] for name in MEASUREMENTS]
        if None not in measured:
            penguins.append({"species": SPECIES.index(record["Species"]), "measured": measured})
    return penguins


def deal_out(penguins, parts, seed):
    """Deals the penguins out to parts of about the same size and the same mixture of species. The
    same seed deals in the same way, in TypeScript too."""
    dealt = [[] for _ in range(parts)]
    random = numbers_from(seed)
    turn = 0
    for species in range(len(SPECIES)):
        kin = [penguin for penguin in penguins if penguin["species"] == species]
        shuffle(kin, random)
        for penguin in kin:
            dealt[turn % parts].append(penguin)
            turn += 1
    return dealt


def numbers_from(seed):
    """Returns a function that makes whole numbers from 0 up to and without its argument: the linear
    congruential generator of Numerical Recipes, of which the high bits are used."""
    state = seed & 0xFFFFFFFF

    def random(below):
        nonlocal state
        state = (state * 1_664_525 + 1_013_904_223) & 0xFFFFFFFF
        return state * below >> 32

    return random


def shuffle(penguins, random):
    """Fisher and Yates's, from the end."""
    for last in range(len(penguins) - 1, 0, -1):
        other = random(last + 1)
        penguins[last], penguins[other] = penguins[other], penguins[last]
