"""The pages of people, departments and companies: who is around them, and what keeps them from going."""

import pytest

from tests.clients import ApiClient, PageClient
from tests.households import Household
from tests.rows import add


@pytest.fixture
def crew(organization: Household) -> dict[str, int]:
    """Return the ids of a head, an operator whom she manages, one who has left, and where they belong."""
    with organization.context() as context:
        company = add(context, "companies", name="Kestrel GmbH")
        team = add(context, "departments", name="Cameras", company_id=company)
        where = {"department_id": team, "company_id": company}
        head = add(context, "persons", first_name="Inês", last_name="Duarte", title="Head of cameras", **where)
        operator = add(context, "persons", first_name="Amara", last_name="Okafor", manager_id=head, **where)
        gone = add(context, "persons", first_name="Gil", last_name="Gone", manager_id=head, is_archived=True, **where)
        context.session.commit()
    return {"company": company, "team": team, "head": head, "operator": operator, "gone": gone}


def page_of(client: PageClient, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_a_person_shows_whom_they_manage_without_who_has_left(client: PageClient, crew: dict[str, int]):
    page = page_of(client, f"/persons/{crew['head']}")

    assert f'<a href="/persons/{crew["operator"]}">Amara Okafor</a>' in page
    assert "Gil Gone" not in page
    assert "Manages" not in page_of(client, f"/persons/{crew['operator']}")


def test_a_person_leads_to_their_manager_department_and_company(client: PageClient, crew: dict[str, int]):
    page = page_of(client, f"/persons/{crew['operator']}")

    for url in (f"/persons/{crew['head']}", f"/departments/{crew['team']}", f"/companies/{crew['company']}"):
        assert f'href="{url}"' in page


@pytest.mark.parametrize("kind", ["departments", "companies"])
def test_a_department_and_a_company_show_their_people(client: PageClient, crew: dict[str, int], kind: str):
    page = page_of(client, f"/{kind}/{crew['team' if kind == 'departments' else 'company']}")

    assert f'<a href="/persons/{crew["head"]}">Inês Duarte</a>' in page
    assert "Head of cameras" in page
    assert "Gil Gone" not in page


def test_more_people_than_fit_are_one_link_away(organization: Household, client: PageClient, crew: dict[str, int]):
    with organization.context() as context:
        for _ in range(9):
            add(context, "persons", department_id=crew["team"])
        context.session.commit()

    page = page_of(client, f"/departments/{crew['team']}")

    assert "3 more" in page
    assert f'href="/persons?department_id={crew["team"]}&amp;is_archived=false"' in page


def test_people_out_of_reach_are_not_named(organization: Household, crew: dict[str, int]):
    with organization.context() as context:
        porto = add(context, "locations", name="Porto")
        add(context, "persons", first_name="Rui", location_id=porto, department_id=crew["team"])
        context.session.commit()

    page = page_of(organization.member_client("manager", porto), f"/departments/{crew['team']}")

    assert "Rui" in page
    assert "Inês" not in page
    assert "Amara" not in page


def test_what_is_in_use_cannot_be_deleted_and_leads_to_what_uses_it(
    client: PageClient, api: ApiClient, crew: dict[str, int]
):
    page = page_of(client, f"/companies/{crew['company']}/delete")

    for kind, count in (("departments", "1 department"), ("persons", "3 people")):
        assert f'href="/{kind}?company_id={crew["company"]}">{count}</a>' in page
    answer = api.delete(f"companies/{crew['company']}")
    assert answer.status_code == 409
    for blocker in answer.json["blockers"]:
        assert len(api.get(blocker["url"]).json["data"]) == blocker["count"]


def test_a_person_who_signs_in_is_kept_by_their_membership(organization: Household, api: ApiClient):
    person = api.get("persons").json["data"][0]

    answer = api.delete(f"persons/{person['id']}")

    assert answer.status_code == 409
    assert [blocker["resource"] for blocker in answer.json["blockers"]] == ["members"]
    assert len(api.get(answer.json["blockers"][0]["url"]).json["data"]) == 1
