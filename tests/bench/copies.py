"""Many assets out of the first thousand: copies by one statement a table, each with a number of its own.

Every column is copied as the rules wrote it; only what says the number differs. What the program adds to a row is
therefore in the copies too, and `check.py` holds a copy beside one that the rules write.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, inspect, text

from tests.bench.pattern import DAYS, FIRST_DAY, Household

GROWN = ("assets", "custom_values", "activity", "activity_seals")
WAVES = 8


@dataclass(frozen=True)
class Words:
    """How a database says what a copy needs."""

    series: str
    uuid: str
    wide: str
    tag: str
    hexed: str
    day: str
    later: str
    transaction: str
    seal: str
    cast: str = ""
    as_text: str = ""
    put: str = ""


POSTGRESQL = Words(
    series="SELECT generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS turn",
    uuid="gen_random_uuid()::text",
    wide="lpad(({0})::text, 7, '0')",
    tag="lpad(({0})::text, greatest(6, length(({0})::text)), '0')",
    hexed="lpad(to_hex({0}), 8, '0')",
    day=f"(date '{FIRST_DAY}' + (n % {DAYS})::integer)",
    later="{0} + n * interval '1 second'",
    transaction="pg_current_xact_id()::text::bigint",
    seal="md5(random()::text) || md5(random()::text)",
    cast="::jsonb",
    as_text="::text",
    put="jsonb_set({0}, '{{{1}}}', to_jsonb(({2})::text), false)",
)
SQLITE = Words(
    series="SELECT value AS turn FROM (WITH RECURSIVE up(value) AS (SELECT :first UNION ALL SELECT value + 1 FROM up "
    "WHERE value < :last) SELECT value FROM up)",
    uuid="lower(substr(hex(randomblob(4)), 1, 8) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2)"
    " || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))",
    wide="printf('%07d', {0})",
    tag="printf('%06d', {0})",
    hexed="printf('%08x', {0})",
    day=f"date('{FIRST_DAY}', '+' || (n % {DAYS}) || ' days')",
    later="strftime('%Y-%m-%d %H:%M:%f', {0}, '+' || n || ' seconds') || '000'",
    transaction="NULL",
    seal="lower(hex(randomblob(32)))",
    put="json_replace({0}, '$.{1}', CAST(({2}) AS text))",
)


def multiply(connection: Connection, households: list[Household]) -> None:
    """Write the rest of each organization's assets, in turns, so that they lie mixed; the caller commits."""
    postgresql = connection.dialect.name == "postgresql"
    words = POSTGRESQL if postgresql else SQLITE
    connection.execute(
        text("CREATE TEMPORARY TABLE pattern (organization_id bigint, number bigint, asset_id bigint PRIMARY KEY)")
    )
    rows = [
        {"o": household.tenant.id, "n": number, "a": asset_id}
        for household in households
        for number, asset_id in enumerate(household.pattern, 1)
    ]
    connection.execute(text("INSERT INTO pattern VALUES (:o, :n, :a)"), rows)
    indexes = _drop_indexes(connection) if postgresql else []
    for wave in range(WAVES):
        for household in households:
            _copy(connection, words, household, wave)
    for household in households:
        _settle(connection, words, household)
    for definition in indexes:
        connection.execute(text(definition))


def _copy(connection: Connection, words: Words, household: Household, wave: int) -> None:
    pattern = len(household.pattern)
    turns = -(-household.count // pattern)  # the first turn is the pattern itself
    first, behind = (1 + (turns - 1) * part // WAVES for part in (wave, wave + 1))
    if first >= behind:
        return
    highest = int(connection.execute(text("SELECT max(id) FROM assets")).scalar_one())
    values = {
        "first": first,
        "last": behind - 1,
        "organization": household.tenant.id,
        "count": household.count,
        "pattern": pattern,
        "shift": highest - first * pattern,
    }
    numbers = (
        f"(SELECT p.asset_id, turn, turn * :pattern + p.number AS n, {words.wide.format('p.number')} AS old, "
        f"{words.wide.format('turn * :pattern + p.number')} AS new, {words.tag.format('p.number')} AS old_tag, "
        f"{words.tag.format('turn * :pattern + p.number')} AS new_tag FROM pattern p CROSS JOIN ({words.series}) s "
        "WHERE p.organization_id = :organization AND turn * :pattern + p.number <= :count) c"
    )
    for table, source, order in (
        ("assets", "t.id = c.asset_id", "n"),
        ("custom_values", "t.organization_id = :organization AND t.row_id = c.asset_id AND {field}", "n"),
        ("activity", "t.organization_id = :organization AND t.item_type = 'assets' AND t.item_id = c.asset_id", "n"),
    ):
        made = _columns(connection, words, household, table)
        listed = ", ".join(str(household.fields[slug]) for slug in sorted(household.fields))
        statement = (
            f"INSERT INTO {table} ({', '.join(made)}) SELECT {', '.join(made.values())} FROM {numbers} "
            f"JOIN {table} t ON {source.format(field=f't.field_id IN ({listed})')} ORDER BY {order}"
            + (", t.id" if table == "activity" else "")
        )
        connection.execute(text(statement), values)


def _columns(connection: Connection, words: Words, household: Household, table: str) -> dict[str, str]:
    """Return {column: what a copy has there}."""

    def renamed(what: str) -> str:
        tagged = f"replace({what}, 'AST-' || old_tag, 'AST-' || new_tag)"
        return f"replace(replace({tagged}, 'ast-' || old_tag, 'ast-' || new_tag), old, new)"

    counted, dated = household.fields["cycles"], household.fields["calibrated_on"]
    quantity = "(n * 7919 % 100003)"

    def values(what: str, path: str) -> str:
        body = f"({renamed(f'{what}{words.as_text}')}){words.cast}"
        for field_id, value in ((counted, quantity), (dated, words.day)):
            body = words.put.format(body, _path(words, path, field_id), value)
        return body

    own = {
        "assets": {
            "id": ":shift + n",
            "guid": words.uuid,
            "created_at": words.later.format("t.created_at"),
            "updated_at": words.later.format("t.updated_at"),
            "custom": values("t.custom", ""),
        },
        "custom_values": {
            "row_id": ":shift + n",
            "int_value": f"CASE WHEN t.field_id = {counted} THEN {quantity} * 10000 ELSE t.int_value END",
            "date_value": f"CASE WHEN t.field_id = {dated} THEN {words.day} ELSE t.date_value END",
        },
        "activity": {
            "item_id": ":shift + n",
            "at": words.later.format("t.at"),
            "changes": values("t.changes", "custom."),
            "change_set_id": f"substr(t.change_set_id, 1, 28) || {words.hexed.format('turn')}",
            "transaction_id": words.transaction,
        },
    }[table]
    numbered = {"tag", "tag_key", "serial_number", "serial_key", "search_text", "text_value", "item_name"}
    names = [column["name"] for column in inspect(connection).get_columns(table)]
    if table == "activity":
        names.remove("id")
    return {name: own.get(name) or (renamed(f"t.{name}") if name in numbered else f"t.{name}") for name in names}


def _path(words: Words, path: str, field_id: int) -> str:
    if words.cast:
        return f"{path}{field_id},1" if path else str(field_id)
    return f'"{path}{field_id}"' + ("[1]" if path else "")


def _settle(connection: Connection, words: Words, household: Household) -> None:
    """Bring counters and seals to where the rules would have brought them; the seals themselves are made up."""
    values = {"organization": household.tenant.id, "count": household.count}
    for statement in (
        "UPDATE resource_totals SET total = :count WHERE organization_id = :organization AND item_type = 'assets'",
        "UPDATE number_series SET last = :count WHERE organization_id = :organization AND series = 'asset_tag'",
        (
            "INSERT INTO activity_seals (organization_id, sequence, activity_id, previous_hash, hash) "
            "SELECT organization_id, (SELECT coalesce(max(sequence), 0) FROM activity_seals WHERE organization_id = "
            f":organization) + row_number() OVER (ORDER BY id), id, {words.seal}, {words.seal} FROM activity a WHERE "
            "organization_id = :organization AND NOT EXISTS (SELECT 1 FROM activity_seals s WHERE s.organization_id = "
            ":organization AND s.activity_id = a.id)"
        ),
    ):
        connection.execute(text(statement), values)
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT setval('assets_id_seq', (SELECT max(id) FROM assets))"))


def _drop_indexes(connection: Connection) -> list[str]:
    """Drop the indexes that no constraint needs, and return how to make them again."""
    query = text(
        "SELECT i.indexname, i.indexdef FROM pg_indexes i WHERE i.schemaname = 'public' AND i.tablename = ANY (:tables) "
        "AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)"
    )
    found = connection.execute(query, {"tables": list(GROWN)}).all()
    for name, _definition in found:
        connection.execute(text(f"DROP INDEX {name}"))
    return [definition for _name, definition in found]
