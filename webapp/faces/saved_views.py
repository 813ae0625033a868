"""Lists as people want to see them again: a name for a URL, one's own or everybody's, and one's usual columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask_babel import gettext as _
from sqlalchemy import ForeignKey, Index, Integer, Select, func, literal, or_, select, union_all
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.access import MANAGERS, Permission, can, declare
from webapp.core.compiled import fetch
from webapp.core.conditions import conditions
from webapp.core.context import Actor, Context
from webapp.core.database import Id, KeyColumn, KeyText, LongText, Model, ShortText, key_of, table_of
from webapp.core.errors import Conflict, Forbidden, Invalid, NotFound
from webapp.core.parameters import ListParameters
from webapp.core.query import COUNT_LIMIT
from webapp.core.resource import Resource
from webapp.core.tenancy import CHECKED, Entity, SoftDeleted, hold, scoped, tenant_table_arguments, unique_among_living

SHARE = "views:share"
GAP = 1024
MOST_VIEWS, LONGEST_NAME, LONGEST_QUERY = 50, 80, 8_000
NOT_KEPT = frozenset({"page", "cursor", "view"})
Row = Mapping[str, Any]
declare((Permission(SHARE, MANAGERS),))


class SavedView(Entity, SoftDeleted, Model):
    """A list to come back to: "Kit over € 250" of assets; the one without a name keeps somebody's usual columns."""

    __tablename__ = "saved_views"

    resource: Mapped[str] = mapped_column(KeyText)
    user_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id"))
    name: Mapped[ShortText]
    name_key: Mapped[KeyColumn]
    query: Mapped[LongText]
    is_shared: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int] = mapped_column(Integer, default=0)

    __table_args__ = tenant_table_arguments(
        unique_among_living("uq_saved_views_name_key", "resource", "user_id", "name_key"),
        Index("ix_saved_views_user_id", "user_id"),
    )


@dataclass(frozen=True)
class Views:
    """What an actor has of a list: the views in order, and the columns that are usual for them."""

    rows: Sequence[Row] = ()
    columns: tuple[str, ...] = field(default=())

    def get(self, view_id: int | None) -> Row | None:
        """Return a view by its id, None when the actor has none such."""
        return next((row for row in self.rows if row["id"] == view_id), None)


def canonical(values: Mapping[str, str]) -> str:
    """Return a list's state as the one query string that says it: no page, no order of parameters."""
    kept = sorted((name, value) for name, value in values.items() if value and name not in NOT_KEPT)
    return urlencode(kept, safe=",")


def values_of(query: str) -> dict[str, str]:
    """Return {parameter: value} of a canonical query string."""
    return dict(parse_qsl(query))


def may_change(actor: Actor, row: Row) -> bool:
    """Tell whether an actor may change and delete a view: their own, or with the right to share a shared one."""
    return row["user_id"] == actor.user_id or (row["is_shared"] and can(actor, SHARE))


def views_of(context: Context, resource: Resource) -> Views:
    """Return the views of a list that an actor may see: one query, no objects."""
    table = table_of(SavedView)

    def build(values: Sequence[Any]) -> Select[Any]:
        names = ("id", "user_id", "name", "query", "is_shared", "position", "version")
        return (
            select(*[table.c[name] for name in names])
            .where(
                scoped(context.session, table),
                table.c.resource == values[0],
                table.c.deleted_at.is_(None),
                or_(table.c.user_id == values[1], table.c.is_shared.is_(True)),
            )
            .order_by(table.c.position, table.c.id)
        )

    found = fetch(context.session, ("saved views",), (resource.name, context.actor.user_id or 0), build)
    usual = next((values_of(row["query"]).get("fields", "") for row in found if not row["name"]), "")
    columns = tuple(name for name in usual.split(",") if name in resource.fields)
    may_restore = can(context.actor, resource.write_permission)
    shown = [row for row in found if row["name"] and (may_restore or "deleted" not in values_of(row["query"]))]
    return Views(shown, columns)


def counts_of(context: Context, resource: Resource, asked: Mapping[int, ListParameters]) -> dict[int, int]:
    """Return {view: rows it shows, at most 10,001}: one statement for all of them; a search is not counted."""
    parts = []
    for view_id, parameters in asked.items():
        if not parameters.q:
            where = conditions(context, resource, parameters)
            inner = select(literal(1)).select_from(resource.table).where(*where).limit(COUNT_LIMIT + 1).subquery()
            parts.append(select(literal(view_id), select(func.count()).select_from(inner).scalar_subquery()))
    if not parts:
        return {}
    return {row[0]: row[1] for row in context.session.execute(union_all(*parts), execution_options=CHECKED)}


def find_view(context: Context, resource: Resource, view_id: int, *, deleted: bool = False) -> SavedView:
    """Return a view that the actor may change; raises NotFound for an unseen one, Forbidden for one they only see."""
    query = select(SavedView).where(SavedView.id == view_id, SavedView.resource == resource.name, SavedView.name != "")
    row = context.session.execute(query).scalar_one_or_none()
    if row is None or (row.deleted_at is not None) != deleted:
        raise NotFound("there is no such view")
    if row.user_id != context.actor.user_id and not row.is_shared:
        raise NotFound("there is no such view")
    if not may_change(context.actor, vars(row)):
        raise Forbidden(f"this needs the permission {SHARE}")
    return row


def save_view(context: Context, resource: Resource, name: str, query: str, *, shared: bool) -> SavedView:
    """Keep a list under a name, after the others; raises Invalid for a name that is empty, long or taken."""
    hold(context.session, f"views of {_user_of(context)}")
    views = views_of(context, resource)
    if sum(row["user_id"] == context.actor.user_id for row in views.rows) >= MOST_VIEWS:
        raise Invalid({"name": [_("At most %(count)s views of a list. Delete one first.", count=MOST_VIEWS)]})
    last = max((row["position"] for row in views.rows), default=0)
    view = SavedView(
        resource=resource.name, user_id=_user_of(context), query=_checked_query(query), position=last + GAP
    )
    name_view(context, view, name, shared=shared)
    context.session.add(view)
    context.session.flush()
    return view


def name_view(context: Context, view: SavedView, name: str, *, shared: bool) -> None:
    """Give a view its name and say who sees it; sharing, and taking back what was shared, needs the right to."""
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise Invalid({"name": [_("A name has 1 to %(count)s characters.", count=LONGEST_NAME)]})
    if "\x00" in name:
        raise Invalid({"name": [_("NUL characters are not text.")]})
    if shared != bool(view.is_shared) and not can(context.actor, SHARE):
        raise Forbidden(f"this needs the permission {SHARE}")
    if _is_taken(context, view, key_of(name)):
        raise Invalid({"name": [_("You have a view of this name already.")]})
    view.name, view.name_key, view.is_shared = name, key_of(name), shared


def restore_view(context: Context, view: SavedView) -> None:
    """Bring a deleted view back; raises Conflict when its name has been taken since."""
    if _is_taken(context, view, view.name_key):
        raise Conflict(_("You have a view of this name already."))
    view.deleted_at = None


def replace_query(view: SavedView, query: str) -> None:
    """Have a view show another list."""
    view.query = _checked_query(query)


def move_view(context: Context, resource: Resource, view: SavedView, *, step: int) -> None:
    """Put a view one place to the left (-1) or to the right (1) among those the actor sees."""
    rows = list(views_of(context, resource).rows)
    at = next((n for n, row in enumerate(rows) if row["id"] == view.id), 0)
    beyond = [row["position"] for row in (rows[:at][::-1] if step < 0 else rows[at + 1 :])]
    if beyond:
        far = beyond[1] if len(beyond) > 1 else beyond[0] + 2 * step * GAP
        view.position = (beyond[0] + far) // 2


def keep_columns(context: Context, resource: Resource, names: Sequence[str]) -> None:
    """Remember which columns are usual for the actor, in order; none takes it back."""
    hold(context.session, f"views of {_user_of(context)}")
    query = select(SavedView).where(
        SavedView.resource == resource.name,
        SavedView.user_id == _user_of(context),
        SavedView.name_key == "",
        SavedView.deleted_at.is_(None),
    )
    row = context.session.execute(query).scalar_one_or_none()
    if row is None and names:
        row = SavedView(resource=resource.name, user_id=_user_of(context), name="", name_key="", query="")
        context.session.add(row)
    if row is not None and names:
        row.query = canonical({"fields": ",".join(names)})
    elif row is not None:
        row.deleted_at = context.at
    context.session.flush()


def _is_taken(context: Context, view: SavedView, key: str) -> bool:
    query = select(SavedView.id).where(
        SavedView.resource == view.resource,
        SavedView.user_id == view.user_id,
        SavedView.name_key == key,
        SavedView.deleted_at.is_(None),
        SavedView.id != (view.id or 0),
    )
    with context.session.no_autoflush:
        return context.session.execute(query).first() is not None


def _checked_query(query: str) -> str:
    if len(query) > LONGEST_QUERY or "\x00" in query:
        raise Invalid({"name": [_("This view says too much to be kept. Leave out a filter.")]})
    return canonical(values_of(query))


def _user_of(context: Context) -> int:
    if context.actor.user_id is None:
        raise Forbidden("only people keep views")
    return context.actor.user_id
