// The API's documentation: Swagger UI on our description, in the system's theme. A key that is typed in stays in the page's memory.

const place = document.getElementById("docs");
const dark = matchMedia("(prefers-color-scheme: dark)");
const dress = () => document.documentElement.classList.toggle("dark-mode", dark.matches);

dress();
dark.addEventListener("change", dress);

window.SwaggerUIBundle({
  domNode: place,
  url: place.dataset.openapi,
  layout: "BaseLayout",
  deepLinking: true,
  docExpansion: "none",
  defaultModelsExpandDepth: -1,
  filter: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
});
