// Forms: sent once, rows that can be added, boxes ticked together.
const sending = "data-sending";

document.addEventListener("submit", (event) => {
  const form = event.target as HTMLFormElement;
  if (form.method !== "post") return;
  if (form.hasAttribute(sending)) event.preventDefault();
  form.setAttribute(sending, "");
});

// A form that was refused begins where it is wrong.
document.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();

// A page that comes back from the browser's cache may send its forms again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll(`form[${sending}]`)) form.removeAttribute(sending);
});

document.addEventListener("change", (event) => {
  const box = event.target as HTMLInputElement;
  const list = box.closest<HTMLElement>("[data-choose]");
  if (!list || box.type !== "checkbox") return;
  if (box.hasAttribute("data-all")) {
    for (const one of boxes(list)) one.checked = box.checked;
  }
  count(list);
});

document.addEventListener("htmx:afterSettle", () => {
  for (const list of document.querySelectorAll<HTMLElement>("[data-choose]")) count(list);
});

function boxes(list: HTMLElement): HTMLInputElement[] {
  return [...list.querySelectorAll<HTMLInputElement>("tbody input[type=checkbox]")];
}

function count(list: HTMLElement): void {
  const chosen = boxes(list).filter((box) => box.checked).length;
  const bar = list.querySelector<HTMLElement>("[data-bulk]");
  const figure = list.querySelector("[data-chosen]");
  if (figure) figure.textContent = String(chosen);
  if (bar) bar.hidden = chosen === 0;
}

for (const list of document.querySelectorAll<HTMLElement>("[data-choose]")) count(list);

document.addEventListener("click", (event) => {
  const button = (event.target as Element).closest<HTMLButtonElement>("[data-add]");
  const template = button && document.getElementById(button.dataset.add ?? "");
  if (!(button && template instanceof HTMLTemplateElement)) return;
  const row = document.importNode(template.content, true);
  const field = row.querySelector<HTMLElement>("input, select");
  button.before(row);
  field?.focus();
});
