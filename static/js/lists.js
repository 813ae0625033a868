// Lists: ticks (all on the page, a range with Shift, everything that the filters show), a head that stays in sight,
// the order of columns, and the field that finds a field.

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
  for (const single of form.querySelectorAll("[data-select-one]")) single.hidden = ticked.length !== 1;
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

// a table that fits its card scrolls with the page, its head below the top bar; a wider one keeps its own scrolling box
const fitting = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const wrap = target.closest("[data-sticky]");
    if (wrap) wrap.classList.toggle("is-whole", wrap.querySelector("table").scrollWidth <= wrap.clientWidth + 1);
  }
});

function watch(root) {
  for (const wrap of root.querySelectorAll?.("[data-sticky]") ?? []) {
    fitting.observe(wrap);
    fitting.observe(wrap.querySelector("table"));
  }
  for (const finder of root.querySelectorAll?.("[data-finder]") ?? []) finder.hidden = false;
}

watch(document);
document.addEventListener("htmx:load", (event) => watch(event.target));

// the browser may bring ticks back with the page
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-selection]:has(.qm-check)")) refresh(form);
});

// the order of columns: buttons, or Alt with an arrow on the tick
function move(item, step) {
  const beside = step < 0 ? item.previousElementSibling : item.nextElementSibling;
  if (!beside) return;
  if (step < 0) beside.before(item);
  else beside.after(item);
  const said = item.closest("form").querySelector("[data-order-said]");
  const place = [...item.parentElement.children].indexOf(item) + 1;
  said.textContent = said.dataset.words.replace("{name}", item.querySelector("label").textContent.trim()).replace("{n}", place);
  item.scrollIntoView({ block: "nearest" });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-order] :is([name=up], [name=down])");
  if (!button) return;
  event.preventDefault();
  move(button.closest("li"), button.name === "up" ? -1 : 1);
  button.focus();
});

document.addEventListener("keydown", (event) => {
  const tick = event.target.closest?.("[data-order] input[type=checkbox]");
  if (tick && event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    event.preventDefault();
    move(tick.closest("li"), event.key === "ArrowUp" ? -1 : 1);
    tick.focus();
  }
  if (event.key === "Enter" && event.target.closest?.("[data-finder]")) event.preventDefault();
});

document.addEventListener("input", (event) => {
  const field = event.target.closest("[data-finder] input");
  if (!field) return;
  const box = field.closest("[data-finds]");
  const word = field.value.trim().toLowerCase();
  let found = 0;
  for (const item of box.querySelectorAll("[data-find]")) {
    item.hidden = !item.dataset.find.includes(word);
    found += !item.hidden;
  }
  for (const fold of box.querySelectorAll("details")) {
    const any = fold.querySelector("[data-find]:not([hidden])") !== null;
    fold.hidden = !any;
    fold.dataset.was ??= String(fold.open);
    fold.open = word ? any : fold.dataset.was === "true";
    if (!word) delete fold.dataset.was;
  }
  const nothing = box.querySelector("[data-find-nothing]");
  if (nothing) nothing.hidden = found > 0;
});
