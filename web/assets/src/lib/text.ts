// How scripts write texts and numbers: in the language, digits and direction of the page.

const root = document.documentElement;

export const rtl = root.dir === "rtl";

const locale = root.dataset.locale ?? "en-GB";
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const oneDigit = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const percent = locale.endsWith("latn") ? "%" : "٪";

export const count = (n: number) => whole.format(n);
export const share = (x: number) => oneDigit.format(100 * x) + percent;

// On a canvas nothing separates a text from what is beside it but isolates: without them "٩٤٫٥٪ (ن=١٢٠)" turns round.
export const isolate = (text: string) => (rtl ? "\u2067" : "\u2066") + text + "\u2069";

// number keeps figures with their signs together. Arabic-Indic digits run with the language: in a text from left to right an interval of
// them would turn round, and leave a percent sign behind.
export const number = (text: string) => (rtl && root.dataset.digits === "native" ? "\u2067" : "\u2066") + text + "\u2069";

// colour of the page's style.
export const colour = (name: string) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();

// data that the server put beside an element.
export function data<T>(id: string): T {
  return JSON.parse(document.getElementById(id)?.textContent ?? "null") as T;
}
