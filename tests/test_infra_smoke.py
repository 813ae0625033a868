def test_page(client):
    r = client.get("/"); assert r.status_code == 200, r.text
def test_api(api):
    r = api.get("locations"); assert r.status_code == 200, r.text
    r = api.post("locations", {"name": "HQ"}); print(r.text); assert r.status_code == 201
def test_role(as_role, other_organization, context):
    c = as_role("auditor"); assert c.get("/locations").status_code == 200
def test_post(client):
    r = client.post("/locations/new", data={"name":"A"}); print(r.status_code, r.text[:600], r.headers)
def test_anon(anonymous):
    assert anonymous.get("/").status_code in (302,303)
