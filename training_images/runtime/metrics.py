"""Metric lines: what a training job tells of its progress, for SageMaker's MetricDefinitions to find in its log.

One line, for each epoch or logged step:

    epoch=3; step=1200; train:nll=0.5312; validation:nll=0.5190;

A name is found by the regular expression `NAME=([-+0-9.e]+);` (see `regex_of`).
"""

import re


def metric_line(**values: float) -> str:
    """The line for these values; a double underscore in a keyword stands for a colon (`train__nll`)."""
    return " ".join(f"{name.replace('__', ':')}={_number(value)};" for name, value in values.items())


def regex_of(name: str) -> str:
    """The regular expression whose first group is the value of this metric."""
    return rf"(?:^|\s){re.escape(name)}=([-+0-9.e]+);"


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.6g}"
