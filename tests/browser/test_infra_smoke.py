def test_login(page, sign_in, axe):
    page.goto("/login"); axe(page)
    sign_in(page); page.wait_for_load_state("load"); axe(page); page.screenshot(path="/tmp/infra/home.png")
