"""Errors as HTTP tells them: RFC 9457 problem details, made in one place from `shared.errors.Code` and a few of HTTP's own."""

import enum
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import web

from shared.errors import Code, Fault

MEDIA_TYPE: Final = "application/problem+json"


class HttpCode(enum.StrEnum):
    """Failures that only HTTP knows."""

    INVALID = "invalid"
    """The request is well-formed, and a value in it is not acceptable."""
    METHOD_NOT_ALLOWED = "method_not_allowed"
    REQUEST_TIMEOUT = "request_timeout"
    """The body came too slowly."""
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    PRECONDITION_FAILED = "precondition_failed"
    """`If-Match` names another version than the present one."""
    RANGE_NOT_SATISFIABLE = "range_not_satisfiable"
    """`Range` names bytes that the file does not have."""
    IDEMPOTENCY_MISMATCH = "idempotency_mismatch"
    """The `Idempotency-Key` was used before, with another request."""
    RATE_LIMITED = "rate_limited"


AnyCode = Code | HttpCode

STATUS: Final[Mapping[AnyCode, int]] = {
    Code.BAD_REQUEST: 400,
    Code.VERSION: 502,
    Code.UNAUTHORIZED: 401,
    Code.FORBIDDEN: 403,
    Code.NOT_FOUND: 404,
    Code.GONE: 404,
    Code.CONFLICT: 409,
    Code.STALE: 412,
    Code.NOT_READY: 409,
    Code.NOT_RUNNING: 409,
    Code.BUSY: 409,
    Code.LIMIT: 409,
    Code.TOO_LARGE: 413,
    Code.TIMEOUT: 504,
    Code.FAILED: 422,
    Code.UNAVAILABLE: 503,
    Code.BUDGET: 402,
    Code.GUEST_MISBEHAVED: 502,
    Code.INTERNAL: 500,
    HttpCode.INVALID: 422,
    HttpCode.METHOD_NOT_ALLOWED: 405,
    HttpCode.REQUEST_TIMEOUT: 408,
    HttpCode.UNSUPPORTED_MEDIA_TYPE: 415,
    HttpCode.PRECONDITION_FAILED: 412,
    HttpCode.RANGE_NOT_SATISFIABLE: 416,
    HttpCode.IDEMPOTENCY_MISMATCH: 422,
    HttpCode.RATE_LIMITED: 429,
}
"""The status of each code. GONE is 404, so that a deleted id looks like one that never was."""

_OF_STATUS: Final[Mapping[int, AnyCode]] = {
    400: Code.BAD_REQUEST,
    404: Code.NOT_FOUND,
    405: HttpCode.METHOD_NOT_ALLOWED,
    413: Code.TOO_LARGE,
    415: HttpCode.UNSUPPORTED_MEDIA_TYPE,
}


class FieldError(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is wrong with one part of the request."""

    detail: str
    pointer: str | None = None
    """A JSON pointer (RFC 6901) into the body."""
    parameter: str | None = None
    """A query parameter."""
    header: str | None = None
    path: str | None = None
    """A file's."""


class ProblemDetails(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str
    request_id: str
    detail: str = ""
    errors: tuple[FieldError, ...] = ()


class Problem(Exception):  # noqa: N818  # RFC 9457's word
    """An error with more to it than a Fault: which field it is about, or headers."""

    def __init__(
        self,
        code: AnyCode,
        detail: str,
        *,
        errors: tuple[FieldError, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`detail` and `errors` may be shown to whoever asked."""
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}

    @property
    def status(self) -> int:
        """The HTTP status."""
        return STATUS[self.code]


def invalid(detail: str, *, pointer: str | None = None, parameter: str | None = None, header: str | None = None) -> Problem:
    """422: one value of the request is not acceptable; says which."""
    error = FieldError(detail, pointer, parameter, header)
    where = pointer or parameter or header
    return Problem(HttpCode.INVALID, f"{where}: {detail}" if where else detail, errors=(error,))


def of_fault(fault: Fault) -> Problem:
    """The problem that tells of `fault`."""
    if fault.code is Code.GONE:
        return Problem(Code.NOT_FOUND, "there is no such thing")
    if fault.code is Code.STALE:
        return Problem(HttpCode.PRECONDITION_FAILED, fault.message)
    headers = {"WWW-Authenticate": 'Bearer realm="hostel"'} if fault.code is Code.UNAUTHORIZED else None
    return Problem(fault.code, fault.message, headers=headers)


def of_http(error: web.HTTPException) -> Problem:
    """The problem that tells of aiohttp's own `error`."""
    code = _OF_STATUS.get(error.status, Code.INTERNAL if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR else Code.BAD_REQUEST)
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
    return Problem(code, HTTPStatus(STATUS[code]).description, headers=headers)


def details(problem: Problem, request_id: str) -> ProblemDetails:
    """The body of the reply."""
    return ProblemDetails(
        type=f"urn:hostel:problem:{problem.code}",
        title=HTTPStatus(problem.status).phrase,
        status=problem.status,
        code=problem.code,
        request_id=request_id,
        detail=problem.detail,
        errors=problem.errors,
    )


def respond(problem: Problem, request_id: str) -> web.Response:
    """The reply."""
    body = msgspec.json.encode(details(problem, request_id))
    return web.Response(body=body, status=problem.status, headers=problem.headers, content_type=MEDIA_TYPE)
