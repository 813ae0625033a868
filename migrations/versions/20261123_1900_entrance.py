# ruff: noqa: S608 - no part of these statements comes from outside
"""The entrance: who asks, for whom, and how they stand, found and said in the message that begins a transaction.

PostgreSQL alone. In PL/pgSQL, whose plans are kept for a connection: those of LANGUAGE sql are made at each call.
"""

from alembic import op

from webapp.schema.tenancy_ddl import RUNTIME_ROLE, is_postgresql

revision = "20261123_1900"
down_revision = "20261123_1870"
branch_labels = None
depends_on = None

TENANT = """o.id AS organization_id, o.guid AS organization_guid, o.name AS organization_name,
 o.slug AS organization_slug, o.currency AS organization_currency, o.timezone AS organization_timezone,
 o.locale AS organization_locale, jsonb_strip_nulls(o.settings || jsonb_build_object('asset_tag_pattern',
 o.asset_tag_pattern, 'unique_serial', o.unique_serial)) AS organization_settings"""
FUNCTIONS = {
    "identity_enter_find_session": (
        "_secret_hash text, _at timestamptz, _reads boolean",
        f"""SELECT {TENANT}, u.id AS user_id, u.name AS user_name, u.email AS user_email, u.locale AS user_locale,
 u.timezone AS user_timezone, m.id AS membership_id, m.role, m.scope_location_id, s.last_seen_at, s.expires_at,
 (SELECT count(*) FROM memberships x WHERE x.user_id = u.id AND x.deleted_at IS NULL AND x.is_active) AS organizations,
 u.theme, u.has_shortcuts INTO _found
FROM sessions s JOIN users u ON u.id = s.user_id AND u.is_active
JOIN memberships m ON m.user_id = u.id AND m.organization_id = s.organization_id AND m.deleted_at IS NULL
 AND m.is_active
JOIN organizations o ON o.id = m.organization_id
WHERE s.secret_hash = _secret_hash AND s.expires_at > _at""",
    ),
    "identity_enter_find_api_key": (
        "_prefix text, _at timestamptz, _reads boolean",
        f"""SELECT {TENANT}, k.id AS api_key_id, k.name, k.secret_hash, k.dialect, k.scopes, k.ip_allowlist,
 k.last_used_at, k.scope_location_id INTO _found
FROM api_keys k JOIN organizations o ON o.id = k.organization_id
WHERE k.prefix = _prefix AND k.revoked_at IS NULL AND k.deleted_at IS NULL
 AND (k.expires_at IS NULL OR k.expires_at > _at)""",
    ),
}


def upgrade() -> None:
    """Make them; they see with the owner's rights, as all that is asked before an organization is known."""
    if not is_postgresql(op):
        return
    for name, (arguments, body) in FUNCTIONS.items():
        op.execute(f"""
            CREATE FUNCTION {name}({arguments}) RETURNS TABLE (found text, totals text, versions text)
            LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
            DECLARE
              _found record;
            BEGIN
              {body};
              IF NOT FOUND THEN
                RETURN;
              END IF;
              PERFORM set_config('app.organization_id', _found.organization_id::text, true),
                set_config('transaction_read_only', CASE WHEN _reads THEN 'on' ELSE 'off' END, true);
              RETURN QUERY SELECT row_to_json(_found)::text,
                (SELECT json_object_agg(t.item_type, t.total)::text FROM resource_totals t
                 WHERE t.organization_id = _found.organization_id),
                (SELECT json_object_agg(v.kind, v.version)::text FROM label_versions v
                 WHERE v.organization_id = _found.organization_id);
            END $body$""")
        op.execute(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO {RUNTIME_ROLE}")


def downgrade() -> None:
    """Drop them."""
    if is_postgresql(op):
        for name in FUNCTIONS:
            op.execute(f"DROP FUNCTION {name}")
