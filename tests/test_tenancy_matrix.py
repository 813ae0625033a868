"""Two organizations, one of them full of canaries: no route, parameter, body, header or file lets the other one see
or touch any of it."""

import io
import re
import uuid
import zipfile

import pytest

from tests.factories import CANARY, RESOURCES, form_of, having, make, patch_for, songs, workshop
from tests.households import found_organization, unique
from tests.markup import Page
from tests.snapshots import snapshot
from webapp.archives import rules as archives
from webapp.core.activity import history
from webapp.core.errors import NotFound
from webapp.core.files import store
from webapp.core.jobs import run_job
from webapp.core.parameters import filter_parameters
from webapp.core.query import get_row
from webapp.imports import mappings
from webapp.imports import rules as imports
from webapp.reports import rules as exports
from webapp.webhooks.jobs import take_turn
from webapp.webhooks.rules import create_webhook, get_webhook

UNSAFE = {"POST", "PATCH", "DELETE"}
READ = having("list")
CHANGED = [resource.name for resource in having("create", face="pages")]
REFERENCES = [(r, n) for r in having("create") for n, item in r.references.items() if not item.dump_only]
FILTERS = [
    (r, p, n)
    for r in READ
    for p, (n, op) in filter_parameters(r).items()
    if op in {"eq", "in", "within"} and (n == "id" or r.fields[n].target)
]


def over(pairs, names):
    return pytest.mark.parametrize(names, pairs, ids=["-".join(str(getattr(v, "name", v)) for v in p) for p in pairs])


def each(resources):
    return pytest.mark.parametrize("resource", resources, ids=lambda resource: resource.name)


@pytest.fixture(scope="module")
def ours(app):
    """The organization that looks over the wall, with three of everything."""
    household = found_organization(app)
    for name in RESOURCES:
        make(household, name)
    return household


@pytest.fixture(scope="module")
def api(ours):
    return ours.api_client()


@pytest.fixture(scope="module")
def client(ours):
    return ours.page_client()


class Aviary:
    """The other organization: every text of every row is a canary."""

    def __init__(self, app):
        self.household = found_organization(app, f"{CANARY} {unique('Aviary')}")
        self.ids = {}
        for name in RESOURCES:
            for _ in range(2):
                self.ids[name] = make(self.household, name, **songs(name))
        whole = {"resource": "assets", "format": "jsonl", "query": None, "fields": None}
        self.ids["exports"] = make(self.household, "exports", **songs("exports") | whole)
        self.api = self.household.api_client()
        with self.household.context() as context:
            file = io.BytesIO(f"Name,Category\n{CANARY} camera,{CANARY}s\n".encode())
            self.ids["imports"] = imports.upload(context, "assets", file, f"{CANARY}.csv")
            self.ids["jobs"] = imports.get_import(context, self.ids["imports"])["job_id"]
            self.ids["mappings"] = mappings.make(
                context, "assets", f"{CANARY} sheet", {"Colour": "notes", "Bench": "name"}, {"blanks": "clear"}
            )
            self.line = history(context, RESOURCES["assets"], self.ids["assets"])[0]
            exports.run_now(context, [self.ids["exports"]], {})
            made = get_row(context, RESOURCES["exports"], self.ids["exports"])["job_id"]
            self.ids["archives"] = archives.make(context)
            archived = archives.get_archive(context, self.ids["archives"])["job_id"]
            context.session.commit()
        with app.app_context():
            for job_id in (self.ids["jobs"], made, archived):
                run_job(self.household.id, job_id)
        self.change_sets = {name: self.change_set(RESOURCES[name]) for name in CHANGED}
        self.ids |= {"settings": self.ids["api-keys"], "organizations": self.household.id}

    def name(self, resource):
        """Return the name of a row, a canary."""
        return self.api.get(f"{resource}/{self.ids[resource]}").json["data"]["name"]

    def change_set(self, resource):
        """Return the id of the change set that made a row."""
        with self.household.context() as context:
            return history(context, resource, self.ids[resource.name])[-1]["change_set_id"]


@pytest.fixture(scope="module")
def aviary(app, ours):
    return Aviary(app)


@pytest.fixture(scope="module")
def known(aviary):
    """All that the other organization has, which no test changes."""
    return snapshot(aviary.household)


@pytest.fixture(autouse=True)
def nothing_of_it_changes(aviary, known):
    """Compare all that the other organization has after each test with what it has."""
    yield
    assert snapshot(aviary.household) == known


def text_of(answer):
    """Return what an answer says, out of a workbook too."""
    body = answer.get_data()
    if body[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(body)) as book:
            body = b"".join(book.read(name) for name in book.namelist())
    return body.decode("utf-8", "replace")


def silent(answer, *statuses):
    """Check that an answer has one of the statuses and that no canary sings in it."""
    said = text_of(answer) + str(answer.headers)
    assert answer.status_code in (statuses or (200,)), said[:2000]
    assert CANARY not in said.casefold()
    return answer


def silent_rows(answer):
    assert silent(answer).json["data"] == []
    assert answer.json["pagination"]["total"] == 0


def rules_with_ids(app, *, api):
    """Return (method, rule, kind) of every route whose path names a row, and the kind of row that it names."""
    found = []
    for rule in app.url_map.iter_rules():
        if re.search(r"<(row_id|int)", rule.rule) and rule.rule.startswith("/api/") == api:
            kind = "mappings" if "/mappings/" in rule.rule else rule.rule.removeprefix("/api/v1").split("/")[1]
            found += [(method, rule.rule, kind) for method in sorted(rule.methods - {"HEAD", "OPTIONS"})]
    return found


def path_of(rule, row_id):
    return re.sub(r"<.*?>", str(row_id), rule)


def test_the_canaries_sing_to_their_own_organization(aviary):
    for resource in READ:
        if {"text", "longtext"} & {item.kind for item in resource.writable.values()}:
            assert CANARY in aviary.api.get(resource.name).get_data(as_text=True), resource.name
    assert CANARY in aviary.household.page_client().get("/assets").get_data(as_text=True)


def test_no_path_of_the_api_leads_to_a_foreign_row(app, api, aviary):
    for method, rule, kind in rules_with_ids(app, api=True):
        body = {} if method in {"POST", "PATCH"} else None
        silent(api.request(method, path_of(rule, aviary.ids[kind]), body), 404)


def test_no_path_of_a_page_leads_to_a_foreign_row(app, client, aviary):
    for method, rule, kind in rules_with_ids(app, api=False):
        form = {"version": "1", "activity": str(aviary.line["id"])} if method in UNSAFE else None
        silent(client.open(path_of(rule, aviary.ids[kind]), method=method, data=form), 404)


def test_no_page_without_an_id_shows_a_foreign_row(app, client):
    for rule in app.url_map.iter_rules():
        if "GET" in rule.methods and not rule.arguments and not rule.rule.startswith("/api/"):
            silent(client.get(rule.rule, follow_redirects=True), 200, 404)


def test_no_list_of_the_api_shows_a_foreign_row(app, api):
    for rule in app.url_map.iter_rules():
        if "GET" in rule.methods and not rule.arguments and rule.rule.startswith("/api/v1"):
            silent(api.get(rule.rule))


@each(READ)
def test_a_filter_by_a_foreign_id_finds_nothing(api, client, aviary, resource, subtests):
    for _resource, parameter, name in [found for found in FILTERS if found[0] is resource]:
        with subtests.test(parameter):
            kind = resource.name if name == "id" else resource.fields[name].target

            query = {parameter: str(aviary.ids[kind])}

            silent_rows(api.get(resource.name, query_string=query))
            if "list" in resource.pages:
                page = Page(silent(client.get(f"/{resource.name}", query_string=query)))
                assert "data-row=" not in page.html


@pytest.mark.parametrize("q", [CANARY[1:], CANARY[:2]])
def test_a_search_for_a_canary_finds_none(api, client, q, subtests):
    for resource in [resource for resource in READ if resource.search]:
        with subtests.test(resource.name):
            silent_rows(api.get(resource.name, query_string={"q": q, "deleted": "true"}))
            silent_rows(api.get(resource.name, query_string={"q": q}))
            found = client.get(f"/{resource.name}/choices", query_string={"q": q})
            assert silent(found).json == []


@each(having("list", face="pages"))
def test_no_export_holds_a_foreign_row(client, aviary, resource, subtests):
    for ending in ("csv", "xlsx", "jsonl"):
        for query in ("", f"?id={aviary.ids[resource.name]}", "?deleted=true", f"?id_not={aviary.ids[resource.name]}"):
            with subtests.test(f"{ending}{query}"):
                silent(client.get(f"/{resource.name}/export.{ending}{query}"))


def test_a_history_goes_no_further_than_its_row(api, aviary, subtests):
    for resource in having("history"):
        with subtests.test(resource.name):
            row_id = api.get(f"{resource.name}?per_page=1").json["data"][0]["id"]

            query = {"before_id": aviary.line["id"] + 10**6}
            answer = silent(api.get(f"{resource.name}/{row_id}/history", query_string=query))

            assert {line["item_id"] for line in answer.json["data"]} <= {row_id}


@over(REFERENCES, ("resource", "name"))
def test_a_foreign_id_in_a_body_or_a_form_does_not_exist(ours, api, client, aviary, resource, name):
    foreign = aviary.ids[resource.fields[name].target]
    row_id, patch = make(ours, resource.name), patch_for(ours, resource.name) | {"product_id": None}
    patch = {key: value for key, value in patch.items() if key in resource.writable} | {name: foreign}

    said = [
        api.post(resource.name, patch),
        api.patch(f"{resource.name}/{row_id}", {name: foreign}),
        client.post(f"/{resource.name}/new", data=form_of({k: v for k, v in patch.items() if v is not None})),
        client.post(f"/{resource.name}/{row_id}/edit", data={name: str(foreign)}),
        client.post(f"/{resource.name}/bulk/edit", data={"ids": row_id, "step": "apply", "apply": name, name: foreign}),
    ]

    for answer in said:
        silent(answer, 422)
    silent(client.get(f"/{resource.name}/new", query_string={name: foreign}))


@pytest.mark.parametrize("path", ["members", "api-keys"])
def test_nobody_is_narrowed_to_a_foreign_place(ours, api, aviary, path):
    patch = patch_for(ours, path) | {"scope_location_id": aviary.ids["locations"]}

    answer = silent(api.post(path, patch), 422)

    assert [error["field"] for error in answer.json["errors"]] == ["scope_location_id"]


@pytest.mark.parametrize("act", ["edit", "delete"])
def test_a_bulk_act_reaches_no_foreign_row(client, aviary, act, subtests):
    for resource in having("update", face="pages"):
        with subtests.test(resource.name):
            path, foreign = f"/{resource.name}/bulk/{act}", aviary.ids[resource.name]
            name = next(iter(resource.writable))

            silent(client.get(f"{path}?id={foreign}"), 303)
            silent(client.post(path, data={"ids": str(foreign), "step": "apply", "apply": name, name: "x"}), 303)
            silent(client.post(path, data={"all": "1", "query": f"id={foreign}", "step": "apply"}), 303)


def test_a_foreign_change_cannot_be_undone(client, aviary):
    silent(client.post(f"/changes/{aviary.line['change_set_id']}/undo"), 404)


@each(having("create", face="pages"))
def test_the_nonce_of_a_foreign_form_means_nothing(ours, client, aviary, resource):
    form = form_of(patch_for(ours, resource.name)) | {"nonce": aviary.change_sets[resource.name]}

    answer = silent(client.post(f"/{resource.name}/new", data=form), 303)

    row_id = answer.location.rpartition("/")[2]
    assert silent(client.get(f"/{resource.name}/{row_id}"))
    client.post(f"/{resource.name}/{row_id}/delete", data={})


@each(having("create"))
def test_a_foreign_idempotency_key_means_nothing(app, api, resource):
    theirs = found_organization(app, f"{CANARY} {unique('Keys')}")
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    patch = patch_for(theirs, resource.name, **songs(resource.name))
    first = theirs.api_client().post(resource.name, patch, headers=headers)

    second = silent(api.post(resource.name, {"colour": "red"}, headers=headers), 422)

    assert first.status_code == 201, first.get_data(as_text=True)
    assert "Idempotent-Replayed" not in second.headers


def test_an_organization_is_entered_by_its_members_only(client, aviary):
    answer = client.post(f"/organizations/{aviary.household.tenant.slug}/enter")

    assert answer.status_code == 404
    assert aviary.household.tenant.name not in answer.get_data(as_text=True)
    silent(client.get("/"))


def test_a_sync_knows_no_foreign_name_and_no_foreign_id(api, aviary):
    items = [{"serial_number": "S-0", "category": aviary.name("categories")}]
    items += [{"serial_number": "S-1", "product": aviary.name("products")}]
    items += [{"serial_number": "S-2", "category_id": aviary.ids["categories"]}]
    items += [{"serial_number": "S-3", "status_id": aviary.ids["statuses"], "category_id": aviary.ids["categories"]}]

    found = api.post("assets/sync", {"assets": items}).json["data"]

    assert [found[fate] for fate in ("created", "updated", "unchanged")] == [[], [], []]
    assert len(found["failed"]) == len(items)
    told = [error["message"] for item in found["failed"] for error in item["errors"]]
    assert [message for message in told if CANARY in message and not message.startswith("There is no")] == []


def test_an_import_matches_and_names_nothing_foreign(app, ours, client, aviary):
    row = aviary.api.get(f"assets/{aviary.ids['assets']}").json["data"]
    cells = {"Tag": row["tag"], "Category": aviary.name("categories"), "Location": aviary.name("locations")}
    text = "\n".join(",".join(f'"{cell}"' for cell in line) for line in (cells, cells.values()))
    with ours.context() as context:
        import_id = imports.upload(context, "assets", io.BytesIO(text.encode()), "list.csv")
        job_id = imports.get_import(context, import_id)["job_id"]
        context.session.commit()
    with app.app_context():
        run_job(ours.id, job_id)

    with ours.context() as context:
        planned = imports.list_rows(context, import_id)

    assert [found["fate"] for found in planned] == ["error"]
    assert planned[0]["item_id"] is None
    assert {"category", "location"} & set(planned[0]["errors"])


def test_an_export_holds_nothing_foreign_and_hands_out_no_foreign_file(app, ours, api, aviary):
    theirs = aviary.api.get(f"exports/{aviary.ids['exports']}/runs").json["data"][0]
    assert CANARY in text_of(aviary.api.get(f"exports/{aviary.ids['exports']}/file"))
    patch = {"name": "All", "resource": "assets", "format": "jsonl"}
    for query in (None, f"id={aviary.ids['assets']}", "deleted=true", f"q={CANARY[1:]}"):
        made = silent(api.post("exports", patch | {"query": query}), 201).json["data"]
        with app.app_context():
            run_job(ours.id, made["job_id"])

        silent(api.get(f"exports/{made['id']}/file"))
        silent(api.get(f"exports/{made['id']}/file?run={theirs['id']}"), 404)
        silent(api.get(f"exports/{made['id']}/runs"))


def theirs_of(aviary):
    """Return the list that the other organization's export is of."""
    return aviary.api.get(f"exports/{aviary.ids['exports']}").json["data"]["resource"]


def test_a_webhook_is_told_nothing_foreign(app, ours, api, aviary):
    patch = {"name": "All", "url": "http://127.0.0.1:9/", "events": ["*"]}
    with ours.context() as context:
        app.config["OUTGOING_ALLOW"] = ["127.0.0.1"]
        hook, _secret = create_webhook(context, RESOURCES["webhooks"], patch)
        get_webhook(context, hook).sequence = 0
        context.session.commit()
    with app.app_context():
        take_turn(ours.id, hook)
        app.config["OUTGOING_ALLOW"] = []

    found = silent(api.get(f"webhooks/{hook}/deliveries?per_page=1000")).json["data"]
    told = [silent(api.get(f"webhooks/{hook}/deliveries/{row['id']}")).json["data"]["payload"] for row in found]

    assert len(found) >= len(READ) - 1
    assert any('"assets.created"' in payload for payload in told)
    silent(api.get(f"webhooks/{aviary.ids['webhooks']}/deliveries"), 404)


def test_an_upload_is_read_by_no_foreign_mapping(ours, api, client, aviary):
    def sent(name, **parts):
        file = (io.BytesIO(b"Colour,Bench\nred,one\n"), "list.csv")
        if name == "api":
            return api.request("POST", "imports", data={"file": file, **parts})
        return client.post("/imports", data={"file": file, "resource": "assets", **parts})

    for mapping in (str(aviary.ids["mappings"]), f"{CANARY[1:]} sheet"):
        for name in ("api", "page"):
            assert sent(name, mapping=mapping).status_code == 422
    found = silent(sent("api"), 201).json["data"]

    assert (found["mapping"], found["columns"][1]["field"]) == (None, None)
    path = f"imports/{found['id']}"
    assert api.patch(path, {"mapping": str(aviary.ids["mappings"])}).status_code == 422
    silent(api.post("imports/mappings", {"name": "x", "import_id": aviary.ids["imports"]}), 404)
    kept = api.post("imports/mappings", {"name": f"{CANARY} sheet", "import_id": found["id"]})
    assert (kept.status_code, api.delete(f"imports/mappings/{kept.json['data']['id']}").status_code) == (201, 204)


def test_no_file_of_an_import_is_opened_for_others(app, ours, aviary):
    with aviary.household.context(write=False) as context:
        key = imports.get_import(context, aviary.ids["imports"])["file_key"]

    with app.app_context(), pytest.raises(NotFound):
        store().open(key, ours.id)


def test_the_names_beside_a_row_are_never_foreign(ours, api):
    for resource in READ:
        for row in silent(api.get(f"{resource.name}?per_page=1000")).json["data"]:
            for name, item in resource.names.items():
                assert (row[name] is None) == (row[item.of] is None), (resource.name, name)


def test_blockers_count_nothing_foreign(ours, api):
    with workshop(ours) as shop:
        place = shop.make("locations", parent_id=None)
        shop.make("persons", location_id=place)

    answer = silent(api.delete(f"locations/{place}"), 409)

    assert [blocker["count"] for blocker in answer.json["blockers"]] == [1]
