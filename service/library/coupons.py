"""AssociateCoupon: registers a keyboard by its serial number."""

import re
from datetime import datetime

from service.caller import Caller
from service.errors import FieldError, ValidationException
from service.library.backend import Backend

SERIAL = re.compile(r"[A-Za-z0-9]{8}|[A-Za-z0-9]{16}")


def associate(backend: Backend, caller: Caller, serial: str) -> datetime:
    """When the keyboard was registered to the caller's account: now, or earlier. Case does not matter."""
    if not SERIAL.fullmatch(serial):
        raise ValidationException.of(FieldError("coupon", "must have 8 or 16 letters and digits"))
    return backend.registers.associate_coupon(caller.account, serial.upper(), backend.now())
