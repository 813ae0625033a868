// Menus are details elements; this closes them. The side menu of a phone slides in over the page.

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.qm-menu[open]")) {
    if (!menu.contains(event.target) || event.target.closest("[download]")) menu.open = false;
  }
  const opener = event.target.closest("[data-menu-open]");
  if (opener) {
    event.preventDefault();
    slide(true);
  } else if (document.querySelector(".qm-side.is-open") && !event.target.closest(".qm-side")) {
    event.preventDefault();
    slide(false);
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.activeElement.closest("details.qm-menu[open]") ?? document.querySelector("details.qm-menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  } else if (document.querySelector(".qm-side.is-open")) {
    slide(false);
  }
});

function slide(shown) {
  const side = document.getElementById("side");
  const opener = document.querySelector("[data-menu-open]");
  side.classList.toggle("is-open", shown);
  opener.setAttribute("aria-expanded", String(shown));
  if (shown) side.querySelector("a").focus();
  else opener.focus();
}
