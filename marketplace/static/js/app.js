// Small comforts on top of pages that work without JavaScript.
const root = document.documentElement;
root.classList.add("js");

// A menu closes when the person clicks elsewhere or presses Escape, and gives the focus back.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// Copy buttons tell in words that they did it; their texts come from the page, in its language.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    document.execCommand("copy");
  }
  const label = button.querySelector("[data-copy-label]");
  const before = label.textContent;
  label.textContent = button.dataset.copied;
  setTimeout(() => (label.textContent = before), 2500);
});

// Counters of what is left to type; read aloud only when little is left.
function count(field) {
  const place = document.getElementById(field.dataset.counter);
  if (!place) return;
  const left = field.maxLength - field.value.length;
  place.textContent = place.dataset.text.replace("0", left);
  place.setAttribute("aria-live", left < 20 ? "polite" : "off");
}
document.addEventListener("input", (event) => {
  if (event.target.dataset?.counter) count(event.target);
});
const countAll = () => document.querySelectorAll("[data-counter]").forEach(count);
countAll();
document.addEventListener("htmx:after:swap", countAll);

// A form that may only be sent once shows that it is on its way.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button || !event.target.matches("[data-once]") || event.defaultPrevented) return;
  button.setAttribute("aria-disabled", "true");
  event.target.addEventListener("submit", (again) => again.preventDefault());
});
addEventListener("pageshow", (event) => {
  if (event.persisted) document.querySelectorAll("[data-once] [aria-disabled]").forEach((b) => b.removeAttribute("aria-disabled"));
});

// After a form came back with errors, the summary gets the focus so that it is read first.
document.querySelector(".error-summary[data-focus]")?.focus();
