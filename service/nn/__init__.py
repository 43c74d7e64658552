"""The networks, in torch. One architecture, with its Config, per file; the same class trains and samples."""
