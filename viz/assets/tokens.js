// Draws the payload of viz/panels.py. Everything that comes from data is set with textContent.
// Nodes are kept between reruns (keyed by reader and method), so focus and scroll stay.

const VIEWS = new WeakMap();
const LONG = 90;
const WAIT = 1500;

class View {
  constructor(host) {
    this.host = host;
    const part = (name) => host.querySelector("." + name);
    this.scope = part("scope");
    this.source = part("source");
    this.legend = part("legend");
    this.grid = part("grid");
    this.tip = part("tip");
    this.live = part("live");
    this.panels = new Map();
    this.words = [];
    this.cells = [];
    this.hot = null;
    this.open = null;
    this.cursor = 0;
    this.selected = null;
    this.pending = null;
    this.tall = make("button", "tall", "Show whole maps");
    this.tall.type = "button";
    this.listen();
  }

  // ---- what is drawn -------------------------------------------------------------------------

  update(data, send) {
    this.data = data;
    this.send = send;
    this.theme();
    this.hideTip();
    this.hot = null;
    if (data.empty) {
      this.source.replaceChildren(make("p", "say", data.empty));
      this.legend.replaceChildren();
      this.grid.replaceChildren();
      this.panels.clear();
      this.words = [];
      this.textKey = null;
      return;
    }
    this.drawText();
    this.drawLegend();
    this.drawPanels();
    this.accept(data.selected);
    this.cells = this.words.map((word) => [word]);
    for (const panel of this.panels.values())
      for (const row of panel.rows.values())
        row.words.forEach((word, i) => this.cells[i] && this.cells[i].push(word));
    this.mark();
  }

  theme() {
    const colour = getComputedStyle(this.scope).getPropertyValue("--st-background-color").trim();
    const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})/i.exec(colour);
    if (!hex) return;
    const [r, g, b] = hex.slice(1).map((c) => parseInt(c, 16));
    this.scope.style.colorScheme = 0.299 * r + 0.587 * g + 0.114 * b < 128 ? "dark" : "light";
  }
}

Object.assign(View.prototype, drawing, pointing);

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const host = parentElement.querySelector(".scope");
  let view = VIEWS.get(host);
  if (!view) VIEWS.set(host, (view = new View(parentElement)));
  view.update(data, (index) => setStateValue("selected", index));
}
