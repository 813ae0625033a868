import time, io, csv, cProfile, pstats, os
from webapp.imports import rules


def test_perf(importer):
    o = io.StringIO()
    w = csv.writer(o)
    w.writerow("Tag,Name,Serial,Model,Model number,Make,Category,Location,Price,Bought,Notes,Order".split(","))
    N = int(os.environ.get("N", "50000"))
    for i in range(N):
        w.writerow(
            [
                f"T-{i:06d}",
                f"Thing {i}",
                f"SN{i:07d}",
                f"Model {i % 200}",
                f"MN-{i % 200}",
                f"Maker {i % 200 % 20}",
                f"Cat {i % 200 % 10}",
                f"Site {i % 5} / Room {i % 50}",
                f"{i % 1000}.50",
                f"{i % 12 + 1}/{i % 28 + 1}/24",
                f"note {i}",
                f"PO-{i % 100}",
            ]
        )
    t = time.time()
    i1 = importer.upload(o.getvalue(), run=False)
    print("upload", time.time() - t)
    t = time.time()
    importer.run(i1)
    print("check1 (errors)", time.time() - t, importer.get(i1)["counts"])
    prof = cProfile.Profile() if os.environ.get("PROF") else None
    t = time.time()
    importer.do(
        rules.change, i1, options={"create": ["categories", "locations", "products", "manufacturers"]}, run=False
    )
    if prof:
        prof.enable()
    importer.run(i1)
    if prof:
        prof.disable()
        pstats.Stats(prof).sort_stats("tottime").print_stats(45)
    print("check2", time.time() - t, importer.get(i1)["counts"])
    prof = cProfile.Profile() if os.environ.get("PROF") else None
    t = time.time()
    c = time.process_time()
    importer.do(rules.apply, i1, run=False)
    if prof:
        prof.enable()
    importer.run(i1)
    if prof:
        prof.disable()
        pstats.Stats(prof).sort_stats("tottime").print_stats(45)
    d = time.time() - t
    print("cpu", time.process_time() - c, "apply", d, N / d, {k: importer.get(i1)[k] for k in ("state", "counts")})
    t = time.time()
    i2 = importer.upload(o.getvalue())
    print("recheck", time.time() - t, importer.get(i2)["counts"])
    t = time.time()
    importer.do(rules.undo, i1)
    print("undo", time.time() - t, {k: importer.get(i1)[k] for k in ("state", "counts")})
