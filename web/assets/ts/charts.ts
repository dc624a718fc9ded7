// Charts of a machine's use, drawn from the table that stands beside them: one source, two forms.
import uPlot from "uplot";

function colours(element: Element): { text: string; line: string; series: string } {
  const style = getComputedStyle(element);
  const probe = (name: string): string => {
    const swatch = document.createElement("span");
    swatch.style.color = `var(${name})`;
    element.append(swatch);
    const colour = getComputedStyle(swatch).color;
    swatch.remove();
    return colour;
  };
  return { text: style.color, line: probe("--line"), series: probe("--brand") };
}

function numbers(table: HTMLTableElement, column: number): number[] {
  return [...table.tBodies[0]!.rows].map((row) => Number(row.cells[column]!.dataset.value)).reverse();
}

function draw(figure: HTMLElement): void {
  const table = document.getElementById(figure.dataset.table ?? "");
  if (!(table instanceof HTMLTableElement) || !table.tBodies[0]?.rows.length) return;
  const { text, line, series } = colours(figure);
  const axis = { stroke: text, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
  const clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const time = (seconds: number): string => clock.format(seconds * 1000);
  const unit = figure.dataset.unit ?? "";
  const column = Number(figure.dataset.column);
  const value = (_: uPlot, amount: number | null): string =>
    amount === null ? "–" : `${amount.toLocaleString(document.documentElement.lang, { maximumFractionDigits: 2 })} ${unit}`;
  figure.replaceChildren();
  new uPlot(
    {
      width: figure.clientWidth,
      height: 190,
      cursor: { points: { size: 8 } },
      legend: { live: true },
      scales: { y: { range: (_, __, most) => [0, Math.max(most * 1.1, Number(figure.dataset.top ?? 1))] } },
      axes: [{ ...axis, values: (_, ticks) => ticks.map(time) }, { ...axis, size: 64, values: (plot, ticks) => ticks.map((tick) => value(plot, tick)) }],
      series: [
        { label: figure.dataset.time ?? "", value: (_, seconds) => (seconds === null ? "–" : time(seconds)) },
        { label: figure.dataset.label ?? "", stroke: series, width: 2, value },
      ],
    },
    [numbers(table, 0), numbers(table, column)],
    figure,
  );
}

function drawAll(): void {
  document.querySelectorAll<HTMLElement>("[data-chart]").forEach(draw);
}

drawAll();
document.addEventListener("htmx:afterSettle", (event) => (event.target as Element).id === "figures" && drawAll());
let later: ReturnType<typeof setTimeout> | undefined;
addEventListener("resize", () => {
  clearTimeout(later);
  later = setTimeout(drawAll, 150);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
