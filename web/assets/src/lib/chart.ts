// Charts of figures. Each takes what it draws from JSON beside its table, so that whoever cannot see it reads the same.
//
// ECharts is built from what is used. Text that runs from right to left is clipped or turned round when the container does, so each chart is
// ltr, wraps every text in isolates, and is mirrored by its options: see mirrored.
import { BarChart, CustomChart, LineChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import * as echarts from "echarts/core";
import type { EChartsCoreOption } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { colour, count, data, isolate, number, rtl, share } from "./text";

echarts.use([BarChart, CustomChart, LineChart, AriaComponent, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent, CanvasRenderer]);

type Maybe = number | null;

interface Series {
  name: string;
  values: Maybe[];
  colour?: string; // a variable of the page's style
}

// Figures are what the server sends (web/manage/chart.go).
export interface Figures {
  kind: "trend" | "bars" | "stack" | "columns"; // trend and columns have time below; bars and stack lie
  label: string;
  axis?: string; // what the time axis is called
  names: string[];
  links?: string[];
  series: Series[];
  low?: Maybe[];
  high?: Maybe[];
  interval?: string; // what the interval is called
  n?: Maybe[];
  percent?: boolean;
  whole?: boolean; // stacks are shares of their row
  marks?: { at: number; text: string }[];
}

// Drawn is an element with its chart, for tests and for drawing again.
interface Drawn extends HTMLElement {
  chart?: echarts.ECharts;
}

const palette = ["main", "level-4", "warn", "level-2", "soft", "level-5", "level-1", "good"];
const reversedKey = "balagh-time-reversed";
export const reversed = () => localStorage.getItem(reversedKey) === "yes";
export const reverse = () => localStorage.setItem(reversedKey, reversed() ? "no" : "yes");

const lying = (f: Figures) => f.kind === "bars" || f.kind === "stack";
const narrow = (el: HTMLElement) => el.clientWidth < 520;
const paper = document.body.classList.contains("page-print");
const rowHeight = (el: HTMLElement) => (paper ? 22 : narrow(el) ? 46 : 34);
const value = (f: Figures, x: Maybe | undefined) => (x == null ? "—" : f.percent ? share(x) : count(x));

// values of a series: of a whole, the shares of each row.
function values(f: Figures, s: Series): Maybe[] {
  if (!f.whole) return s.values;
  return s.values.map((x, i) => {
    const sum = f.series.reduce((all, other) => all + (other.values[i] ?? 0), 0);
    return x == null || sum === 0 ? null : x / sum;
  });
}

function tooltip(f: Figures, i: number): string {
  const lines = [isolate(f.names[i] ?? "")];
  for (const s of f.series) {
    const own = values(f, s)[i];
    const text = f.whole ? `${value(f, own)} (${count(s.values[i] ?? 0)})` : value(f, own);
    lines.push(isolate(`${s.name}: ${number(text)}`));
  }
  if (f.interval && f.low?.[i] != null) lines.push(isolate(`${f.interval}: ${number(`${value(f, f.low[i])} – ${value(f, f.high?.[i])}`)}`));
  if (f.n?.[i] != null) lines.push(isolate(`${number(`n = ${count(f.n[i] ?? 0)}`)}`));
  for (const m of f.marks ?? []) if (m.at === i) lines.push(isolate(m.text));
  return lines.join("\n");
}

// whiskers are the interval of each figure: a line with ends.
function whiskers(f: Figures): object {
  const across = lying(f);
  return {
    type: "custom",
    name: isolate(f.interval ?? ""),
    silent: true,
    z: 5,
    itemStyle: { color: colour("ink"), decal: { symbol: "none" } },
    data: f.names.map((_, i) => [f.low?.[i] ?? "-", i, f.high?.[i] ?? "-"]),
    encode: across ? { x: [0, 2], y: 1 } : { x: 1, y: [0, 2] },
    renderItem: (_: unknown, api: { value(i: number): number; coord(at: number[]): number[] }) => {
      const place = (x: number) => api.coord(across ? [x, api.value(1)] : [api.value(1), x]);
      const low = place(api.value(0));
      const high = place(api.value(2));
      if (![...low, ...high].every(Number.isFinite)) return;
      const line = (x1: number, y1: number, x2: number, y2: number) => ({ type: "line", shape: { x1, y1, x2, y2 }, style: { stroke: colour("ink"), lineWidth: 1.5 } });
      const ends = [low, high].map((end) => (across ? line(end[0]!, end[1]! - 4, end[0]!, end[1]! + 4) : line(end[0]! - 4, end[1]!, end[0]! + 4, end[1]!)));
      return { type: "group", children: [line(low[0]!, low[1]!, high[0]!, high[1]!), ...ends] };
    },
  };
}

function series(f: Figures): object[] {
  const all: object[] = f.series.map((s, n) => {
    const own = { name: isolate(s.name), data: values(f, s), color: colour(s.colour ?? palette[n % palette.length] ?? "main"), cursor: f.links ? "pointer" : "default" };
    if (f.kind === "trend") return { ...own, type: "line", symbolSize: 7, lineStyle: { width: 2.5 }, z: 4, markLine: marks(f) };
    return { ...own, type: "bar", stack: f.series.length > 1 ? "all" : undefined, barMaxWidth: 26, itemStyle: { borderColor: colour("card"), borderWidth: f.series.length > 1 ? 1 : 0 } };
  });
  if (f.kind === "trend" && f.low && f.high) {
    // A band is the stack of its lower end, unseen, and of its width.
    const band = { type: "line", stack: "band", symbol: "none", silent: true, lineStyle: { opacity: 0 }, tooltip: { show: false } };
    all.push({ ...band, data: f.low }, { ...band, name: isolate(f.interval ?? ""), color: colour("main"), data: f.high.map((x, i) => (x == null ? null : x - (f.low?.[i] ?? 0))), areaStyle: { opacity: 0.16 } });
  }
  if (f.low) all.push(whiskers(f));
  return all;
}

function marks(f: Figures): object | undefined {
  if (!f.marks?.length) return undefined;
  return {
    symbol: "none",
    silent: true,
    lineStyle: { color: colour("warn"), type: "dashed" },
    label: { formatter: (x: { dataIndex: number }) => isolate(f.marks?.[x.dataIndex]?.text ?? ""), color: colour("warn"), width: 110, overflow: "truncate" },
    data: f.marks.map((m) => ({ xAxis: m.at })),
  };
}

const lineHeight = 17; // given, as ECharts takes it from a letter that the fonts do not have
const family = '"Plex Arabic", system-ui, sans-serif';
const pen = document.createElement("canvas").getContext("2d");

function measure(text: string): number {
  if (!pen) return 8 * text.length;
  pen.font = `12px ${family}`;
  return pen.measureText(text).width;
}

// wrapped breaks a text into lines that are each isolated: one isolate over two lines would hold for the first alone.
function wrapped(text: string, width: number): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines[lines.length - 1];
    if (last !== undefined && measure(`${last} ${word}`) <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map(isolate).join("\n");
}

// legend has the names of the series by lines, each in the order in which it is read: ECharts lays items from left to right, and leaves no
// room for more than one line by itself.
function legend(f: Figures, width: number): string[][] {
  const names = f.series.length > 1 ? f.series.map((s) => s.name) : [];
  if (f.interval && f.kind === "trend") names.push(f.series[0]?.name ?? "", f.interval);
  const rows: string[][] = [];
  let used = 0;
  for (const name of names) {
    const takes = 44 + measure(name);
    const row = rows[rows.length - 1];
    if (row && used + takes <= width) row.push(isolate(name));
    else {
      rows.push([isolate(name)]);
      used = 0;
    }
    used += takes;
  }
  return rtl ? rows.map((row) => row.reverse()) : rows;
}

// mirrored says on which side things are: bars grow from the side at which reading begins, with their names there.
export function option(f: Figures, el: HTMLElement): EChartsCoreOption {
  const begin = rtl ? "right" : "left";
  const small = narrow(el);
  const text = { color: colour("ink"), fontFamily: family, lineHeight };
  const width = paper ? el.clientWidth * 0.4 : Math.min(190, el.clientWidth * 0.34);
  const back = !lying(f) && reversed();
  const names = {
    type: "category",
    data: f.names.map((name) => (lying(f) ? wrapped(name, width) : isolate(name))),
    inverse: lying(f) ? true : back,
    position: lying(f) ? begin : undefined,
    name: lying(f) ? undefined : isolate(back === rtl ? `${f.axis ?? ""} ${back ? "←" : "→"}` : `${back ? "←" : "→"} ${f.axis ?? ""}`),
    nameLocation: "middle",
    nameGap: 34,
    axisTick: { show: false },
    axisLine: { lineStyle: { color: colour("line") } },
    axisLabel: { ...text, align: lying(f) ? begin === "right" ? "left" : "right" : undefined, hideOverlap: !lying(f), interval: lying(f) ? 0 : "auto" },
    nameTextStyle: { ...text, color: colour("soft") },
  };
  const top = f.whole || (f.percent && f.kind === "bars") ? 1 : undefined;
  const amounts = {
    type: "value",
    inverse: lying(f) && rtl,
    position: lying(f) ? undefined : begin,
    max: top,
    scale: f.kind === "trend",
    minInterval: f.percent ? undefined : 1,
    interval: top ? (small ? 0.5 : 0.2) : undefined,
    splitNumber: small ? 3 : 5,
    splitLine: { lineStyle: { color: colour("line") } },
    axisLabel: { ...text, color: colour("soft"), hideOverlap: true, formatter: (x: number) => number(f.percent ? count(100 * x) + share(0).slice(-1) : count(x)) },
  };
  const rows = legend(f, el.clientWidth);
  return {
    animation: false,
    textStyle: text,
    aria: { enabled: true, label: { description: f.label }, decal: { show: f.series.length > 1 } },
    legend: rows.length === 0 ? { show: false } : { top: 0, [begin]: 0, align: begin, orient: "horizontal", itemGap: 12, itemWidth: 18, itemHeight: 12, textStyle: text, data: rows.flatMap((row, i) => (i ? ["\n", ...row] : row)) },
    grid: { top: rows.length * 24 + 14, bottom: lying(f) ? 6 : 26, left: 8, right: 12, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    tooltip: { renderMode: "richText", confine: true, trigger: "axis", axisPointer: { type: lying(f) ? "shadow" : "line" }, textStyle: { ...text, align: rtl ? "right" : "left" }, formatter: (all: { dataIndex: number }[] | { dataIndex: number }) => tooltip(f, (Array.isArray(all) ? all[0]?.dataIndex : all.dataIndex) ?? 0) },
    xAxis: lying(f) ? amounts : names,
    yAxis: lying(f) ? names : amounts,
    series: series(f),
  };
}

// draw shows the figures of an element, or shows them anew without a flicker.
export function draw(el: Drawn): void {
  const f = data<Figures | null>(el.dataset.chart ?? "");
  if (!f) return;
  if (lying(f) && !el.dataset.fixed) el.style.blockSize = `${Math.max(paper ? 90 : 140, (paper ? 44 : 70) + 26 * legend(f, el.clientWidth).length + f.names.length * rowHeight(el))}px`;
  if (!el.chart) {
    const chart = (el.chart = echarts.init(el, undefined, { renderer: "canvas", devicePixelRatio: paper ? 2 : undefined }));
    chart.on("click", (at) => {
      const to = data<Figures | null>(el.dataset.chart ?? "")?.links?.[at.dataIndex];
      if (to) location.assign(to);
    });
    let size = `${el.clientWidth} ${el.clientHeight}`;
    new ResizeObserver(() => {
      const now = `${el.clientWidth} ${el.clientHeight}`;
      if (now === size) return;
      size = now;
      chart.resize();
    }).observe(el);
  }
  el.chart.setOption(option(f, el), { replaceMerge: ["series"] });
  el.dataset.drawn = "yes";
}

// drawAll waits for the fonts: a canvas does not change its letters when they come.
export async function drawAll(): Promise<void> {
  await Promise.all(["400", "600"].map((weight) => document.fonts.load(`${weight} 1em "Plex Arabic"`, "بلاغ Balagh")));
  for (const el of document.querySelectorAll<Drawn>("[data-chart]")) draw(el);
}
