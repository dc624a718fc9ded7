// Buttons that copy: data-copy holds the text; the button's status line says that it worked.
document.addEventListener("click", async (event) => {
  const button = (event.target as Element).closest<HTMLButtonElement>("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy ?? "");
  const use = button.querySelector("use");
  const sprite = use?.getAttribute("href") ?? "";
  use?.setAttribute("href", sprite.replace(/#.*/, "#check"));
  announce(button.dataset.copied ?? "");
  setTimeout(() => use?.setAttribute("href", sprite), 1500);
});

export function announce(text: string): void {
  const status = document.getElementById("announcement");
  if (status) status.textContent = text;
}
