// The serial console of a machine in a terminal. A ticket is fetched for each connection; it opens one socket once.
import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";

const box = document.getElementById("terminal")!;
const status = document.getElementById("console-status")!;
const again = document.getElementById("console-again") as HTMLButtonElement;
const { nonce = "", ticket = "", socket = "", csrf = "" } = box.dataset;

// xterm makes <style> elements and style attributes. The page's policy allows the first with its nonce, the second
// only through the object model.
const make = document.createElement.bind(document);
document.createElement = ((name: string, options?: ElementCreationOptions) => {
  const element = make(name, options);
  if (name.toLowerCase() === "style") element.nonce = nonce;
  return element;
}) as typeof document.createElement;

const write = Element.prototype.setAttribute;
Element.prototype.setAttribute = function (name: string, value: string): void {
  if (name === "style" && this instanceof HTMLElement) this.style.cssText = value;
  else write.call(this, name, value);
};

const terminal = new Terminal({
  fontFamily: getComputedStyle(document.documentElement).getPropertyValue("--mono"),
  fontSize: 14,
  cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
  screenReaderMode: true,
  scrollback: 5_000,
  theme: { background: "#0b1117", foreground: "#e7eef3", cursor: "#f3b45f" },
});
const fit = new FitAddon();
terminal.loadAddon(fit);
terminal.open(box);
fit.fit();
addEventListener("resize", () => fit.fit());
terminal.attachCustomKeyEventHandler((event) => {
  const leave = event.ctrlKey && event.shiftKey && event.key.toLowerCase() === "l";
  if (leave) document.getElementById("console-full")?.focus();
  return !leave;
});

function say(state: "connecting" | "open" | "closed", detail = ""): void {
  status.textContent = [status.dataset[state], detail].filter(Boolean).join(" ");
  status.dataset.now = state;
  again.hidden = state !== "closed";
}

async function fetchTicket(): Promise<string> {
  const body = new URLSearchParams({ csrf });
  const answer = await fetch(ticket, { method: "POST", body, credentials: "same-origin", headers: { Accept: "application/json" } });
  const content = (await answer.json()) as { ticket?: string; message?: string };
  if (!content.ticket) throw new Error(content.message ?? answer.statusText);
  return content.ticket;
}

async function connect(): Promise<void> {
  say("connecting");
  try {
    const wire = new WebSocket(`${socket}&ticket=${encodeURIComponent(await fetchTicket())}`);
    let refusal = "";
    wire.binaryType = "arraybuffer";
    const letters = new TextEncoder();
    const typing = [
      terminal.onData((text) => wire.send(letters.encode(text))),
      terminal.onBinary((text) => wire.send(Uint8Array.from(text, (letter) => letter.charCodeAt(0)))),
    ];
    wire.onopen = () => {
      say("open");
      terminal.focus();
    };
    wire.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
      if (typeof data === "string") refusal = data;
      else terminal.write(new Uint8Array(data));
    };
    wire.onclose = (event) => {
      typing.forEach((listener) => listener.dispose());
      say("closed", [status.dataset[`code${event.code}`], refusal].filter(Boolean).join(" "));
    };
  } catch (error) {
    say("closed", error instanceof Error ? error.message : "");
  }
}

again.addEventListener("click", () => void connect());
document.getElementById("console-full")?.addEventListener("click", () => void box.requestFullscreen());
box.addEventListener("fullscreenchange", () => fit.fit());
void connect();
