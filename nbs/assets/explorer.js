// The optimum of the sigmoid loss in the browser: the closed forms of sigmoid_cl.optimum, and a page to move n, t, b and gamma on.
// tools/explorer.py compares every function of `optimum` with Python.
"use strict";

const optimum = (() => {
  const softplus = z => z > 0 ? z + Math.log1p(Math.exp(-z)) : Math.log1p(Math.exp(z));
  const sigmoid = z => 1/(1+Math.exp(-z));
  // cost of a pair with margin m, and the log of how hard it pulls
  const pairLoss = (m, g) => Math.exp(-g*softplus(m))*softplus(-m);
  const logPull = (m, g) => -(1+g)*softplus(m) + Math.log1p(g*sigmoid(m)*(m > 30 ? 1 : softplus(-m)/sigmoid(-m)));
  const margins = (x, n, t, b) => [t*(1-2*x)+b, t*(1+(n-2)*x)/(n-1)-b];

  function loss(x, n, t, b, g=0) {
    const [p, q] = margins(x, n, t, b);
    return pairLoss(p, g) + (n-1)*pairLoss(q, g);
  }
  // has the sign of the slope of the loss in x
  function balance(x, n, t, b, g) {
    const [p, q] = margins(x, n, t, b);
    return Math.log(2/(n-2)) + logPull(p, g) - logPull(q, g);
  }
  function root(f, lo, hi) {
    for (let i = 0; i < 100; i++) { const mid = (lo+hi)/2; if (mid === lo || mid === hi) break; if (f(mid) < 0) lo = mid; else hi = mid; }
    return (lo+hi)/2;
  }
  // place on the curve with the smallest loss: 0 is the simplex, 1 antipodal
  function place(n, t, b, g=0) {
    if (n === 2) return 0;
    const f = x => balance(x, n, t, b, g);
    if (g === 0) return f(0) >= 0 ? 0 : f(1) <= 0 ? 1 : root(f, 0, 1);
    let best = 0, low = loss(0, n, t, b, g), before = f(0);
    const offer = x => { const l = loss(x, n, t, b, g); if (l < low) { low = l; best = x; } };
    const N = 2000;
    for (let i = 1; i <= N; i++) {
      const now = f(i/N);
      if (before < 0 && now >= 0) offer(root(f, (i-1)/N, i/N));
      before = now;
    }
    offer(1);
    return best;
  }
  const similarities = (x, n) => [1-2*x, -(1+(n-2)*x)/(n-1)];
  // log of the positive root of c2 q e^t a^2 + c1 q a - c0 = 0, q = e^(-t/(n-1))
  function logQuadratic(c2, c1, c0, t, n) {
    const s = (Math.log(4*c2*c0) + t*(n-2)/(n-1))/2;
    return Math.log(2*c0) - s - Math.asinh(c1*Math.exp(-t/(n-1)-s));
  }
  const etfBias = (n, t) => n === 2 ? Infinity : logQuadratic(n-2, n-4, 2, t, n);
  const suggestBias = (n, t) => logQuadratic(n-1, n-2, 1, t, n);
  const antipodalBias = (n, t) => t - Math.log((n-2)/2);
  function phase(n, t, b) {
    return n === 2 || balance(0, n, t, b, 0) >= 0 ? "etf" : balance(1, n, t, b, 0) <= 0 ? "antipodal" : "intermediate";
  }
  // largest batch whose optimum is the simplex
  function batchLimit(t, b) {
    const ok = n => n <= 2 || balance(0, n, t, b, 0) >= 0;
    let lo = 2, hi = 4;
    while (ok(hi)) { lo = hi; hi *= 2; if (hi > 1e15) return Infinity; }
    while (hi-lo > 1) { const mid = Math.floor((lo+hi)/2); if (ok(mid)) lo = mid; else hi = mid; }
    return lo;
  }
  return { loss, place, similarities, etfBias, suggestBias, antipodalBias, phase, batchLimit, pairLoss };
})();

if (typeof module !== "undefined") module.exports = optimum;

(() => {
  if (typeof document === "undefined") return;
  const words = { etf: "simplex ETF", intermediate: "intermediate", antipodal: "antipodal" };
  const short = v => !isFinite(v) ? "any" : Math.abs(v) >= 1e5 ? v.toExponential(2) : String(+v.toFixed(Math.abs(v) < 10 ? 3 : 2));
  const count = v => isFinite(v) ? v.toLocaleString("en") : "any";
  const tag = (name, attrs, text) => {
    const svg = ["svg","path","circle","line","text","rect","g"].includes(name);
    const e = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
    for (const k in attrs) e.setAttribute(k, attrs[k]);
    if (text !== undefined) e.textContent = text;
    return e;
  };

  // an SVG with axes: `at` turns data into pixels
  function panel(title, [x0,x1], [y0,y1], xname, yname, xt, yt) {
    const W = 320, H = 270, l = 44, r = 8, up = 10, d = 40;
    const at = (x, y) => [l+(x-x0)/(x1-x0)*(W-l-r), H-d-(y-y0)/(y1-y0)*(H-up-d)];
    const svg = tag("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": title });
    const area = tag("g", {}), axes = tag("g", {});
    svg.append(area, axes);
    axes.append(tag("rect", { x: l, y: up, width: W-l-r, height: H-up-d, class: "frame" }));
    for (const x of xt) { const [p] = at(x, y0); axes.append(tag("line", { x1: p, x2: p, y1: H-d, y2: H-d+4, class: "tick" }), tag("text", { x: p, y: H-d+16, "text-anchor": "middle" }, short(x))); }
    for (const y of yt) { const p = at(x0, y)[1]; axes.append(tag("line", { x1: l-4, x2: l, y1: p, y2: p, class: "tick" }), tag("text", { x: l-7, y: p+4, "text-anchor": "end" }, short(y))); }
    axes.append(tag("text", { x: (l+W-r)/2, y: H-6, "text-anchor": "middle" }, xname), tag("text", { transform: `translate(11 ${(H-d+up)/2}) rotate(-90)`, "text-anchor": "middle" }, yname));
    const clip = y => Math.min(Math.max(y, Math.min(y0, y1)), Math.max(y0, y1));
    const line = (pts, cls) => area.append(tag("path", { d: "M"+pts.map(([x, y]) => at(x, clip(y)).map(o => o.toFixed(1)).join(" ")).join("L"), class: cls }));
    const dot = (x, y, cls) => { const [cx, cy] = at(x, clip(y)); area.append(tag("circle", { cx, cy, r: 5, class: cls })); };
    const note = (x, y, s) => { const [p, q] = at(x, y); area.append(tag("text", { x: p, y: q, class: "note" }, s)); };
    return { svg, area, line, dot, note, at, back: (px, py) => [x0+(px-l)/(W-l-r)*(x1-x0), y0+(H-d-py)/(H-up-d)*(y1-y0)], W, H };
  }
  const steps = (a, b, n) => Array.from({ length: n+1 }, (_, i) => a+(b-a)*i/n);

  function phasePanel(s, T=14, lo=-14, hi=10) {
    const p = panel(`Phase diagram for ${s.n} pairs: scale ${short(s.t)}, bias ${short(s.b)} is ${words[optimum.phase(s.n, s.t, s.b)]}`, [0,T], [lo,hi], "scale t", "bias b", [0,4,8,12], [-12,-8,-4,0,4,8]);
    const ts = steps(.01, T, 120), etf = ts.map(t => [t, optimum.etfBias(s.n, t)]), anti = ts.map(t => [t, optimum.antipodalBias(s.n, t)]), flat = y => ts.map(t => [t, y]);
    for (const [a, b, cls] of [[flat(lo), etf, "etf"], [etf, anti, "between"], [anti, flat(hi), "antipodal"]]) p.line([...a, ...[...b].reverse()], "region "+cls);
    p.line(ts.map(t => [t, -t]), "guide dotted");
    p.line(ts.map(t => [t, optimum.suggestBias(s.n, t)]), "guide dashed");
    p.note(.5, lo+1, "simplex ETF"), p.note(.5, hi-1.6, "antipodal"), p.note(8.6, 3.2, "intermediate");
    p.dot(s.t, s.b, "point");
    return p;
  }
  function lossPanel(s) {
    const xs = steps(0, 1, 300), total = xs.map(x => [1-2*x, optimum.loss(x, s.n, s.t, s.b, s.gamma)]);
    const part = xs.map(x => [1-2*x, optimum.pairLoss(s.t*(1-2*x)+s.b, s.gamma)]), rest = total.map(([c, l], i) => [c, l-part[i][1]]);
    const top = 1.08*Math.max(...total.map(o => o[1])), p = panel(`Loss along the curve, smallest at cosine ${short(s.cos[0])}`, [1,-1], [0,top], "cosine of positive pairs", "loss (nats)", [1,.5,0,-.5,-1], [0, +(top/2).toPrecision(1)]);
    p.line(part, "curve thin dashed"), p.line(rest, "curve thin dotted"), p.line(total, "curve");
    p.dot(s.cos[0], s.loss, "point");
    return p;
  }
  // four pairs on two simplex axes and the extra one, seen from above the equator
  function ballPanel(s) {
    const W = 320, H = 270, R = 105, svg = tag("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `Four pairs on the sphere, views ${s.cos[0] > .999 ? "equal" : s.cos[0] < -.999 ? "opposite" : "apart"}` });
    const see = (x, y, z) => { const a = .5, e = .35, u = x*Math.cos(a)-y*Math.sin(a), v = x*Math.sin(a)+y*Math.cos(a); return [W/2+R*u, H/2-R*(z*Math.cos(e)+v*Math.sin(e))]; };
    svg.append(tag("circle", { cx: W/2, cy: H/2, r: R, class: "frame" }));
    const ring = steps(0, 2*Math.PI, 72).map(f => see(Math.cos(f), Math.sin(f), 0).map(o => o.toFixed(1)).join(" "));
    svg.append(tag("path", { d: "M"+ring.join("L")+"Z", class: "guide" }));
    const z = Math.sqrt(s.x), r = Math.sqrt(1-s.x);
    for (let i = 0; i < 4; i++) {
      const f = i*Math.PI/2, u = see(r*Math.cos(f), r*Math.sin(f), z), v = see(r*Math.cos(f), r*Math.sin(f), -z);
      svg.append(tag("line", { x1: u[0], y1: u[1], x2: v[0], y2: v[1], class: "pair" }), tag("circle", { cx: v[0], cy: v[1], r: 6, class: "view v" }), tag("circle", { cx: u[0], cy: u[1], r: 4, class: "view u" }));
    }
    return { svg };
  }

  function start(home) {
    const s = { n: 256, t: 5, b: -5, gamma: 0 };
    const defs = [["n", "pairs n in the batch", 3, 1e6, 1], ["t", "scale t", .1, 14, .1], ["b", "bias b", -14, 10, .1], ["gamma", "gamma", 0, 3, .05]];
    const form = tag("div", { class: "scl-controls" }), fields = {};
    for (const [k, name, lo, hi, step] of defs) {
      const log = k === "n", box = tag("div", { class: "scl-control" }), id = `scl-${k}`;
      const range = tag("input", { type: "range", id, min: log ? Math.log10(lo) : lo, max: log ? Math.log10(hi) : hi, step: log ? .01 : step });
      const exact = tag("input", { type: "number", "aria-label": name+", typed", min: lo, max: hi, step: log ? 1 : "any" });
      box.append(tag("label", { for: id }, name), range, exact);
      range.addEventListener("input", () => { s[k] = log ? Math.min(hi, Math.max(lo, Math.round(10**range.value))) : +range.value; draw(range); });
      exact.addEventListener("input", () => { const v = +exact.value; if (exact.value !== "" && v >= lo && v <= hi && (!log || Number.isInteger(v))) { s[k] = v; draw(exact); exact.removeAttribute("aria-invalid"); } else exact.setAttribute("aria-invalid", "true"); });
      fields[k] = { range, exact, log };
      form.append(box);
    }
    const plots = tag("div", { class: "scl-plots" }), say = tag("p", { class: "scl-say", "aria-live": "polite" }), more = tag("div", { class: "scl-more" });
    const bias = tag("button", { type: "button" }), batch = tag("button", { type: "button" });
    bias.addEventListener("click", () => { s.b = Math.max(-14, Math.min(10, optimum.suggestBias(s.n, s.t))); draw(); });
    batch.addEventListener("click", () => { s.n = Math.max(3, Math.min(1e6, optimum.batchLimit(s.t, s.b))); draw(); });
    more.append(bias, batch);
    const legend = tag("p", { class: "scl-legend" }, "Diagram, gamma 0: dotted b = -t, dashed the best bias. Loss: dashed positives, dotted negatives, thick their sum. Sphere: filled and open, the two views.");
    home.append(form, say, more, plots, legend);

    function draw(from) {
      s.x = optimum.place(s.n, s.t, s.b, s.gamma);
      s.cos = optimum.similarities(s.x, s.n), s.loss = optimum.loss(s.x, s.n, s.t, s.b, s.gamma);
      for (const k in fields) {
        const { range, exact, log } = fields[k];
        if (range !== from) range.value = log ? Math.log10(s[k]) : s[k];
        if (exact !== from) { exact.value = +s[k].toFixed(4); exact.removeAttribute("aria-invalid"); }
        range.setAttribute("aria-valuetext", short(s[k]));
      }
      const at = s.x === 0 ? "the simplex ETF, both views equal" : s.x === 1 ? "antipodal, views opposite" : "between the two";
      say.textContent = `Optimum: ${at}. Cosine of positive pairs ${short(s.cos[0])}, of negative pairs ${short(s.cos[1])}, delta ${s.x === 1 ? "infinite" : short(Math.sqrt(s.x/(1-s.x)))}, loss ${short(s.loss)} nats. `
        + (s.gamma === 0 ? "No embedding at all does better: a theorem." : "The smallest along the curve; whether anything off it does better is the certificate's question.");
      bias.textContent = `Bias for ${count(s.n)} pairs at t = ${short(s.t)}: ${short(optimum.suggestBias(s.n, s.t))}`;
      batch.textContent = `Largest batch with the simplex at (${short(s.t)}, ${short(s.b)}), gamma 0: ${count(optimum.batchLimit(s.t, s.b))}`;
      const first = phasePanel(s);
      first.svg.addEventListener("click", e => {
        const m = first.svg.getScreenCTM().inverse(), q = new DOMPoint(e.clientX, e.clientY).matrixTransform(m), [t, b] = first.back(q.x, q.y);
        s.t = Math.min(14, Math.max(.1, +t.toFixed(1))), s.b = Math.min(10, Math.max(-14, +b.toFixed(1)));
        draw();
      });
      plots.replaceChildren(first.svg, lossPanel(s).svg, ballPanel(s).svg);
    }
    draw();
  }
  const go = () => document.querySelectorAll(".scl-explorer").forEach(start);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", go); else go();
})();
