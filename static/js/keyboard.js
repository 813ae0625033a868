// Keys: single letters only while nobody is typing, no dialog is open, and the reader has not switched them off.

const GO_WAIT = 1500;
const typing = (node) => node.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
const rows = () => [...document.querySelectorAll("[data-list] tbody tr[data-row]")];
const here = () => document.querySelector("tr.is-here");
const own = (row) => row.querySelector("a.qm-tag, a.qm-key");
let going = 0;

function walk(step) {
  const all = rows();
  if (!all.length) return;
  const at = Math.min(Math.max(all.indexOf(here()) + step, 0), all.length - 1);
  here()?.classList.remove("is-here");
  all[at].classList.add("is-here");
  all[at].scrollIntoView({ block: "nearest" });
  (own(all[at]) ?? all[at].querySelector(".qm-check input"))?.focus({ preventScroll: true });
}

function press(key) {
  const target = [...document.querySelectorAll(`[data-key="${key}"]`)].find((node) => node.offsetParent !== null);
  if (!target) return false;
  if (target.matches("input")) target.focus();
  else target.click();
  return true;
}

function tick(event) {
  const box = here()?.querySelector(".qm-check input");
  box?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey: event.shiftKey }));
  return Boolean(box);
}

function edit() {
  const row = here();
  if (!row) return press("e");
  location.assign(`${row.dataset.url}/edit`);
  return true;
}

// G, then a letter: the side menu's entries say theirs with data-key="g d"
function go(letter) {
  const place = document.querySelector(`[data-key="g ${CSS.escape(letter)}"]`);
  if (place) location.assign(place.href);
  return Boolean(place);
}

function letter(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (performance.now() - going < GO_WAIT && going) {
    going = 0;
    if (go(key)) return true;
  }
  switch (key) {
    case "j": walk(1); return true;
    case "k": walk(-1); return true;
    case "x": return tick(event);
    case "e": return edit();
    case "g": going = performance.now(); return true;
    case "Enter": {
      // a focused link or button opens itself; elsewhere the row does
      if (!here() || document.activeElement.matches("a, button, summary")) return false;
      location.assign(here().dataset.url);
      return true;
    }
    case "?": document.getElementById("keys")?.showModal(); return true;
    default: return /^[a-z/]$/.test(key) && press(key);
  }
}

document.addEventListener("keydown", (event) => {
  const dialog = document.querySelector("dialog[open]");
  if ((event.ctrlKey || event.metaKey) && event.key === "s") {
    const save = document.querySelector("[data-key=save]");
    if (save) { event.preventDefault(); save.click(); }
    return;
  }
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
    (dialog ?? document).querySelector("[data-key=send], [data-key=save]")?.click();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || dialog || typing(event.target)) return;
  if (document.body.dataset.shortcuts === "off") return;
  if (letter(event)) event.preventDefault();
});
