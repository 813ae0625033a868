"""Lists of every registered resource through the API: filters, sort, search, paging, fields, and what they cost."""

from decimal import Decimal

import pytest

from tests.factories import RESOURCES, fill, having
from tests.households import found_organization
from tests.statements import counted
from webapp.core.database import key_of
from webapp.core.fields import Text
from webapp.core.parameters import filter_parameters, sortable

LISTS = having("list")


def one_of_each(found):
    """Return the first (resource, parameter, field, operator) of each way in which a resource's fields are compared."""
    first = {}
    for resource, parameter, name, op in found:
        item = resource.fields[name]
        column = resource.table.c.get(item.column)
        way = (item.kind, type(item), getattr(item, "twin", None) is None, column is not None and column.nullable)
        first.setdefault((resource.name, way, op, parameter.startswith(name)), (resource, parameter, name, op))
    return list(first.values())


FILTERS = one_of_each((r, name, *found) for r in LISTS for name, found in filter_parameters(r).items())
SORTS = [(r, name) for r, _parameter, name, _op in one_of_each((r, n, n, "") for r in LISTS for n in sortable(r))]
SEARCHES = [(r, name) for r in LISTS for name in r.search]
NAMES = [(r, name) for r in LISTS for name in (*r.names, *r.throughs)]


def named(*values):
    return "-".join(getattr(value, "name", value) for value in values)


def over(pairs, names):
    return pytest.mark.parametrize(names, pairs, ids=[named(*pair) for pair in pairs])


every_list = pytest.mark.parametrize("resource", LISTS, ids=lambda resource: resource.name)


@pytest.fixture(scope="module")
def book(app):
    """An organization with thirteen of everything, which no test of this file changes."""
    household = found_organization(app)
    for name in RESOURCES:
        fill(household, name, 13)
    return household


@pytest.fixture(scope="module")
def reader(book):
    return book.api_client()


def listing(reader, resource, /, **query):
    answer = reader.get(resource.name, query_string={"per_page": 1000, **query})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.json


def rows_of(reader, resource, /, **query):
    return listing(reader, resource, **query)["data"]


def ids_of(rows):
    return [row["id"] for row in rows]


def faults_of(answer):
    assert answer.status_code == 422, answer.get_data(as_text=True)
    assert answer.mimetype == "application/problem+json"
    return {error["field"] for error in answer.json["errors"]}


def comparable(resource, name, value):
    item = resource.fields[name]
    if value is None or item.kind not in {"text", "amount"}:
        return value
    if item.kind == "amount":
        return Decimal(value)
    return key_of(value) if isinstance(item, Text) and item.twin else value


def values_of(rows, resource, name):
    found = {comparable(resource, name, row[name]) for row in rows} - {None}
    assert found, f"the factory of {resource.name} gives no {name}"
    return sorted(found)


def descendants(reader, location_id):
    inside = {location_id}
    rows = rows_of(reader, RESOURCES["locations"])
    for _level in range(5):
        inside |= {row["id"] for row in rows if row["parent_id"] in inside}
    return inside


def query_value(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def chosen(reader, rows, resource, name, op):
    """Return (what the query string says, the predicate it stands for)."""
    if op == "empty":
        return "true", lambda value: value is None
    values = values_of(rows, resource, name)
    middle, ends = values[len(values) // 2], {values[0], values[-1]}
    if op == "within":
        inside = descendants(reader, middle)
        return middle, lambda value: value in inside
    return {
        "eq": (middle, lambda value: value == middle),
        "not": (middle, lambda value: value != middle),
        "in": (",".join(map(query_value, ends)), lambda value: value in ends),
        "after": (middle, lambda value: value is not None and value > middle),
        "before": (middle, lambda value: value is not None and value < middle),
    }[op]


@over(FILTERS, ("resource", "parameter", "name", "op"))
def test_a_filter_leaves_exactly_the_rows_that_fit(reader, resource, parameter, name, op):
    rows = rows_of(reader, resource)
    said, fits = chosen(reader, rows, resource, name, op)

    found = rows_of(reader, resource, **{parameter: query_value(said)})

    assert ids_of(found) == [row["id"] for row in rows if fits(comparable(resource, name, row[name]))]


@over([pair for pair in FILTERS if pair[3] == "empty"], ("resource", "parameter", "name", "op"))
def test_not_empty_is_the_rest_of_empty(reader, resource, parameter, name, op):
    empty, full = (rows_of(reader, resource, **{parameter: said}) for said in ("true", "false"))

    assert sorted(ids_of([*empty, *full])) == sorted(ids_of(rows_of(reader, resource)))
    assert None not in [row[name] for row in full]


@over(FILTERS, ("resource", "parameter", "name", "op"))
def test_a_filter_that_is_nonsense_is_refused_by_its_name(reader, resource, parameter, name, op):
    free = op == "eq" and resource.fields[name].kind == "text"
    nonsense = "\x00" if free or (resource.fields[name].kind == "text" and op != "empty") else "not-a-value"

    assert faults_of(reader.get(resource.name, query_string={parameter: nonsense})) == {parameter}


@pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])
@over(SORTS, ("resource", "name"))
def test_a_list_sorts_as_python_does_with_nothing_last(reader, resource, name, descending):
    rows = sorted(rows_of(reader, resource), key=lambda row: row["id"], reverse=descending)
    given = [row for row in rows if row[name] is not None]
    given.sort(key=lambda row: comparable(resource, name, row[name]), reverse=descending)

    found = rows_of(reader, resource, sort=f"-{name}" if descending else name)

    assert ids_of(found) == ids_of([*given, *(row for row in rows if row[name] is None)])


@pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])
@over(SORTS, ("resource", "name"))
def test_paging_by_page_and_by_cursor_gives_every_row_once(reader, resource, name, descending):
    sort = f"-{name}" if descending else name
    whole = ids_of(rows_of(reader, resource, sort=sort))

    by_page, by_cursor, cursor = [], [], ""
    for page in range(1, -(-len(whole) // 4) + 1):
        by_page += ids_of(rows_of(reader, resource, sort=sort, per_page=4, page=page))
        found = listing(reader, resource, sort=sort, per_page=4, cursor=cursor)
        by_cursor, cursor = by_cursor + ids_of(found["data"]), found["pagination"]["next_cursor"]

    assert by_page == by_cursor == whole
    assert cursor is None


@every_list
def test_the_pagination_says_where_a_page_stands(reader, resource):
    count = len(rows_of(reader, resource))

    pagination = listing(reader, resource, per_page=3, page=2)["pagination"]

    assert {name: pagination[name] for name in ("page", "per_page", "total", "total_capped")} == {
        "page": 2,
        "per_page": 3,
        "total": count,
        "total_capped": False,
    }
    assert pagination["total_pages"] == max(1, -(-count // 3))


@every_list
@pytest.mark.parametrize(
    ("name", "value"),
    [("per_page", "0"), ("per_page", "1001"), ("per_page", "x"), ("page", "0"), ("page", "-1"), ("cursor", "x"),
     ("cursor", "W10"), ("sort", "guid,nothing"), ("fields", "id,nothing"), ("deleted", "maybe"), ("nothing", "1"),
     ("q", "\x00")],
)  # fmt: skip
def test_a_list_refuses_what_it_does_not_know_by_name(reader, resource, name, value):
    assert faults_of(reader.get(resource.name, query_string={name: value})) == {name}


@over(SEARCHES, ("resource", "name"))
def test_search_finds_a_part_of_each_searched_field_in_any_case(reader, resource, name):
    row = max(rows_of(reader, resource), key=lambda row: len(row[name] or ""))
    part = key_of(row[name])[1:] if len(row[name]) > 3 else row[name]

    found = rows_of(reader, resource, q=part.upper())

    texts = [key_of(" ".join(str(value) for value in hit.values())) for hit in found]
    assert row["id"] in ids_of(found)
    assert all(key_of(word) in text for word in part.split() for text in texts)


@over(SEARCHES, ("resource", "name"))
def test_a_short_search_finds_what_begins_so(reader, resource, name):
    rows = rows_of(reader, resource)
    start = key_of(next(row[name] for row in rows if row[name]))[:2]

    found = ids_of(rows_of(reader, resource, q=start))

    fits = [row["id"] for row in rows if any(key_of(row[other] or "").startswith(start) for other in resource.search)]
    assert sorted(found) == sorted(fits)


@over(SEARCHES, ("resource", "name"))
def test_the_exact_hit_comes_first(reader, resource, name):
    row = next(row for row in rows_of(reader, resource) if row[name])

    first = rows_of(reader, resource, q=row[name])[0]

    assert key_of(row[name]) in [key_of(first[other] or "") for other in resource.search]


@every_list
def test_only_the_fields_asked_for_come(reader, resource):
    whole = rows_of(reader, resource)
    for name in resource.fields:
        rows = rows_of(reader, resource, fields=f"id,{name}")
        assert rows == [{"id": row["id"], name: row[name]} for row in whole]


@over(NAMES, ("resource", "name"))
def test_a_name_stands_beside_its_id_even_when_it_is_asked_for_alone(reader, resource, name):
    item = resource.fields[name]
    rows = rows_of(reader, resource, fields=f"{item.of},{name}")

    assert {row[name] for row in rows} - {None}, "the factory gives none"
    assert all(row[item.of] is not None for row in rows if row[name] is not None)


@pytest.fixture(scope="module")
def sizes(app):
    """Two organizations, with one and with sixty of everything, and a key and a browser for each."""
    found = []
    for count in (1, 60):
        household = found_organization(app)
        for name in RESOURCES:
            fill(household, name, count)
        found.append((household.api_client(), household.page_client()))
    return found


def cost_of(app, client, path):
    """Count the second time: the first fills the caches."""
    client.get(path)
    with counted(app) as cost:
        answer = client.get(path)
        body = answer.get_data(as_text=True)
    assert answer.status_code == 200, body
    assert not cost.objects
    return cost


@every_list
@pytest.mark.parametrize(
    ("query", "budget"),
    [("per_page=1000", 5), ("created_after=2020-01-01T00:00:00Z", 6), ("per_page=1000&sort=-id", 5)],
)
def test_a_list_costs_the_same_for_one_row_and_for_sixty(app, sizes, resource, query, budget):
    small, large = (cost_of(app, api, f"/api/v1/{resource.name}?{query}") for api, _page in sizes)

    assert len(small.statements) <= len(large.statements) <= budget + large_kinds(resource), large
    assert len(large.statements) - len(small.statements) <= unseen(resource), f"{small}\n\n{large}"


@pytest.mark.parametrize("resource", [r for r in LISTS if r.search], ids=lambda resource: resource.name)
def test_a_search_costs_two_statements_more(app, sizes, resource):
    """One finds the ids, one counts them."""
    for api, _page in sizes:
        cost = cost_of(app, api, f"/api/v1/{resource.name}?q=apple")

        assert len(cost.statements) <= 7 + large_kinds(resource), cost


def unseen(resource):
    """Return how many look-ups a single row without references saves."""
    targets = {str(item.target) for item in resource.references.values()}
    return sum(not RESOURCES[target].cached for target in targets)


def large_kinds(resource):
    """Return how many kinds beyond one a row names that are too many to be cached: one query a page each (D6)."""
    return max(0, unseen(resource) - 1)


@pytest.mark.parametrize("resource", having("get"), ids=lambda resource: resource.name)
def test_one_row_costs_at_most_six_statements(app, sizes, resource):
    for api, _page in sizes:
        row = rows_of(api, resource)[-1]

        cost = cost_of(app, api, f"/api/v1/{resource.name}/{row['id']}")

        assert len(cost.statements) <= 6 + large_kinds(resource), cost


@pytest.mark.parametrize("resource", having("list", face="pages"), ids=lambda resource: resource.name)
def test_the_page_of_a_list_costs_the_same_for_one_row_and_for_sixty(app, sizes, resource):
    small, large = (cost_of(app, page, f"/{resource.name}?per_page=1000") for _api, page in sizes)

    assert len(small.statements) <= len(large.statements) <= 8, large
    assert len(large.statements) - len(small.statements) <= unseen(resource), f"{small}\n\n{large}"
