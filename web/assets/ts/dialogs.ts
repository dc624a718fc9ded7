// A link with data-dialog opens the form of its page in a dialog; without scripts it is a page of its own.
import { htmx } from "./hypertext";

const dialog = document.getElementById("dialog") as HTMLDialogElement | null;

async function open(address: string): Promise<void> {
  if (!dialog) return;
  const answer = await fetch(address, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const form = page.querySelector("[data-form]");
  if (!answer.ok || !form) {
    location.assign(address);
    return;
  }
  form.querySelector("h1")?.setAttribute("id", "dialog-title");
  dialog.replaceChildren(document.importNode(form, true));
  htmx.process(dialog);
  dialog.showModal();
  dialog.querySelector<HTMLElement>("[autofocus], input:not([type=hidden]), select, textarea, button")?.focus();
}

document.addEventListener("click", (event) => {
  const link = (event.target as Element).closest<HTMLAnchorElement>("a[data-dialog]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    void open(link.href);
  }
  if (dialog?.open && (event.target === dialog || (event.target as Element).closest("[data-cancel]"))) {
    event.preventDefault();
    dialog.close();
  }
});
