// Selects one can type into. data-typeahead holds the address that answers [{"value", "text"}]; data-typeahead-local only filters what is there.

function enhance(select) {
  if (select.tomselect || !window.TomSelect) return;
  const url = select.dataset.typeahead;
  const label = select.getAttribute("aria-label") ?? select.labels?.[0]?.firstChild.textContent.trim() ?? "";
  const many = select.multiple;
  const box = new TomSelect(select, {
    plugins: many ? ["remove_button"] : [],
    maxOptions: 200,
    maxItems: many ? null : 1,
    allowEmptyOption: false,
    placeholder: select.dataset.placeholder ?? "",
    hideSelected: many,
    closeAfterSelect: !many,
    searchField: url ? [] : ["text"],
    score: url ? () => () => 1 : undefined,
    preload: url ? "focus" : false,
    loadThrottle: 200,
    load: url ? (query, done) => load(url, query, done) : undefined,
    render: {
      no_results: () => line("no-results", select.dataset.nothing ?? "—"),
      loading: () => line("spinner", "…"),
    },
    onChange: () => select.dispatchEvent(new Event("input", { bubbles: true })),
  });
  if (url) box.on("type", () => box.clearOptions((option) => box.items.includes(option.value)));
  select.setAttribute("aria-label", label);
  box.control_input.setAttribute("aria-label", label);
  for (const name of ["aria-describedby", "aria-invalid"]) {
    if (select.hasAttribute(name)) box.control_input.setAttribute(name, select.getAttribute(name));
  }
}

function line(kind, text) {
  const found = document.createElement("div");
  found.className = kind;
  found.textContent = text;
  return found;
}

async function load(url, query, done) {
  try {
    const answer = await fetch(`${url}${url.includes("?") ? "&" : "?"}q=${encodeURIComponent(query)}`, { headers: { Accept: "application/json" } });
    done(answer.ok ? await answer.json() : []);
  } catch {
    done([]);
  }
}

function enhanceAll(root) {
  for (const select of root.querySelectorAll?.("select[data-typeahead], select[data-typeahead-local]") ?? []) enhance(select);
}

enhanceAll(document);
document.addEventListener("htmx:load", (event) => enhanceAll(event.target));
