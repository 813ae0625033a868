import pytest, time, json
@pytest.mark.parametrize("size",["desktop","phone"])
def test_imports(open_page, live_server, axe, size):
    slug,email,pw=live_server.found_organization("Kestrel Field Research "+size)
    page=open_page(size); page.goto("/login"); page.fill("[name=email]",email); page.fill("[name=password]",pw); page.click("button[type=submit]"); page.wait_for_load_state()
    page.goto("/imports"); page.screenshot(path=f"/tmp/imp/{size}-0.png")
    print(axe(page))
    page.set_input_files("#file","/work/shared/data/snipeit-samples/assets.csv"); page.get_by_role("button",name="Upload and check").click(); page.wait_for_load_state()
    page.wait_for_selector("text=Errors as CSV", state="attached"); page.wait_for_load_state(); page.screenshot(path=f"/tmp/imp/{size}-1.png",full_page=True); print(axe(page))
    for k in page.query_selector_all("input[name=create]"): k.check()
    page.get_by_role("button",name="Check again").click(); page.wait_for_selector("text=Apply 22 rows"); page.screenshot(path=f"/tmp/imp/{size}-2.png",full_page=True)
    page.get_by_role("button",name="Apply 22 rows").click(); page.wait_for_selector("text=22 created"); page.wait_for_load_state(); time.sleep(1); page.screenshot(path=f"/tmp/imp/{size}-3.png"); print(axe(page))
    # update
    open("/tmp/imp/upd.csv","w").write("Asset Tag,Name,Purchase Cost,Purchase Date\nICC-2065556,Backhoe XL,3000,31.02.2024\nWBH-2841795,Dragline 2,1300.50,2/3/24\nYYY,New thing,1,4/5/24\n")
    page.goto("/imports"); page.set_input_files("#file","/tmp/imp/upd.csv"); page.get_by_role("button",name="Upload and check").click(); page.wait_for_selector("text=Errors as CSV",state="attached"); page.wait_for_load_state(); page.screenshot(path=f"/tmp/imp/{size}-4.png"); print(axe(page))
    rows="".join(f"Z-{i},n{i},HVAC\n" for i in range(9000)); open("/tmp/imp/big.csv","w").write("Tag,Name,Category\n"+rows)
    page.goto("/imports"); page.set_input_files("#file","/tmp/imp/big.csv"); page.get_by_role("button",name="Upload and check").click(); page.wait_for_selector("text=Apply 9,000 rows"); page.get_by_role("button",name="Apply 9,000 rows").click(); time.sleep(2); page.screenshot(path=f"/tmp/imp/{size}-5.png"); print(axe(page)); 
    page.goto("/imports"); page.screenshot(path=f"/tmp/imp/{size}-6.png"); print(axe(page));
    page.set_default_timeout(30000); page.wait_for_selector("text=9,000 created"); 
