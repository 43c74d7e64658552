"""The operation that registers a keyboard."""

from pydantic import Field

from service.api.auth import CallerDependency
from service.api.operation import Operations
from service.api.services import LibraryDependency
from service.api.shape import AnswerShape, RequestShape, Timestamp
from service.errors import ConflictException

operations = Operations("Keyboards")


class AssociateCouponRequest(RequestShape):
    serial_number: str = Field(
        pattern=r"^([A-Za-z0-9]{8}|[A-Za-z0-9]{16})$",
        description="The keyboard's serial number: 8 or 16 letters and digits.",
    )


class AssociateCouponResponse(AnswerShape):
    serial_number: str
    associated_at: Timestamp = Field(description="When the keyboard was first registered in this account.")


@operations.post("/coupons", resource="*", errors=(ConflictException,))
def associate_coupon(
    library: LibraryDependency, caller: CallerDependency, request: AssociateCouponRequest
) -> AssociateCouponResponse:
    """Registers a DeepComposer keyboard by its serial number. Nothing in the service needs a keyboard."""
    associated = library.associate_coupon(caller, request.serial_number)
    return AssociateCouponResponse(serial_number=request.serial_number, associated_at=associated)
