"""What the OpenAPI document says of errors: one answer a status, which all operations share."""

from typing import Any

WORDS = {
    400: "Not parsable",
    401: "No valid key",
    403: "The key lacks the permission",
    404: "No such thing",
    409: "The state of things forbids it",
    412: "Somebody changed it since",
    413: "Too large",
    415: "Not JSON",
    422: "Fields or parameters are wrong",
    429: "Too many requests",
}
CODES = {
    400: "not_json",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    409: "in_use",
    412: "stale_version",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
    429: "too_many_requests",
}
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "version": {"type": "integer"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {
                    "field": {"type": "string"},
                    "message": {"type": "string"},
                    "code": {"type": "string"},
                },
            },
        },
        "blockers": {"type": "array", "items": {"type": "object"}},
    },
}


def problem_of(status: int) -> dict[str, Any]:
    """Return what the document says of an error: RFC 9457 problem details."""
    title = WORDS[status]
    example = {"type": "about:blank", "title": title, "status": status, "detail": f"{title}.", "code": CODES[status]}
    if status == 422:
        example["errors"] = [{"field": "location_id", "message": "does not exist", "code": "invalid"}]
    media = {
        "schema": {"$ref": "#/components/schemas/Problem"},
        "example": {**example, "request_id": "5f0c7f2b9d6e4a3c"},
    }
    return {"description": title, "content": {"application/problem+json": media}}
