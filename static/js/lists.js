// Ticks in a list: all on the page, a range with Shift, everything that the filters show. The bar shows itself by CSS.

let last = null;

const boxes = (form) => [...form.querySelectorAll("tbody .qm-check input")];

function refresh(form) {
  const all = boxes(form);
  const ticked = all.filter((box) => box.checked);
  for (const box of all) box.closest("tr").toggleAttribute("aria-selected", box.checked);
  for (const box of ticked) box.closest("tr").setAttribute("aria-selected", "true");
  const page = form.querySelector("[data-select-page]");
  page.checked = ticked.length === all.length && all.length > 0;
  page.indeterminate = ticked.length > 0 && !page.checked;
  const everything = form.querySelector("[data-select-everything]");
  if (!page.checked) everything.value = "";
  const button = form.querySelector("[data-select-all]");
  if (button) button.hidden = !page.checked || everything.value === "1";
  const count = form.querySelector("[data-select-count]");
  count.textContent = everything.value
    ? button.dataset.text
    : ticked.length === 1 ? count.dataset.one : count.dataset.many.replace("{n}", ticked.length);
}

document.addEventListener("click", (event) => {
  const box = event.target.closest("[data-selection] tbody .qm-check input");
  if (box) {
    const form = box.closest("form");
    const all = boxes(form);
    if (event.shiftKey && last && all.includes(last)) {
      const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
      for (const between of all.slice(from, to + 1)) between.checked = box.checked;
    }
    last = box;
    refresh(form);
    return;
  }
  const form = event.target.closest("[data-selection]");
  if (!form) return;
  if (event.target.closest("[data-select-none]")) {
    for (const ticked of boxes(form)) ticked.checked = false;
    refresh(form);
  } else if (event.target.closest("[data-select-all]")) {
    form.querySelector("[data-select-everything]").value = "1";
    refresh(form);
  }
});

document.addEventListener("change", (event) => {
  const page = event.target.closest("[data-select-page]");
  if (!page) return;
  const form = page.closest("form");
  for (const box of boxes(form)) box.checked = page.checked;
  refresh(form);
});

// the browser may bring ticks back with the page
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-selection]:has(.qm-check)")) refresh(form);
});
