"""The names of what lies in a data folder beside the files that other modules name."""

BODIES_FOLDER = "bodies"
STARTING_POINTS_FOLDER = "starting-points"

# A new master key, from before the data keys are wrapped by it until it takes the old one's place.
NEXT_KEY_SUFFIX = ".next"

# A reset: what shall be, while it is made; what shall be, from the moment it is decided; what was.
RESET_SCRATCH = "reset.scratch"
RESET_DECIDED = "reset.decided"
RESET_OLD = "reset.old"
