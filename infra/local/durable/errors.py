"""What can go wrong with the data folder.

StoreError                 the folder cannot be used as it is; the message says what to do
    DamagedError           something that was stored cannot be read
    NewerFormatError       a later version of Chorale wrote the folder
WriteRefusedError          one write did not reach the disk, and has left nothing behind
    DiskFullError          for want of room: it will work again when there is some
    StoreStoppedError      the disk failed before, or the store is closed: nothing is written until the next start
"""


class StoreError(Exception):
    """The data folder cannot be used as it is. The message is for its owner, and says what to do."""


class DamagedError(StoreError):
    """Something that was stored cannot be read."""


class NewerFormatError(StoreError):
    """A later version of Chorale wrote the folder."""


class WriteRefusedError(Exception):
    """A write did not reach the disk, and has left nothing behind."""


class DiskFullError(WriteRefusedError):
    """There is no room on the disk: the write may be tried again when there is."""


class StoreStoppedError(WriteRefusedError):
    """The disk failed before, or the store is closed; until the next start nothing is written."""
