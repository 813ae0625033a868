// Forms that know what was changed: the save bar counts, leaving asks, a bulk field ticks itself when it is touched.

let leaving = false;

function state(form) {
  const found = new Map();
  for (const [name, value] of new FormData(form)) {
    if (name === "csrf_token" || name === "drawn" || value instanceof File) continue;
    found.set(name, [...(found.get(name) ?? []), value].join("\u0000"));
  }
  return found;
}

function watch(form) {
  if (form.dataset.watched) return;
  form.dataset.watched = "yes";
  const before = state(form);
  const bar = form.querySelector("[data-savebar]");
  const words = bar?.querySelector("[data-dirty-count]");
  const update = () => {
    const now = state(form);
    const names = new Set([...before.keys(), ...now.keys()]);
    const count = [...names].filter((name) => (before.get(name) ?? "") !== (now.get(name) ?? "")).length;
    form.dataset.dirty = String(count);
    bar?.classList.toggle("is-dirty", count > 0);
    if (words) {
      words.hidden = count === 0;
      words.querySelector("span").textContent = count === 1 ? words.dataset.one : words.dataset.many.replace("{n}", count);
    }
  };
  form.addEventListener("input", update);
  form.addEventListener("change", update);
  form.addEventListener("submit", () => { leaving = true; });
}

addEventListener("beforeunload", (event) => {
  if (!leaving && document.querySelector("form[data-dirty]:not([data-dirty='0']):not([data-dirty=''])")) event.preventDefault();
});

document.addEventListener("input", (event) => {
  const tick = event.target.closest(".qm-apply")?.querySelector("[data-apply]");
  if (tick && event.target !== tick) tick.checked = true;
});

document.addEventListener("submit", (event) => {
  // a second press of the button sends nothing twice
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
  setTimeout(() => { delete form.dataset.sent; }, 5000);
});

// the browser knows its zone better than a default does
for (const select of document.querySelectorAll("select[data-timezone]")) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (select.value === "UTC" && [...select.options].some((option) => option.value === zone)) select.value = zone;
}

addEventListener("pageshow", () => { leaving = false; });
for (const form of document.querySelectorAll("form[data-dirty]")) watch(form);
document.addEventListener("htmx:load", (event) => {
  for (const form of event.target.querySelectorAll?.("form[data-dirty]") ?? []) watch(form);
});
