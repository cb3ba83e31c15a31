"""Who is at the other end, and what is shown to it."""
