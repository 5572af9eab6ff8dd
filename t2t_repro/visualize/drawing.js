"use strict";

// Threads between words, their shares, and the matrix. page.js holds the state
// (`shown`, `attention`, `weight`) and says when to draw.

const dark = matchMedia("(prefers-color-scheme: dark)");
const FEW_ROWS = 32; // more than these get smaller rows
const FAINTEST = 0.02; // a thread below this is not drawn

// How strong a colour stands for a weight. Where few are seen at a time, a share
// of 4 % among 60 words shall be seen; the lines of all words hide each other.
const isCrowd = () => shown.view === "lines" && !shown.word;
const strength = (share) => (isCrowd() ? share : Math.sqrt(share));

// Hues all around the circle; yellow is too light on white, so it is darker.
function colour(head) {
  const hue = (210 + (head * 360) / attention().heads) % 360;
  if (dark.matches) return `hsl(${hue} 75% 66%)`;
  return `hsl(${hue} 72% ${hue > 40 && hue < 190 ? 34 : 46}%)`;
}

// Of one head, or of the mean of several.
function meanColour() {
  const heads = headsShown();
  return heads.length === 1 ? colour(heads[0]) : ink("--focus");
}

const ink = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// How much each word of the other side gets from every head, as its ground.
function drawShares() {
  for (const side of SIDES) {
    [...byId(side).querySelectorAll("button")].forEach((button, index) => {
      const chosen = shown.word?.side === side && shown.word.index === index;
      button.classList.toggle("chosen", chosen);
      button.setAttribute("aria-pressed", String(chosen && shown.kept));
      const shares = button.querySelector(".shares");
      const across = shown.word && shown.word.side !== side;
      shares.replaceChildren(
        ...(across ? headsShown() : []).map((head) => {
          const strip = make("i", "");
          strip.style.background = colour(head);
          strip.style.opacity = 0.85 * strength(pair(head, index));
          return strip;
        }),
      );
    });
  }
}

// The weight between the chosen word and a word of the other side.
function pair(head, index) {
  const { side, index: chosen } = shown.word;
  return side === "queries"
    ? weight(head, chosen, index)
    : weight(head, index, chosen);
}

// The legend of strength: what weights the shades stand for.
function drawScale() {
  const shades = [0, 1 / 3, 2 / 3, 1].map((shade) => {
    const share = isCrowd() ? shade : shade ** 2;
    const step = make("span", percent(share));
    const ground = make("i", "");
    ground.style.background = meanColour();
    ground.style.opacity = shade;
    step.prepend(ground);
    return step;
  });
  byId("scale").replaceChildren(...shades);
}

function surface(canvas, width, height) {
  const scale = devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  return context;
}

function drawThreads() {
  const one = attention();
  const rows = Math.max(one.queries.length, one.keys.length);
  const row = byId("queries").firstElementChild.offsetHeight;
  const canvas = byId("threads");
  const width = canvas.clientWidth;
  const context = surface(canvas, width, rows * row);
  context.lineWidth = 1.6;
  const { word: chosen } = shown;
  for (const head of headsShown()) {
    context.strokeStyle = colour(head);
    one.queries.forEach((_, query) => {
      if (chosen?.side === "queries" && chosen.index !== query) return;
      one.keys.forEach((_, key) => {
        if (chosen?.side === "keys" && chosen.index !== key) return;
        const share = weight(head, query, key);
        if (share < FAINTEST) return;
        context.globalAlpha = strength(share);
        context.beginPath();
        context.moveTo(0, (query + 0.5) * row);
        context.lineTo(width, (key + 0.5) * row);
        context.stroke();
      });
    });
  }
}

function drawMatrix() {
  const one = attention();
  const cell = Math.max(one.queries.length, one.keys.length) > FEW_ROWS ? 14 : 24;
  const font = `${cell > 20 ? 14 : 11}px system-ui, "DejaVu Sans", sans-serif`;
  const canvas = byId("cells");
  const measure = canvas.getContext("2d");
  measure.font = font;
  const widest = (texts) =>
    Math.max(...texts.map((text) => measure.measureText(text).width)) + 10;
  const left = widest(one.queries);
  const top = widest(one.keys);
  const width = left + one.keys.length * cell + 4;
  const context = surface(canvas, width, top + one.queries.length * cell + 4);
  canvas.style.width = `${width}px`;
  canvas.layout = { left, top, cell };
  context.font = font;
  context.textBaseline = "middle";
  const chosen = (side, i) =>
    shown.word?.side === side && shown.word.index === i;
  const fill = meanColour();
  one.queries.forEach((text, query) => {
    const y = top + query * cell;
    context.globalAlpha = 1;
    context.fillStyle = ink(chosen("queries", query) ? "--focus" : "--ink");
    context.textAlign = "right";
    context.fillText(text, left - 6, y + cell / 2);
    one.keys.forEach((_, key) => {
      const x = left + key * cell;
      context.globalAlpha = 1;
      context.fillStyle = ink("--panel");
      context.fillRect(x, y, cell - 1, cell - 1);
      context.globalAlpha = strength(mean(query, key));
      context.fillStyle = fill;
      context.fillRect(x, y, cell - 1, cell - 1);
    });
  });
  context.globalAlpha = 1;
  context.textAlign = "left";
  one.keys.forEach((text, key) => {
    context.save();
    context.translate(left + (key + 0.5) * cell, top - 6);
    context.rotate(-Math.PI / 2);
    context.fillStyle = ink(chosen("keys", key) ? "--focus" : "--ink");
    context.fillText(text, 0, 0);
    context.restore();
  });
  canvas.setAttribute("aria-label", `${one.name}, mean of the heads shown`);
}
