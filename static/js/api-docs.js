// The API's documentation: Swagger UI on our description, in the system's theme. A key that is typed in stays in the page's memory.

const place = document.getElementById("docs");
const dark = matchMedia("(prefers-color-scheme: dark)");
const dress = () => document.documentElement.classList.toggle("dark-mode", dark.matches);

// what Swagger UI forgets: names of fields and buttons, and a way to scroll its examples with keys
function mend() {
  for (const field of place.querySelectorAll(":is(select, input, textarea):not([aria-label], [id])")) {
    const row = field.closest("[data-param-name]");
    field.setAttribute("aria-label", row ? row.dataset.paramName : place.dataset.body);
  }
  for (const example of place.querySelectorAll("pre:not([tabindex])")) example.tabIndex = 0;
  for (const button of place.querySelectorAll(".close-modal:not([aria-label])")) button.setAttribute("aria-label", place.dataset.close);
  for (const button of place.querySelectorAll(".modal-btn[aria-label]")) button.removeAttribute("aria-label");
}

dress();
dark.addEventListener("change", dress);
new MutationObserver(mend).observe(place, { childList: true, subtree: true });

window.SwaggerUIBundle({
  domNode: place,
  url: place.dataset.openapi,
  layout: "BaseLayout",
  docExpansion: "none",
  defaultModelsExpandDepth: -1,
  filter: true,
  syntaxHighlight: { activated: false },
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
});
