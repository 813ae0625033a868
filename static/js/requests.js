// What every htmx request carries, and what a page says when the server does not answer.

document.addEventListener("htmx:configRequest", (event) => {
  const { verb, headers, parameters } = event.detail;
  if (verb !== "get") {
    headers["X-CSRFToken"] = document.querySelector("meta[name=csrf-token]").content;
    return;
  }
  if (event.detail.elt.hasAttribute("data-own-fields")) return; // there, nothing is what somebody typed
  for (const name of [...new Set(parameters.keys?.() ?? Object.keys(parameters))]) {
    if (parameters[name] === "" || name === "csrf_token") delete parameters[name];
  }
});

document.addEventListener("htmx:sendError", (event) => {
  // away from the network: the page itself says so, and what was typed stays
  const target = event.detail.target;
  if (target.id !== "rows") return;
  target.setAttribute("aria-busy", "false");
  location.assign(event.detail.pathInfo.finalRequestPath);
});

document.addEventListener("submit", (event) => {
  // a GET form leaves what is empty out of the address
  const form = event.target;
  if (!form.matches("[data-prune]")) return;
  for (const field of form.elements) {
    if (field.name && field.value === "" && field.type !== "submit") field.disabled = true;
  }
  setTimeout(() => { for (const field of form.elements) field.disabled = false; });
});
