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
    // A name tied to its point by a line stands on paper, so that what passes under it does not cross it out.
    (themed.annotations || []).forEach(function (one) { if (one.showarrow) { one.bgcolor = shade("--paper") + "cc"; } });
    return themed;
  }

  // An axis title longer than its axis is broken into lines, so that none is cut on a narrow screen.
  function broken(text, pixels) {
    const most = Math.max(10, Math.floor(pixels / 6.8));
    return text.split(/<br ?\/?>/).map(function (line) {
      const lines = [""];
      line.split(" ").forEach(function (word) {
        const last = lines[lines.length - 1];
        if (last && last.length + 1 + word.length > most) { lines.push(word); } else { lines[lines.length - 1] = last ? last + " " + word : word; }
      });
      return lines.join("<br>");
    }).join("<br>");
  }

  // On a narrow screen a legend has a line for each series: the figure grows by as much as that takes.
  function grown(figure, target) {
    if (target.dataset.height === undefined) { target.dataset.height = parseInt(target.style.height, 10); }
    const named = figure.traces.filter(function (one) { return one.name && one.showlegend !== false; }).length;
    const legend = target.clientWidth < 560 && figure.layout.showlegend !== false && named > 1 ? 19 * named : 0;
    target.style.height = (Number(target.dataset.height) + legend) + "px";
    return Number(target.dataset.height);
  }

  function fitted(layout, target, height) {
    const width = target.clientWidth || 690;
    const margin = layout.margin || {};
    // Names beside the axis take room that the layout does not tell.
    const named = Object.keys(layout).some(function (key) { return /^yaxis/.test(key) && (layout[key].ticktext || layout[key].type === "category"); });
    const across = width - Math.max(margin.l || 60, named ? 130 : 0) - (margin.r || 20);
    const down = height - (margin.t || 30) - (margin.b || 50);
    Object.keys(layout).forEach(function (key) {
      const axis = layout[key];
      if (!/^[xy]axis\d*$/.test(key) || !axis.title || !axis.title.text) { return; }
      const domain = axis.domain || [0, 1];
      const room = (key[0] === "x" ? across : down) * (domain[1] - domain[0]);
      const text = broken(axis.title.text, room);
      axis.title = Object.assign({}, axis.title, { text: text });
      // Beside a colour bar on a narrow screen, plotly draws a title with a stand-off over the tick labels.
      if (width < 560 && key[0] === "x") { delete axis.title.standoff; }
      axis.automargin = true;
    });
    if (width < 560) {
      // Long names beside a figure would leave no room for it: they are drawn smaller, and broken.
      Object.keys(layout).forEach(function (key) {
        const axis = layout[key];
        if (/^yaxis\d*$/.test(key) && axis.ticktext) {
          axis.ticktext = axis.ticktext.map(function (text) { return broken(String(text), 112); });
          axis.tickfont = Object.assign({ size: 10 }, axis.tickfont);
        }
        if (/^xaxis\d*$/.test(key) && !axis.tickmode) { axis.nticks = 5; }
      });
      if (layout.legend) { layout.legend = Object.assign({}, layout.legend, { font: { size: 10.5 } }); }
    }
    return layout;
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
    Plotly.newPlot(target, traces(figure), fitted(theme(figure.layout), target, grown(figure, target)), settings);
    drawn.push([target, figure]);
  });

  function repaint() {
    drawn.forEach(function (pair) { Plotly.relayout(pair[0], fitted(theme(pair[1].layout), pair[0], grown(pair[1], pair[0]))); });
  }

  // Paper has its own width and is always white; plotly draws at a fixed width, so it must be told.
  function fit(width) {
    drawn.forEach(function (pair) {
      const themed = fitted(theme(pair[1].layout), pair[0], grown(pair[1], pair[0]));
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
