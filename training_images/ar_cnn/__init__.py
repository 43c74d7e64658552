"""Training of the AR-CNN."""
