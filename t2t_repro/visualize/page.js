// What is shown, and what changes it. All text comes in as text, never as HTML.

const sentences = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
// What a byte stands for: page.py keeps the root of a weight.
const WEIGHTS = Float32Array.from({ length: 256 }, (_, i) => (i / 255) ** 2);

const shown = {
  sentence: 0,
  attention: sentences[0].attentions.length - 1,
  layer: Infinity, // the last
  view: "lines",
  heads: [],
  word: null, // {side: "queries" | "keys", index}
  kept: false,
};

const attention = () => sentences[shown.sentence].attentions[shown.attention];

// Bytes of one attention: [layers, heads, query, key].
async function unpack(one) {
  const bytes = Uint8Array.from(atob(one.weights), (c) => c.charCodeAt(0));
  const packed = new Blob([bytes]).stream();
  const stream = packed.pipeThrough(new DecompressionStream("deflate"));
  one.weights = new Uint8Array(await new Response(stream).arrayBuffer());
}

function weight(head, query, key) {
  const one = attention();
  const row = (shown.layer * one.heads + head) * one.queries.length + query;
  return WEIGHTS[one.weights[row * one.keys.length + key]];
}

const headsShown = () => shown.heads.flatMap((on, head) => (on ? [head] : []));

function mean(query, key) {
  const heads = headsShown();
  if (!heads.length) return 0;
  return heads.reduce((sum, h) => sum + weight(h, query, key), 0) / heads.length;
}

function make(tag, text, attributes = {}) {
  const element = document.createElement(tag);
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  return element;
}

// Controls

function fillControls() {
  const choice = byId("sentence");
  sentences.forEach((sentence, i) => {
    const text = sentence.source.slice(0, 80);
    choice.append(make("option", `${i + 1}. ${text}`, { value: i }));
  });
  byId("sentence-choice").hidden = sentences.length < 2;
  sentences[0].attentions.forEach((one, i) => {
    const radio = make("input", "", {
      type: "radio",
      name: "attention",
      value: i,
    });
    radio.checked = i === shown.attention;
    const label = make("label", "");
    label.append(radio, one.name);
    byId("attentions").append(label);
  });
}

// Attentions may differ in how many they have.
function fillLayersAndHeads() {
  const { layers, heads } = attention();
  shown.layer = Math.min(shown.layer, layers - 1);
  byId("layer").replaceChildren(
    ...Array.from({ length: layers }, (_, i) =>
      make("option", String(i + 1), { value: i }),
    ),
  );
  byId("layer").value = shown.layer;
  if (shown.heads.length === heads) return;
  shown.heads = Array(heads).fill(true);
  byId("heads").replaceChildren(...shown.heads.map((_, i) => headButton(i)));
}

function headButton(head) {
  const button = make("button", String(head + 1), {
    type: "button",
    "aria-label": `head ${head + 1}`,
  });
  const alone = () => {
    shown.heads = shown.heads.map((_, i) => i === head);
    draw();
  };
  button.addEventListener("click", (event) => {
    if (event.shiftKey) return alone();
    shown.heads[head] = !shown.heads[head];
    draw();
  });
  button.addEventListener("dblclick", alone);
  return button;
}

function listenToControls() {
  byId("controls").addEventListener("submit", (e) => e.preventDefault());
  byId("sentence").addEventListener("change", (event) => {
    shown.sentence = Number(event.target.value);
    fillWords();
  });
  byId("attentions").addEventListener("change", (event) => {
    shown.attention = Number(event.target.value);
    fillWords();
  });
  byId("layer").addEventListener("change", (event) => {
    shown.layer = Number(event.target.value);
    draw();
  });
  for (const radio of document.querySelectorAll("[name=view]")) {
    radio.addEventListener("change", () => {
      shown.view = radio.value;
      draw();
    });
  }
  byId("all-heads").addEventListener("click", () => {
    shown.heads.fill(true);
    draw();
  });
}

// Words

const SIDES = ["queries", "keys"];

function fillWords() {
  const one = attention();
  shown.word = null;
  shown.kept = false;
  fillLayersAndHeads();
  for (const section of document.querySelectorAll(".sentence")) {
    section.hidden = Number(section.dataset.sentence) !== shown.sentence;
  }
  byId("query-title").textContent = one.queryTitle;
  byId("key-title").textContent = one.keyTitle;
  const rows = Math.max(one.queries.length, one.keys.length);
  byId("lines").classList.toggle("long", rows > FEW_ROWS);
  for (const side of SIDES) {
    byId(side).replaceChildren(
      ...one[side].map((text, index) => word(side, text, index)),
    );
  }
  draw();
}

function word(side, text, index) {
  // One stop for the tab key on each side; the arrow keys do the rest.
  const button = make("button", "", {
    type: "button",
    tabindex: index === 0 ? 0 : -1,
  });
  const label = make("bdi", text, { class: "text" });
  if (text === "<start>" || text === "<end>") label.classList.add("mark");
  button.append(make("span", "", { class: "shares" }), label);
  const choose = () => {
    shown.word = { side, index };
    draw();
  };
  button.addEventListener("mouseenter", () => shown.kept || choose());
  button.addEventListener("focus", () => shown.kept || choose());
  button.addEventListener("click", () => {
    const same = shown.word?.side === side && shown.word.index === index;
    shown.kept = !(shown.kept && same);
    choose();
  });
  button.addEventListener("keydown", (event) => step(event, button));
  const item = make("li", "");
  item.append(button);
  return item;
}

function step(event, button) {
  const list = button.closest("ol");
  const buttons = [...list.querySelectorAll("button")];
  const at = buttons.indexOf(button);
  const across = byId(list.id === "queries" ? "keys" : "queries");
  const others = [...across.querySelectorAll("button")];
  const next = {
    ArrowUp: buttons[at - 1],
    ArrowDown: buttons[at + 1],
    Home: buttons[0],
    End: buttons.at(-1),
    ArrowLeft: list.id === "keys" && others[Math.min(at, others.length - 1)],
    ArrowRight: list.id === "queries" && others[Math.min(at, others.length - 1)],
  }[event.key];
  if (!next) return;
  event.preventDefault();
  shown.kept = false;
  for (const other of next.closest("ol").querySelectorAll("button")) {
    other.tabIndex = other === next ? 0 : -1;
  }
  next.focus();
}

function letGo() {
  shown.word = null;
  shown.kept = false;
  draw();
}

function draw() {
  [...byId("heads").children].forEach((button, head) => {
    button.setAttribute("aria-pressed", String(shown.heads[head]));
    button.style.setProperty("--head", colour(head));
  });
  byId("lines").hidden = shown.view !== "lines";
  byId("matrix").hidden = shown.view !== "matrix";
  if (shown.view === "lines") {
    drawShares();
    drawThreads();
  } else {
    drawMatrix();
  }
  drawScale();
  byId("reading").textContent = reading();
}

const percent = (share) => `${Math.round(100 * share)}\u202f%`;

// The same in words.
function reading() {
  const one = attention();
  const heads = headsShown();
  if (!heads.length) return "No head is shown.";
  const of = heads.length === 1 ? `head ${heads[0] + 1}` : `${heads.length} heads`;
  if (!shown.word) {
    return `Layer ${shown.layer + 1} of ${one.layers}, ${of}: no word is chosen.`;
  }
  const { side, index } = shown.word;
  const isQuery = side === "queries";
  const shares = one[isQuery ? "keys" : "queries"].map((text, i) => ({
    text: `“${text}”`,
    share: isQuery ? mean(index, i) : mean(i, index),
  }));
  shares.sort((a, b) => b.share - a.share);
  const listed = shares
    .slice(0, 5)
    .filter(({ share }) => share >= 0.005)
    .map(({ text, share }) => `${text} ${percent(share)}`);
  const name = `“${one[side][index]}”`;
  const verb = isQuery
    ? `${one.queryTitle} ${name} ${one.keyTitle}`
    : `${name} is attended to by`;
  return `Layer ${shown.layer + 1}, mean of ${of}: ${verb} ${listed.join(", ")}`;
}

byId("cells").addEventListener("mousemove", (event) => {
  const { left, top, cell } = byId("cells").layout;
  const query = Math.floor((event.offsetY - top) / cell);
  const key = Math.floor((event.offsetX - left) / cell);
  const one = attention();
  if (!(query in one.queries)) return;
  shown.word = { side: "queries", index: query };
  draw();
  if (key in one.keys) {
    const share = percent(mean(query, key));
    byId("reading").textContent =
      `${one.queryTitle} “${one.queries[query]}” ${one.keyTitle}` +
      ` “${one.keys[key]}”: ${share} (mean of the heads shown)`;
  }
});
byId("lines").addEventListener("mouseleave", () => shown.kept || letGo());
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") letGo();
});

async function start() {
  const all = sentences.flatMap(({ attentions }) => attentions);
  await Promise.all(all.map(unpack));
  fillControls();
  listenToControls();
  fillWords();
  addEventListener("resize", draw);
  dark.addEventListener("change", draw);
}

start();
