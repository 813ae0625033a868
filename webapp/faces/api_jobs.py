"""One's own jobs by the API: how far they are, and stopping one."""

from flask import Response
from flask_babel import gettext as _
from flask_smorest import Blueprint

from webapp.core.context import current_context
from webapp.core.errors import Conflict
from webapp.core.fields import LARGEST_ID
from webapp.core.jobs import STATES, cancel_job, get_own_job, own_jobs
from webapp.core.parameters import PER_PAGE, PER_PAGE_LIMIT
from webapp.faces import openapi
from webapp.faces.api import PREFIX, answer, asked, idempotent, job_plain, plain_text, whole
from webapp.faces.serialize import dump

blueprint = Blueprint("api_jobs", __name__, url_prefix=f"{PREFIX}/jobs")


@blueprint.route("")
@openapi.document(
    "jobs",
    "List one's own jobs, the newest first",
    openapi.JOBS,
    errors=(422,),
    parameters=openapi.JOBS_ASKED,
    envelope=False,
)
def index() -> Response:
    """Answer with a page of the caller's jobs; `cursor` goes on behind the last one."""
    paging = {"per_page": whole(1, PER_PAGE_LIMIT), "cursor": whole(1, LARGEST_ID)}
    given = asked(state=state_of, kind=plain_text, **paging)
    per_page = given.pop("per_page", PER_PAGE)
    rows = own_jobs(current_context(), limit=per_page + 1, before_id=given.pop("cursor", None), **given)
    more = str(rows[per_page - 1]["id"]) if len(rows) > per_page else None
    data = [job_plain(row) for row in rows[:per_page]]
    return answer(dump({"data": data, "pagination": {"per_page": per_page, "next_cursor": more}}))


@blueprint.route("/<row_id:row_id>")
@openapi.document("jobs", "How far a job is", openapi.JOB, errors=(404, 422))
def show(row_id: int) -> Response:
    """Answer with a job of the caller's."""
    asked()
    return answer(dump({"data": job_plain(get_own_job(current_context(), row_id))}))


@blueprint.route("/<row_id:row_id>/cancel", methods=["POST"])
@openapi.document(
    "jobs",
    "Stop a job; what it has committed stays",
    openapi.JOB,
    errors=(404, 409, 422),
    parameters=[openapi.IDEMPOTENCY],
)
@idempotent
def cancel(row_id: int) -> Response:
    """Stop a job of the caller's."""
    asked()
    context = current_context()
    get_own_job(context, row_id)
    if not cancel_job(context, row_id):
        raise Conflict(_("It has ended, or must not be stopped."), code="not_stopped")
    return answer(dump({"data": job_plain(get_own_job(context, row_id))}))


def state_of(text: str) -> str:
    """Return a state of jobs that a parameter names; raises ValueError."""
    if text not in STATES:
        raise ValueError(_("Say one of: %(names)s.", names=", ".join(STATES)))
    return text
