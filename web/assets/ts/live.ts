// Events of the tenant's resources, as they happen. A part of the page that shows such a resource is fetched again and
// morphed in place. The browser takes a broken stream up where it ended; while it is broken the page asks by itself.
import { htmx } from "./hypertext";

interface Happening {
  id: number;
  resource_kind: string;
  resource_id: string;
  job_id?: string | null;
}

const pulse = document.querySelector<HTMLElement>("[data-stream]");
const stale = new Set<HTMLElement>();
let asking: ReturnType<typeof setInterval> | undefined;

function concerns(part: HTMLElement, what: Happening): boolean {
  const shown = (part.dataset.live ?? "").split(" ");
  const kind = what.resource_kind.replace(" ", "-");
  const named = [`${kind}/${what.resource_id}`, kind, `job/${what.job_id ?? ""}`];
  if (kind !== "figures") named.push("*");
  return named.some((name) => shown.includes(name));
}

// What happens at once is fetched once.
function soon(parts: HTMLElement[]): void {
  if (parts.length > 0 && stale.size === 0) setTimeout(refresh, 120);
  for (const part of parts) stale.add(part);
}

function refresh(): void {
  for (const part of stale) htmx.trigger(part, "refresh", {});
  stale.clear();
}

function live(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>("[data-live]")];
}

function show(state: "live" | "waiting"): void {
  if (!pulse) return;
  pulse.dataset.state = state;
  const words = pulse.querySelector("[data-words]");
  if (words) words.textContent = pulse.dataset[state] ?? "";
  if (state === "waiting") asking ??= setInterval(() => !document.hidden && soon(live()), 4_000);
  if (state === "live") {
    clearInterval(asking);
    asking = undefined;
  }
}

function listen(address: string): void {
  const stream = new EventSource(address, { withCredentials: true });
  stream.onopen = () => {
    if (pulse?.dataset.state === "waiting") soon(live());
    show("live");
  };
  stream.onmessage = (message) => {
    const what = JSON.parse(message.data as string) as Happening;
    soon(live().filter((part) => concerns(part, what)));
  };
  stream.onerror = () => {
    show("waiting");
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => listen(address), 5_000);
  };
  addEventListener("pagehide", () => stream.close(), { once: true });
}

if (pulse?.dataset.stream && live().length > 0) listen(pulse.dataset.stream);
