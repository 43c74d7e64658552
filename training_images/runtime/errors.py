"""Why a training job ends before its time."""


class AlgorithmError(Exception):
    """A cause that the person who started the job can do something about. The message is a full sentence."""


class Stopped(Exception):
    """The platform asked the job to stop (SIGTERM). `Job.check_stop` raises it between two steps."""
