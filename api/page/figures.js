// Draws the Vega-Lite figures the service makes, in the page's own colours, without eval (`ast`).

import { ask, save } from "/page/client.js";
import { clear, h } from "/page/dom.js";
import { trouble } from "/page/trouble.js";

let vega = null;
function loaded() {
  vega ??= new Promise((resolve, reject) => {
    const script = h("script", { src: "/page/vega.js" });
    script.onload = () => resolve(window.vegaEmbed);
    script.onerror = () => reject(new Error("the figures' library did not load"));
    document.head.append(script);
  });
  return vega;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function look() {
  const [ink, soft, line] = [colour("ink"), colour("soft"), colour("line")];
  const font = getComputedStyle(document.body).fontFamily;
  return {
    background: "transparent", font, title: { color: ink, font }, view: { stroke: null },
    axis: { labelColor: soft, titleColor: soft, gridColor: line, domainColor: line, tickColor: line, labelFont: font, titleFont: font, titleFontWeight: 500 },
    legend: { labelColor: ink, titleColor: soft, labelFont: font, titleFont: font, orient: "bottom" },
    text: { color: ink }, style: { "guide-label": { fill: soft }, "guide-title": { fill: soft } },
  };
}

// One figure: heading, picture, downloads. `words` says in text what the picture shows.
export function figure(campaign, name, title, { words = "", query = "" } = {}) {
  const place = h("div", { class: "plot", "aria-busy": "true" });
  const path = (format) => `/v1/campaigns/${campaign}/figures/${name}.${format}${query}`;
  const get = (format) => h("button", { type: "button", class: "quiet small", onclick: () => save(path(format), `${name}.${format}`), "aria-label": `${title} as ${format.toUpperCase()}` }, format.toUpperCase());
  const draw = () => drawn(place, path("json"), title, words);
  document.addEventListener("themechange", function again() {
    if (place.isConnected) draw(); else document.removeEventListener("themechange", again);
  });
  draw();
  return h("figure", { class: "figure" }, h("figcaption", { class: "figure-head" }, h("h3", {}, title), h("span", { class: "actions" }, get("png"), get("svg"))),
    place, words ? h("p", { class: "sr" }, words) : null);
}

const specs = new Map();
async function drawn(place, path, title, words) {
  try {
    if (!specs.has(path)) specs.set(path, ask(path));
    const [embed, spec] = await Promise.all([loaded(), specs.get(path)]);
    const shown = await embed(place, fitted(spec), {
      ast: true, actions: false, renderer: "svg", defaultStyle: false, config: look(), tooltip: { disableDefaultStyle: true },
    });
    shown.view.description(words || title).run();
    place.removeAttribute("aria-busy");
  } catch (error) {
    specs.delete(path);
    clear(place, trouble(error.problem ?? { title: "The figure is missing", detail: "It could not be drawn. The numbers are in the tables." }));
  }
}

function fitted(spec) {
  return { ...spec, ...("width" in spec || spec.mark || spec.layer ? { width: "container" } : {}), autosize: { type: "fit-x", contains: "padding" } };
}

export function forgetFigures() {
  specs.clear();
}
