// Dialogs: native elements opened with showModal(). A link with data-dialog-get is a page without scripts and a dialog with them.

const remote = () => document.getElementById("dialog");
let opener = null;

function open(dialog) {
  if (dialog.hasAttribute("open")) dialog.close();
  dialog.showModal();
  const first = dialog.querySelector("[autofocus], .modal-body :is(input:not([type=hidden]), select, textarea)");
  first?.focus();
}

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const get = event.target.closest("[data-dialog-get]");
  if (get) {
    event.preventDefault();
    opener = get;
    get.closest("details")?.removeAttribute("open");
    htmx.ajax("GET", get.href, { target: "#dialog", swap: "innerHTML", source: remote() });
    return;
  }
  const named = event.target.closest("[data-dialog-open]");
  if (named) {
    event.preventDefault();
    open(document.getElementById(named.dataset.dialogOpen));
    return;
  }
  const close = event.target.closest("[data-dialog-close]");
  const dialog = close?.closest("dialog");
  if (dialog) {
    event.preventDefault();
    dialog.close();
  } else if (event.target.matches("dialog[open]:not([data-dialog-stay])") && event.target === event.target.closest("dialog")) {
    const box = event.target.getBoundingClientRect();
    const outside = event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
    if (outside && event.clientX) event.target.close();
  }
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target !== remote()) return;
  remote().setAttribute("aria-labelledby", "dialog-title");
  if (!remote().open) open(remote());
});

document.addEventListener("close", (event) => {
  if (event.target !== remote()) return;
  remote().replaceChildren();
  opener?.focus();
}, true);

document.addEventListener("cancel", (event) => {
  // what is shown once is not closed by Escape before it is stored
  const dialog = event.target.closest("[data-dialog-stay]");
  if (dialog?.querySelector("[data-enables]:not(:checked)")) event.preventDefault();
}, true);

for (const dialog of document.querySelectorAll("dialog[data-dialog-modal]")) open(dialog);

for (const tick of document.querySelectorAll("[data-enables]")) {
  const button = document.getElementById(tick.dataset.enables);
  button.disabled = !tick.checked;
  tick.addEventListener("change", () => { button.disabled = !tick.checked; });
}
