// Small pieces the others are made of: nodes, numbers, names of states.

const make = (name, className, text) => {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined && text !== null) node.textContent = text;
  return node;
};

const setText = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};

const format = (v) => {
  if (v === 0) return "0";
  const size = Math.abs(v);
  let text = size && (size < 0.0005 || size >= 10000) ? v.toExponential(1).replace("+", "") : v.toFixed(size < 100 ? 3 : 0);
  if (Number(text) === 0) text = text.replace("-", "");
  return text.replaceAll("-", "\u2212");
};

const percent = (share) => {
  const s = 100 * share;
  const size = Math.abs(s);
  const text = size === 0 ? "0" : size < 0.05 ? "<0.1" : size < 9.95 ? s.toFixed(1) : s.toFixed(0);
  return text.replace("-", "\u2212") + "\u202f%";
};

// [["", "a"], ["sub", "i"]] as text with real subscripts.
const formula = (segments) => {
  const node = make("dd", "formula");
  for (const [kind, text] of segments) node.append(kind ? make(kind, "", text) : text);
  return node;
};

const step = (q, signed) => (q === 0 ? "z" : (signed ? (q > 0 ? "p" : "n") : "u") + Math.abs(q));

const flagNames = {
  u: "not in the vocabulary", d: "deleted", m: "masked", s: "special",
  t: "mark of an entity", 1: "in e1", 2: "in e2",
};
const flagWords = (flags) => [...flags].map((f) => flagNames[f]).filter(Boolean);
const flagClass = (flags) => [...flags].map((f) => " f-" + f).join("");
