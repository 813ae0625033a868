// Buttons that copy: data-copy holds the text, data-copy-from the id of the element that shows it.

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from]");
  if (!button) return;
  const shown = button.dataset.copyFrom && document.getElementById(button.dataset.copyFrom);
  const text = button.dataset.copy ?? shown.textContent.trim();
  if (await copied(text, shown)) flash(button);
});

async function copied(text, shown) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // plain http away from localhost has no clipboard: select the text, so that Ctrl C takes it
    if (shown) getSelection().selectAllChildren(shown);
    return Boolean(shown) && document.execCommand("copy");
  }
}

function flash(button) {
  button.classList.add("is-copied");
  setTimeout(() => button.classList.remove("is-copied"), 1500);
}
