// Buttons that copy: data-copy holds the text; the button's status line says that it worked.
document.addEventListener("click", async (event) => {
  const button = (event.target as Element).closest<HTMLButtonElement>("[data-copy]");
  if (!button) return;
  if (!(await copied(button.dataset.copy ?? "", button))) return;
  const use = button.querySelector("use");
  const sprite = use?.getAttribute("href") ?? "";
  use?.setAttribute("href", sprite.replace(/#.*/, "#check"));
  announce(button.dataset.copied ?? "");
  setTimeout(() => use?.setAttribute("href", sprite), 1500);
});

async function copied(text: string, beside: HTMLElement): Promise<boolean> {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return true;
  }
  // Over plain http from another machine a browser offers only what it did of old: to copy what is chosen.
  const field = document.createElement("textarea");
  field.className = "unseen";
  field.value = text;
  beside.after(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  beside.focus();
  return done;
}

export function announce(text: string): void {
  const status = document.getElementById("announcement");
  if (status) status.textContent = text;
}
