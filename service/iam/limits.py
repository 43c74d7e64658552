"""How large a policy may be. AWS counts the characters of a document without its white space.

The limits of inline policies are for all of one user, group or role together: whoever keeps them adds up `size`.
"""

MANAGED = 6_144
USER_INLINE = 2_048
GROUP_INLINE = 5_120
ROLE_INLINE = 10_240
TRUST = 2_048
SESSION = 2_048
SERVICE_CONTROL = 5_120
RESOURCE_CONTROL = 5_120
BUCKET = 20_480
KEY = 32_768
DOCUMENT = 131_072  # what the IAM API takes as a parameter, white space and all; nothing larger is ever read
NESTING = 16  # a policy needs six levels


def size(document: str) -> int:
    """The characters of a document that count."""
    return sum(map(len, document.split()))
