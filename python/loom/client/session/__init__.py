"""One connection to a server: what was asked, what was answered."""
