// htmx without evaluation, inline styles or inherited attributes; morphing keeps what the reader has opened and ticked.
import htmx from "htmx.org";
import { Idiomorph } from "idiomorph";

htmx.config.allowEval = false;
htmx.config.includeIndicatorStyles = false;
htmx.config.selfRequestsOnly = true;
htmx.config.historyCacheSize = 0;
htmx.config.disableInheritance = true;
htmx.config.responseHandling = [
  { code: "204", swap: false },
  { code: "[23]..", swap: true },
  { code: "[45]..", swap: false, error: true },
];

function keep(old: Node, fresh: Node): boolean {
  if (!(old instanceof Element && fresh instanceof Element)) return true;
  if (old.hasAttribute("data-keep")) return false;
  if (old instanceof HTMLDetailsElement) fresh.toggleAttribute("open", old.open);
  if (old instanceof HTMLInputElement && fresh instanceof HTMLInputElement && old.type === "checkbox") {
    fresh.toggleAttribute("checked", old.checked);
  }
  return true;
}

htmx.defineExtension("morph", {
  isInlineSwap: (style) => style === "morph",
  handleSwap(style, target, fragment) {
    if (style !== "morph") return false;
    const fresh = fragment instanceof DocumentFragment ? fragment.firstElementChild : (fragment as Element);
    if (!fresh) return [];
    return Idiomorph.morph(target, fresh.outerHTML, {
      morphStyle: "outerHTML",
      ignoreActiveValue: true,
      callbacks: { beforeNodeMorphed: keep },
    });
  },
} as Parameters<typeof htmx.defineExtension>[1]);

// A session that has ended: the door is the page to show. What was shown has been deleted: back to the list.
document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = (event as CustomEvent<{ xhr: XMLHttpRequest }>).detail;
  if (xhr.status === 401) location.reload();
  const list = document.querySelector<HTMLAnchorElement>(".crumbs a");
  if (xhr.status === 404 && (event.target as Element).id === "live" && list) location.assign(`${list.href}?done=deleted`);
});

export { htmx };
