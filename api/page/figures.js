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

const dark = () => document.documentElement.dataset.theme
  ? document.documentElement.dataset.theme === "dark"
  : matchMedia("(prefers-color-scheme: dark)").matches;

export function figure(campaign, name, title, query = "") {
  return picture(`/v1/campaigns/${campaign}/figures/${name}`, name, title, { query });
}

// One figure: heading, picture, downloads. The specification brings its own colours and description.
// `picked` is called with what was drawn where the reader clicked.
export function picture(address, name, title, { query = "", picked = null } = {}) {
  const place = h("div", { class: "plot", "aria-busy": "true" });
  const hint = h("p", { class: "hint" });
  const path = (format) => `${address}.${format}?theme=${dark() ? "dark" : "light"}${query}`;
  const get = (format) => h("button", { type: "button", class: "quiet small", onclick: () => save(path(format), `${name}.${format}`), "aria-label": `${title} as ${format.toUpperCase()}` }, format.toUpperCase());
  const draw = () => drawn(place, hint, path("json"), picked);
  document.addEventListener("themechange", function again() {
    if (place.isConnected) draw(); else document.removeEventListener("themechange", again);
  });
  requestAnimationFrame(draw);  // the drawing takes its width from its place, which must be in the page
  return h("figure", { class: "figure" }, h("figcaption", { class: "figure-head" }, h("h2", {}, title), h("span", { class: "actions" }, get("png"), get("svg"))), hint, place);
}

async function drawn(place, hint, path, picked) {
  try {
    const [embed, spec] = await Promise.all([loaded(), ask(path)]);
    const { title, ...rest } = spec;  // the page has the heading
    hint.textContent = title?.subtitle ?? "";
    const { view } = await embed(place, { ...rest, background: "transparent" }, {
      ast: true, actions: false, renderer: "svg", defaultStyle: false, tooltip: { disableDefaultStyle: true },
    });
    if (picked) view.addEventListener("click", (_event, item) => { if (item?.datum) picked(item.datum); });
    place.removeAttribute("aria-busy");
  } catch (error) {
    if (!error.problem) console.error(error);
    clear(place, trouble(error.problem ?? { title: "The figure is missing", detail: "It could not be drawn. The numbers are in the tables." }));
  }
}
