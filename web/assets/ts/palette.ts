// Search over everything: Ctrl-K or Cmd-K opens it, the arrows move, Enter goes there, Escape leaves.
const palette = document.getElementById("palette") as HTMLDialogElement | null;
const field = palette?.querySelector<HTMLInputElement>("input[type=search]");

function show(): void {
  palette?.showModal();
  field?.select();
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && palette) {
    event.preventDefault();
    if (palette.open) palette.close();
    else show();
  }
});

document.querySelector(".topbar .find input")?.addEventListener("keydown", (event) => {
  if ((event as KeyboardEvent).key === "ArrowDown") show();
});

palette?.addEventListener("click", (event) => event.target === palette && palette.close());

palette?.addEventListener("keydown", (event) => {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const links = [...palette.querySelectorAll<HTMLAnchorElement>(".found a")];
  const next = links.indexOf(document.activeElement as HTMLAnchorElement) + (event.key === "ArrowDown" ? 1 : -1);
  event.preventDefault();
  if (next < 0) field?.focus();
  else links[Math.min(next, links.length - 1)]?.focus();
});

field?.form?.addEventListener("submit", (event) => {
  const first = palette?.querySelector<HTMLAnchorElement>(".found a");
  if (!first) return;
  event.preventDefault();
  first.click();
});
