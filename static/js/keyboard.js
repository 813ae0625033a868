// Keys: single letters only while nobody is typing and no dialog is open.

const typing = (node) => node.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
const rows = () => [...document.querySelectorAll("[data-list] tbody tr[data-row]")];
const here = () => document.querySelector("tr.is-here");

function go(step) {
  const all = rows();
  if (!all.length) return;
  const at = Math.min(Math.max(all.indexOf(here()) + step, 0), all.length - 1);
  here()?.classList.remove("is-here");
  all[at].classList.add("is-here");
  all[at].scrollIntoView({ block: "nearest" });
  all[at].querySelector("a")?.focus({ preventScroll: true });
}

function press(key) {
  const target = [...document.querySelectorAll(`[data-key="${key}"]`)].find((node) => node.offsetParent !== null);
  if (!target) return false;
  if (target.matches("input")) target.focus();
  else target.click();
  return true;
}

function letter(event) {
  switch (event.key) {
    case "j": go(1); return true;
    case "k": go(-1); return true;
    case "x":
    case "X": {
      const box = here()?.querySelector(".qm-check input");
      box?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey: event.shiftKey }));
      return Boolean(box);
    }
    case "e": {
      const link = here()?.querySelector("a");
      if (!link) return press("e");
      location.assign(`${link.href}/edit`);
      return true;
    }
    case "Enter": {
      if (document.activeElement !== document.body || !here()) return false;
      here().querySelector("a").click();
      return true;
    }
    case "?": document.getElementById("keys")?.showModal(); return true;
    case "/": return press("/");
    case "f": case "n": return press(event.key);
    default: return false;
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
  if (document.documentElement.dataset.keys === "off") return;
  if (letter(event)) event.preventDefault();
});
