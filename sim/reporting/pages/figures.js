"use strict";
(function () {
  const payload = JSON.parse(document.getElementById("figure-data").textContent);

  function shade(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  // Colours that follow the page (light, dark, paper); the series keep theirs everywhere.
  function theme(layout) {
    const themed = structuredClone(layout);
    const ink = shade("--ink-soft"), grid = shade("--rule");
    themed.paper_bgcolor = "rgba(0,0,0,0)";
    themed.plot_bgcolor = "rgba(0,0,0,0)";
    themed.font = { family: shade("--sans"), size: 12, color: ink };
    themed.hoverlabel = { bgcolor: shade("--paper"), bordercolor: grid, font: { color: shade("--ink"), size: 12 } };
    themed.separators = ".,";
    Object.keys(themed).forEach(function (key) {
      if (!/^[xy]axis\d*$/.test(key)) { return; }
      themed[key].gridcolor = grid;
      themed[key].linecolor = grid;
      themed[key].zerolinecolor = shade("--ink-faint");
      themed[key].tickcolor = grid;
      if (key[0] === "x") { themed[key].showline = true; }
    });
    return themed;
  }

  function traces(figure) {
    return figure.traces.map(function (trace) {
      if (!trace.x || trace.x.shared === undefined) { return trace; }
      const whole = Object.assign({}, trace, { x: { dtype: trace.xdtype, bdata: payload.arrays[trace.x.shared] } });
      delete whole.xdtype;
      return whole;
    });
  }

  const settings = { responsive: true, displaylogo: false, displayModeBar: false, locale: "en-US" };
  const drawn = [];
  Object.keys(payload.figures).forEach(function (key) {
    const target = document.getElementById("figure-" + key);
    if (!target) { return; }
    target.textContent = "";
    const figure = payload.figures[key];
    Plotly.newPlot(target, traces(figure), theme(figure.layout), settings);
    drawn.push([target, figure]);
  });

  function repaint() {
    drawn.forEach(function (pair) { Plotly.relayout(pair[0], theme(pair[1].layout)); });
  }

  // Paper has its own width and is always white; plotly draws at a fixed width, so it must be told.
  function fit(width) {
    drawn.forEach(function (pair) {
      const themed = theme(pair[1].layout);
      Plotly.relayout(pair[0], Object.assign(themed, width ? { width: width, autosize: false } : { width: null, autosize: true }));
    });
  }
  const PAPER_WIDTH = 690; // A4 within the margins of the style sheet, at 96 dots an inch
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (one) { one.open = true; });
    fit(PAPER_WIDTH); });
  window.addEventListener("afterprint", function () { fit(0); });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
})();
