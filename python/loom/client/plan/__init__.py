"""From task objects to the bytes of a plan, and what becomes of plans. No recursion over inputs."""
