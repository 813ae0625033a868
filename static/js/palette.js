// The palette: Ctrl K or / opens it, letters find, arrows choose, Enter opens, Tab shows what can be done with the line.

const WAIT = 150;
const dialog = document.getElementById("palette");

if (dialog) {
  const input = dialog.querySelector("input");
  const results = dialog.querySelector("#results");
  const said = dialog.querySelector("[data-palette-said]");
  let timer = 0;
  let asked = null;
  let answer = null; // the letters that the lines on show answer
  let within = null; // the letters to go back to, while the acts of a line are shown

  const lines = () => [...results.querySelectorAll("[role=option]")];
  const chosen = () => results.querySelector("[role=option][aria-selected=true]");

  const choose = (line) => {
    chosen()?.setAttribute("aria-selected", "false");
    line?.setAttribute("aria-selected", "true");
    line?.scrollIntoView({ block: "nearest" });
    if (line) input.setAttribute("aria-activedescendant", line.id);
    else input.removeAttribute("aria-activedescendant");
  };

  const step = (by) => {
    const all = lines();
    if (all.length) choose(all[(all.indexOf(chosen()) + by + all.length) % all.length]);
  };

  const show = async (url) => {
    asked?.abort();
    asked = new AbortController();
    try {
      const reply = await fetch(url, { headers: { "HX-Request": "true", "HX-Target": "results" }, signal: asked.signal });
      if (reply.redirected || !reply.ok) throw new Error(reply.status);
      results.innerHTML = await reply.text();
      choose(lines()[0]);
      said.textContent = results.querySelector("[data-said]").dataset.said;
      return true;
    } catch (error) {
      // away from the network, or signed out meanwhile: the page says so
      if (error.name !== "AbortError" && dialog.open) location.assign(`${dialog.dataset.palette}?q=${encodeURIComponent(input.value)}`);
      return false;
    }
  };

  const find = async () => {
    const letters = input.value;
    clearTimeout(timer);
    if (await show(`${dialog.dataset.palette}?q=${encodeURIComponent(letters.trim())}`)) answer = letters;
  };

  const open = () => {
    if (document.querySelector("dialog[open]")) return;
    within = answer = null;
    dialog.showModal();
    input.select();
    find();
  };

  const follow = (line, elsewhere) => {
    if (!line) return;
    if (elsewhere) { window.open(line.dataset.url, "_blank", "noopener"); return; }
    dialog.close();
    if ("dialog" in line.dataset) {
      htmx.ajax("GET", line.dataset.url, { target: "#dialog", swap: "innerHTML", source: document.getElementById("dialog") });
    } else location.assign(line.dataset.url);
  };

  // what is chosen, once what was typed is answered: a quick Enter follows no line of before
  const answered = async () => {
    if (within !== null) return chosen();
    if (answer !== input.value) await find();
    return answer === input.value ? chosen() : null;
  };

  const act = async (line) => {
    if (!line?.dataset.acts) return;
    const before = input.value;
    if (await show(line.dataset.acts)) {
      within = before;
      input.value = "";
    }
  };

  const back = () => {
    input.value = within;
    within = null;
    find();
  };

  document.addEventListener("click", (event) => {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || !event.target.closest("[data-palette-open]")) return;
    event.preventDefault();
    open();
  });

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open();
    }
  });

  input.addEventListener("input", () => {
    within = null;
    clearTimeout(timer);
    timer = setTimeout(find, WAIT);
  });

  dialog.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const keys = {
      ArrowDown: () => step(1),
      ArrowUp: () => step(-1),
      Enter: async () => follow(await answered(), event.ctrlKey || event.metaKey),
      Tab: async () => act(await answered()),
      Escape: () => { if (within !== null) back(); else dialog.close(); },
      Backspace: () => { if (within !== null) back(); },
    };
    if (!(event.key in keys) || (event.key === "Backspace" && within === null) || event.shiftKey || event.altKey) return;
    if (event.key === "Enter" && event.target !== input) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key]();
  });

  results.addEventListener("mousemove", (event) => {
    const line = event.target.closest("[role=option]");
    if (line && line !== chosen() && (event.movementX || event.movementY)) choose(line);
  });
  results.addEventListener("mousedown", (event) => event.preventDefault());
  results.addEventListener("click", (event) => {
    const line = event.target.closest("[role=option]");
    if (event.target.closest(".qm-tabhint")) act(line);
    else follow(line, event.ctrlKey || event.metaKey);
  });
  dialog.addEventListener("close", () => { clearTimeout(timer); asked?.abort(); });
}
