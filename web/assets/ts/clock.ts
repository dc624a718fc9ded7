// Says how long ago a moment was; the server has written the full moment, which stays as the tooltip.
const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
const steps: [Intl.RelativeTimeFormatUnit, number][] = [
  ["second", 60],
  ["minute", 60],
  ["hour", 24],
  ["day", 30],
  ["month", 12],
  ["year", Infinity],
];

function ago(moment: Date): string {
  let amount = (moment.getTime() - Date.now()) / 1000;
  for (const [unit, size] of steps) {
    if (Math.abs(amount) < size) return words.format(Math.round(amount), unit);
    amount /= size;
  }
  return "";
}

export function tell(): void {
  for (const time of document.querySelectorAll<HTMLTimeElement>("time[data-ago]")) {
    time.title ||= time.textContent?.trim() ?? "";
    const text = ago(new Date(time.dateTime));
    if (time.textContent !== text) time.textContent = text;
  }
}

tell();
setInterval(tell, 15_000);
document.addEventListener("htmx:afterSettle", tell);
