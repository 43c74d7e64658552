"""The command line: thin commands, one file a family, over the same API that every other client uses."""
