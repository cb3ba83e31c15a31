"""What the pipeline finds out."""

#: The day is cut into quarters of an hour, distances into bands; a cell is one of each.
QUARTERS = 96
BAND_MILES = 125
BANDS = 22
CELLS = QUARTERS * BANDS
#: From how many minutes on a flight counts as late, as the statistics of the airlines do.
LATE_MINUTES = 15


def list_cells(counts):
    """The cells in which anything flew, by quarter and band. `counts` has the flights in each cell
    (`quarter * BANDS + band`; the last band has all that is farther, too), then the late ones."""
    return [
        {
            "quarter": index // BANDS,
            "band": index % BANDS,
            "flights": counts[index],
            "late": counts[CELLS + index],
        }
        for index in range(CELLS)
        if counts[index] > 0
    ]
