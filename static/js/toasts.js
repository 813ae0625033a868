// A toast leaves after 8 seconds, unless somebody points at it or has it in focus.

const STAY = 8000;

function expire(toast) {
  let timer = null;
  const start = () => { timer = setTimeout(() => toast.remove(), STAY); };
  const hold = () => clearTimeout(timer);
  const resume = () => { hold(); if (!toast.matches(":hover, :focus-within")) start(); };
  toast.addEventListener("mouseenter", hold);
  toast.addEventListener("focusin", hold);
  toast.addEventListener("mouseleave", resume);
  toast.addEventListener("focusout", () => setTimeout(resume));
  start();
}

const box = document.getElementById("toasts");
if (box) {
  for (const toast of box.children) expire(toast);
  new MutationObserver((changes) => {
    for (const change of changes) for (const node of change.addedNodes) if (node.nodeType === 1) expire(node);
  }).observe(box, { childList: true });
}
